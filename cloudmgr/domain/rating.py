"""Rating: from an allocation's history, prices and usage to the rated lines (计费明细) of a month.

Owns which lines there are and what each costs (DOMAIN.md 8). Which part of the month counts is
`proration`, which price is in force `catalog.prices`, the one rounding `catalog.money.price_of`;
statements and the journal add up the lines made here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from catalog.money import total, unit_price
from catalog.period import DAY
from catalog.prices import Price
from catalog.skus import PricingModel, Sku
from catalog.tiers import Tiers, tranches
from cloudmgr.domain.allocations import Allocation, SegmentMode, owner_at
from cloudmgr.domain.lines import LineKind, LineState, RatedLine, line_amount
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.proration import (
    Stretch,
    day_start,
    day_stretches,
    fraction_text,
    stretches,
    units,
)
from cloudmgr.domain.tariff import Place, Prices, RatingContext, sku_at

__all__ = [
    "HourlySums",
    "LineKind",
    "LineState",
    "Place",
    "Prices",
    "RatedLine",
    "RatingContext",
    "line_amount",
    "monthly_price",
    "rate_allocation",
    "sku_at",
]

HOUR = timedelta(hours=1)
WHOLE = "1/1"
NO_PRICE = unit_price(0)

HourlySums = Sequence[tuple[datetime, int]]
"""Per hour (UTC, its start) the sum of a meter's readings in base units; order does not matter."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A line before it has an id and papers."""

    start: datetime
    end: datetime
    kind: LineKind
    sku: Sku
    quantity: int
    price: Price
    unit_price: Decimal
    department_id: str
    per_unit: int = 1
    fraction: str = WHOLE
    tier_from: int = 0
    given_as: LineKind | None = None


def rate_allocation(
    allocation: Allocation, context: RatingContext, usage: HourlySums = ()
) -> tuple[RatedLine, ...]:
    """The draft lines of one allocation in the context's month, numbered in order of time.

    `usage` are the hourly sums of its metered Sku's meter. Raises `no_price` or `no_ceiling` where
    something to be shown on a bill has no price: the caller stops the close and lists it.
    """
    parts = (
        *_recurring(allocation, context),
        *_one_off(allocation, context),
        *_metered(allocation, context, usage),
    )
    ordered = sorted(parts, key=lambda part: (part.start, part.sku.id, part.tier_from, part.end))
    return tuple(
        _line(allocation, context, number, part) for number, part in enumerate(ordered, start=1)
    )


_cached_amount = lru_cache(maxsize=65536)(line_amount)
"""A city has few sizes and prices and many resources of each."""


def monthly_price(sku: Sku, quantity: int, price: Price, *, estimate_units: int = 0) -> Decimal:
    """What a full month of `quantity` units costs at one price, by the rules of the bill.

    A metered Sku counts `estimate_units` Sku units through its tiers, a one-off its one price.
    """
    if sku.model is not PricingModel.METERED:
        return line_amount(quantity, 1, WHOLE, price.unit_price)
    per_unit = sku.meter_units_per_unit
    return total(
        line_amount(base_units, per_unit, WHOLE, rate)
        for _, base_units, rate in _by_tier(price.tiers, per_unit, 0, estimate_units * per_unit)
    )


def _recurring(allocation: Allocation, context: RatingContext) -> tuple[_Part, ...]:
    cut = stretches if context.proration is Proration.SECOND else day_stretches
    own = [
        stretch
        for stretch in cut(allocation, context.month)
        if context.sku(stretch.sku_id).model is PricingModel.RECURRING
    ]
    parts = _joined(_priced(own, allocation.pool_id, context))
    if context.proration in (Proration.HALF_MONTH, Proration.WHOLE_MONTH):
        parts = _joined(_by_unit(parts, context))
    whole = (
        replace(
            part, fraction=fraction_text(part.start, part.end, context.month, context.proration)
        )
        for part in parts
    )
    return tuple(each for part in whole for each in _with_given(part))


def _with_given(part: _Part) -> Iterator[_Part]:
    """A charge, and where somebody else bears it its exact negative: a waiver is the payer's, a
    discount the provider's. A negative price tells what the rules gave from what people gave."""
    yield part
    if part.given_as is not None and part.kind is LineKind.CHARGE:
        yield replace(part, kind=part.given_as, unit_price=-part.unit_price)


def _priced(cut: Iterable[Stretch], pool_id: str, context: RatingContext) -> Iterator[_Part]:
    """Stretches cut at their price changes; what is not charged has the price zero."""
    for whole in cut:
        for stretch, kind in context.kinds(whole):
            for period, price in context.segments(stretch, pool_id):
                yield _Part(
                    start=period.start,
                    end=period.end,
                    kind=kind,
                    sku=context.sku(stretch.sku_id),
                    quantity=stretch.quantity,
                    price=price,
                    unit_price=price.unit_price if kind is LineKind.CHARGE else NO_PRICE,
                    department_id=stretch.department_id,
                    given_as=_GIVEN_AS.get(stretch.mode),
                )


_GIVEN_AS = {
    SegmentMode.PARALLEL_WAIVED: LineKind.WAIVER,
    SegmentMode.PARALLEL_DISCOUNTED: LineKind.DISCOUNT,
}


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """Neighbours of equal kind, size, price, quote and owner are one segment (DOMAIN.md 8)."""
    joined: list[_Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and last.end == part.start and _same(last, part):
            joined[-1] = replace(last, end=part.end)
        else:
            joined.append(part)
    return joined


def _same(one: _Part, other: _Part) -> bool:
    return (
        one.kind is other.kind
        and one.given_as is other.given_as
        and one.sku.id == other.sku.id
        and one.quantity == other.quantity
        and one.department_id == other.department_id
        and one.unit_price == other.unit_price
        and one.price.quote_id == other.price.quote_id
        and one.price.contract_id == other.price.contract_id
        and (one.kind is not LineKind.CHARGE or one.price.tiers == other.price.tiers)
    )


def _by_unit(parts: Sequence[_Part], context: RatingContext) -> Iterator[_Part]:
    """One part per begun half or month: as on its last charged day, else as it was shown last."""
    for unit in units(context.month, context.proration):
        inside = [part for part in parts if part.start < unit.end and unit.start < part.end]
        charged = [part for part in inside if part.kind is LineKind.CHARGE]
        if inside:
            yield replace((charged or inside)[-1], start=unit.start, end=unit.end)


def _one_off(allocation: Allocation, context: RatingContext) -> Iterator[_Part]:
    """Once, on the day billing begins: the delivery, or the accepted trial."""
    first = next((s for s in allocation.segments if s.mode is SegmentMode.CHARGED), None)
    if first is None or not context.month.period.contains(first.start):
        return
    sku = context.sku(first.sku_id)
    if sku.model is not PricingModel.ONE_OFF:
        return
    price = context.prices.price_at(first.sku_id, allocation.pool_id, first.start)
    day = day_start(first.start)
    owner = owner_at(allocation, first.start)
    yield _Part(
        day, day + DAY, LineKind.ONE_OFF, sku, first.quantity, price, price.unit_price, owner
    )


def _metered(allocation: Allocation, context: RatingContext, usage: HourlySums) -> Iterator[_Part]:
    """Usage by price segment and tier; tiers accumulate in hour order over the charged usage of
    the Sku in the month, across price changes. An hour is billed by its state at its end."""
    if not usage:
        return
    own = [
        stretch
        for stretch in stretches(allocation, context.month)
        if context.sku(stretch.sku_id).model is PricingModel.METERED
    ]
    parts = _joined(_priced(own, allocation.pool_id, context))
    used: dict[str, int] = {}
    for part, base_units in _summed(parts, usage):
        per_unit = part.sku.meter_units_per_unit
        full = replace(part, per_unit=per_unit, quantity=base_units)
        if part.kind is not LineKind.CHARGE:
            yield full
            continue
        before = used.get(part.sku.id, 0)
        used[part.sku.id] = before + base_units
        for tier_from, quantity, rate in _by_tier(part.price.tiers, per_unit, before, base_units):
            priced = replace(full, quantity=quantity, unit_price=rate, tier_from=tier_from)
            yield from _with_given(priced)


def _summed(parts: Sequence[_Part], usage: HourlySums) -> Iterator[tuple[_Part, int]]:
    """Each part with the base units of its hours; parts without usage are left out.

    An hour belongs to the last part that begins before the hour's end, if that goes on into it.
    """
    an_hour_before = [part.start - HOUR for part in parts]
    ends = [part.end for part in parts]
    sums = [0] * len(parts)
    for hour, base_units in usage:
        index = bisect_left(an_hour_before, hour) - 1
        if index >= 0 and hour < ends[index]:
            sums[index] += base_units
    return ((part, units) for part, units in zip(parts, sums, strict=True) if units)


def _by_tier(
    tiers: Tiers, per_unit: int, used: int, more: int
) -> Iterator[tuple[int, int, Decimal]]:
    """(tier from, base units, unit price) of `more` base units after `used` ones."""
    at = Fraction(used, per_unit)
    for quantity, rate in tranches(tiers, at, Fraction(more, per_unit)):
        tier_from = max(tier.from_quantity for tier in tiers if tier.from_quantity <= at)
        yield tier_from, int(quantity * per_unit), rate
        at += quantity


def _line(allocation: Allocation, context: RatingContext, number: int, part: _Part) -> RatedLine:
    month = str(context.month)
    place = context.places[part.department_id]
    return RatedLine(
        id=f"RL-{month}/{allocation.id}/{number:03d}",
        month=month,
        served_month=month,
        statement_id=None,
        kind=part.kind,
        model=part.sku.model,
        department_id=part.department_id,
        application_id=allocation.application_id,
        region_id=place.region_id,
        payer_id=place.payer_id,
        provider_id=allocation.provider_id,
        payee_id=context.payees[part.price.contract_id],
        contract_id=part.price.contract_id,
        pool_id=allocation.pool_id,
        allocation_id=allocation.id,
        sku_id=part.sku.id,
        quote_id=part.price.quote_id,
        catalog_version_id=part.price.catalog_version_id,
        start=part.start,
        end=part.end,
        quantity=part.quantity,
        per_unit=part.per_unit,
        fraction=part.fraction,
        tier_from=part.tier_from,
        unit_price=part.unit_price,
        amount=_cached_amount(part.quantity, part.per_unit, part.fraction, part.unit_price),
    )
