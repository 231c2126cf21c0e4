"""Which price is in force: ceilings, quotes and `PriceBook`, the one place that answers.

Owns DOMAIN.md section 3. A price is derived from the quotes and versions every time and never
remembered, so a restored ceiling restores the quote. Multiplying it is `catalog.money`; quote
lifecycles and contracts belong to the node.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from typing import Literal

from catalog.errors import (
    bad_effective_date,
    bad_price_link,
    competing_quotes,
    no_ceiling,
    no_price,
    quote_over_ceiling,
)
from catalog.period import Period, is_midnight, local_day, midnight, shanghai, utc
from catalog.tiers import (
    Ceiling,
    Tier,
    Tiers,
    breakpoints,
    checked,
    flat,
    lower_of,
    price_text,
    rate_at,
)
from catalog.versions import CatalogVersion

__all__ = ["Ceiling", "Price", "PriceBook", "PriceLink", "QuotedPrice", "Tier", "Tiers", "flat"]

PriceLink = Literal["fixed", "follow_ceiling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPrice:
    """A provider's price in force for one Sku in one pool under one contract (协议价).

    Both dates are Shanghai midnights, kept in UTC; `effective_to` None means until superseded.
    """

    quote_id: str
    contract_id: str
    pool_id: str
    sku_id: str
    tiers: Tiers
    effective_from: datetime
    effective_to: datetime | None
    price_link: PriceLink

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", checked(self.tiers))
        object.__setattr__(self, "effective_from", _date(self.effective_from))
        if self.effective_to is not None:
            object.__setattr__(self, "effective_to", _date(self.effective_to))
            if self.effective_to <= self.effective_from:
                raise bad_effective_date(
                    _local(self.effective_to), f"quote {self.quote_id} would end before it begins"
                )
        if self.price_link not in ("fixed", "follow_ceiling"):
            raise bad_price_link(self.price_link)


@dataclass(frozen=True, slots=True)
class Price:
    """A price in yuan per Sku unit, and the papers it stands on."""

    tiers: Tiers
    contract_id: str
    quote_id: str
    catalog_version_id: str

    @property
    def unit_price(self) -> Decimal:
        """The first tier's price: the whole price of a recurring or one-off Sku."""
        return self.tiers[0].unit_price


class _Gap(Enum):
    """Why there is no price."""

    NO_QUOTE = "no quote in force"
    NO_CEILING = "no ceiling to follow, or no catalog"


@dataclass(frozen=True, slots=True)
class _Timeline:
    """One Sku in one pool for all time: prices[i] holds before starts[i], the last one for good.

    `cuts` are the starts at which quote, contract or tiers change; at the others only the name
    of the catalog version does.
    """

    starts: tuple[datetime, ...]
    prices: tuple[Price | _Gap, ...]
    cuts: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Every published catalog version and every quote that was ever in force.

    A later quote for a Sku in a pool supersedes the earlier from its effective date for good:
    when it ends, the earlier does not come back. Raises `competing_quotes` for two that begin
    together, `bad_effective_date` for two versions that do.
    """

    versions: tuple[CatalogVersion, ...]
    quotes: tuple[QuotedPrice, ...]
    _starts: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _quoted: dict[tuple[str, str], list[QuotedPrice]] = field(init=False, repr=False, compare=False)
    _timelines: dict[tuple[str, str], _Timeline] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        versions = tuple(sorted(self.versions, key=lambda version: version.effective_from))
        for one, other in pairwise(versions):
            if one.effective_from == other.effective_from:
                raise bad_effective_date(
                    _local(one.effective_from), f"versions {one.id} and {other.id} share it"
                )
        quoted: dict[tuple[str, str], list[QuotedPrice]] = {}
        for quote in sorted(self.quotes, key=lambda quote: quote.effective_from):
            same = quoted.setdefault((quote.sku_id, quote.pool_id), [])
            if same and same[-1].effective_from == quote.effective_from:
                raise competing_quotes(
                    same[-1].quote_id,
                    quote.quote_id,
                    quote.sku_id,
                    quote.pool_id,
                    _local(quote.effective_from),
                )
            same.append(quote)
        object.__setattr__(self, "versions", versions)
        object.__setattr__(self, "_starts", tuple(each.effective_from for each in versions))
        object.__setattr__(self, "_quoted", quoted)
        object.__setattr__(self, "_timelines", {})

    def ceiling_at(self, sku_id: str, moment: datetime) -> Tiers:
        """The ceiling in force; raises `no_ceiling` when the version at `moment` sets none."""
        return self._ceiling_at(sku_id, moment)[1].tiers

    def check_quote(self, sku_id: str, tiers: Tiers, moment: datetime) -> None:
        """Refuse tiers that exceed the ceiling in force at `moment` at any quantity.

        Raises `quote_over_ceiling`, `no_ceiling`, or `bad_tiers` when the tiers do not suit the
        Sku's pricing model.
        """
        version, ceiling = self._ceiling_at(sku_id, moment)
        checked(tiers, version.sku(sku_id).model)
        for quantity in breakpoints(tiers, ceiling.tiers):
            quoted, most = rate_at(tiers, quantity), rate_at(ceiling.tiers, quantity)
            if quoted > most:
                raise quote_over_ceiling(sku_id, price_text(quoted), price_text(most))

    def price_at(self, sku_id: str, pool_id: str, moment: datetime) -> Price:
        """The price of a Sku in a pool at an instant.

        Raises `no_price` when no quote is in force, `no_ceiling` when the quote follows a
        ceiling and there is none, or when no catalog is in force at all.
        """
        line = self._timeline(sku_id, pool_id)
        moment = utc(moment)
        found = line.prices[bisect_right(line.starts, moment)]
        if isinstance(found, Price):
            return found
        if found is _Gap.NO_QUOTE:
            raise no_price(sku_id, pool_id, _local(moment))
        raise no_ceiling(sku_id, _local(moment))

    def quotes_at(self, moment: datetime) -> tuple[QuotedPrice, ...]:
        """The quote in force for each Sku in each pool at an instant, where there is one."""
        moment = utc(moment)
        found = []
        for same in self._quoted.values():
            begun = [each for each in same if each.effective_from <= moment]
            if begun and (begun[-1].effective_to is None or begun[-1].effective_to > moment):
                found.append(begun[-1])
        return tuple(found)

    def under(self, version: CatalogVersion, moment: datetime) -> PriceBook:
        """The book in which `version` alone holds, from the day of `moment` on: what prices would
        be under it. Ask it about that day and later only."""
        begins = midnight(local_day(moment))
        return PriceBook((replace(version, effective_from=begins),), self.quotes)

    def segments(
        self, sku_id: str, pool_id: str, period: Period
    ) -> tuple[tuple[Period, Price], ...]:
        """Maximal parts of a period with equal quote and tiers, in order; they tile it.

        Each price names the catalog version at its part's start. Raises as `price_at` does, for
        the first instant without a price. An empty period has no parts.
        """
        if period.empty:
            return ()
        cuts = self._timeline(sku_id, pool_id).cuts
        inside = cuts[bisect_right(cuts, period.start) : bisect_left(cuts, period.end)]
        if not inside:
            return ((period, self.price_at(sku_id, pool_id, period.start)),)
        edges = (period.start, *inside, period.end)
        return tuple(
            (Period(start, end), self.price_at(sku_id, pool_id, start))
            for start, end in pairwise(edges)
        )

    def _ceiling_at(self, sku_id: str, moment: datetime) -> tuple[CatalogVersion, Ceiling]:
        version = self._version_at(utc(moment))
        ceiling = version.ceiling_of(sku_id) if version else None
        if version is None or ceiling is None:
            raise no_ceiling(sku_id, _local(moment))
        return version, ceiling

    def _version_at(self, moment: datetime) -> CatalogVersion | None:
        index = bisect_right(self._starts, moment) - 1
        return self.versions[index] if index >= 0 else None

    def _timeline(self, sku_id: str, pool_id: str) -> _Timeline:
        key = (sku_id, pool_id)
        line = self._timelines.get(key)
        if line is None:
            line = self._timelines[key] = self._built(sku_id, self._quoted.get(key, []))
        return line

    def _built(self, sku_id: str, quotes: list[QuotedPrice]) -> _Timeline:
        ends = {quote.effective_to for quote in quotes if quote.effective_to is not None}
        starts = sorted({*self._starts, *ends, *(quote.effective_from for quote in quotes)})
        froms = [quote.effective_from for quote in quotes]
        prices: list[Price | _Gap] = [_Gap.NO_QUOTE]
        for start in starts:
            begun = bisect_right(froms, start)
            quote = quotes[begun - 1] if begun else None
            if quote is None or (quote.effective_to is not None and quote.effective_to <= start):
                prices.append(_Gap.NO_QUOTE)
            else:
                prices.append(_price(quote, self._version_at(start)))
        changed = (
            start
            for start, (before, after) in zip(starts, pairwise(prices), strict=True)
            if _sameness(before) != _sameness(after)
        )
        return _Timeline(tuple(starts), tuple(prices), tuple(changed))


def _price(quote: QuotedPrice, version: CatalogVersion | None) -> Price | _Gap:
    """The price a quote gives under a version: its own, or the lower of it and the ceiling."""
    if version is None:
        return _Gap.NO_CEILING
    tiers = quote.tiers
    if quote.price_link == "follow_ceiling":
        ceiling = version.ceiling_of(quote.sku_id)
        if ceiling is None:
            return _Gap.NO_CEILING
        tiers = lower_of(tiers, ceiling.tiers)
    return Price(tiers, quote.contract_id, quote.quote_id, version.id)


def _sameness(price: Price | _Gap) -> object:
    """What must be equal for two neighbouring prices to be one segment."""
    if isinstance(price, _Gap):
        return price
    return price.tiers, price.contract_id, price.quote_id


def _date(moment: datetime) -> datetime:
    if not is_midnight(moment):
        raise bad_effective_date(_local(moment), "it is not midnight in Shanghai")
    return utc(moment)


def _local(moment: datetime) -> str:
    return shanghai(moment).isoformat()
