"""What a month's rating asks beside the allocation: Skus, prices, who pays, which rules.

Owns the answers' shape and keeps them; the prices themselves are `catalog.prices`, the lines made
of them `rating`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Protocol

from catalog.errors import unknown_sku
from catalog.period import Month, Period
from catalog.prices import Price
from catalog.skus import Sku
from catalog.versions import CatalogVersion
from cloudmgr.domain.allocations import SegmentMode
from cloudmgr.domain.lines import LineKind
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.proration import Stretch


class Prices(Protocol):
    """The part of a price book that rating asks."""

    @property
    def versions(self) -> tuple[CatalogVersion, ...]: ...

    def price_at(self, sku_id: str, pool_id: str, moment: datetime) -> Price: ...

    def segments(
        self, sku_id: str, pool_id: str, period: Period
    ) -> tuple[tuple[Period, Price], ...]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a department stands for billing: its region, and who pays at the month's end."""

    region_id: str
    payer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingContext:
    """Everything beside allocation and usage that a month's lines depend on.

    `places` by department, `payees` by contract. Answers about Skus and prices are kept, because
    a month asks the same ones for every allocation.
    """

    month: Month
    prices: Prices
    proration: Proration
    places: Mapping[str, Place]
    payees: Mapping[str, str]
    charge_storage_when_stopped: bool = True
    _skus: dict[str, Sku] = field(default_factory=dict, init=False, repr=False, compare=False)
    _segments: dict[tuple[str, str, datetime, datetime], tuple[tuple[Period, Price], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def sku(self, sku_id: str) -> Sku:
        """What the Sku is, which no version changes; raises `unknown_sku`."""
        if sku_id not in self._skus:
            self._skus[sku_id] = sku_at(self.prices.versions, sku_id, self.month.period.end)
        return self._skus[sku_id]

    def segments(self, stretch: Stretch, pool_id: str) -> tuple[tuple[Period, Price], ...]:
        """The prices of a stretch; raises `no_price` or `no_ceiling` where one is missing."""
        key = (stretch.sku_id, pool_id, stretch.start, stretch.end)
        if key not in self._segments:
            self._segments[key] = self.prices.segments(stretch.sku_id, pool_id, stretch.period)
        return self._segments[key]

    def kinds(self, stretch: Stretch) -> Iterator[tuple[Stretch, LineKind]]:
        """How each part of a stretch is billed. Whether a stopped resource is charged stands in
        the catalog, so a new version may cut it."""
        if stretch.mode is not SegmentMode.STOPPED:
            trial = stretch.mode is SegmentMode.TRIAL
            yield stretch, LineKind.TRIAL if trial else LineKind.CHARGE
            return
        versions = self.prices.versions
        inside = (v.effective_from for v in versions if stretch.period.contains(v.effective_from))
        edges = sorted({stretch.start, *inside, stretch.end})
        for start, end in pairwise(edges):
            sku = sku_at(versions, stretch.sku_id, start)
            charged = sku.charged_when_stopped and self.charge_storage_when_stopped
            part = replace(stretch, start=start, end=end)
            yield part, LineKind.CHARGE if charged else LineKind.STOPPED


def sku_at(versions: Sequence[CatalogVersion], sku_id: str, moment: datetime) -> Sku:
    """The Sku as of the latest version in force that has it, else of the earliest that will.

    Raises `unknown_sku` when no version ever had it.
    """
    having = sorted((v for v in versions if v.has(sku_id)), key=lambda v: v.effective_from)
    if not having:
        raise unknown_sku(sku_id, ", ".join(v.id for v in versions) or "none")
    in_force = [version for version in having if version.effective_from <= moment]
    return (in_force or having[:1])[-1].sku(sku_id)
