"""What a line will cost month by month to the year's end: the amounts a budget commits (占用).

Owns the forecast only, made by the rating function itself; budgets and their rows are `budget`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from catalog.errors import Conflict
from catalog.money import ZERO, total
from catalog.period import Month, Period, local_day, midnight
from catalog.prices import Price
from catalog.skus import PricingModel
from catalog.versions import CatalogVersion
from cloudmgr.domain.allocations import Allocation, AllocationState, Segment, SegmentMode
from cloudmgr.domain.policy import Policy, Proration
from cloudmgr.domain.rating import HourlySums, Place, Prices, RatingContext, rate_allocation

_NOBODY = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """What shall run from `start` to `end` (None: with no end), charged from its first day: a
    trial is not deducted. A metered Sku is expected to use `estimate_units` Sku units a month."""

    sku_id: str
    quantity: int
    pool_id: str
    start: datetime
    end: datetime | None = None
    estimate_units: int = 0


@dataclass(frozen=True, slots=True)
class HeldPrices:
    """A price book that, where it knows no price, goes on with the one of `moment`.

    A forecast may reach beyond a contract's term; a bill may not.
    """

    prices: Prices
    moment: datetime

    @property
    def versions(self) -> tuple[CatalogVersion, ...]:
        return self.prices.versions

    def price_at(self, sku_id: str, pool_id: str, moment: datetime) -> Price:
        try:
            return self.prices.price_at(sku_id, pool_id, moment)
        except Conflict:
            return self.prices.price_at(sku_id, pool_id, self.moment)

    def segments(
        self, sku_id: str, pool_id: str, period: Period
    ) -> tuple[tuple[Period, Price], ...]:
        try:
            return self.prices.segments(sku_id, pool_id, period)
        except Conflict:
            return ((period, self.prices.price_at(sku_id, pool_id, self.moment)),)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What lines cost in a fiscal year by the prices known at `priced_at`; keeps what a month
    asks, because a city's stock asks the same of every line."""

    year: int
    prices: Prices
    proration: Proration
    priced_at: datetime
    _contexts: dict[Month, RatingContext] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def amounts(self, line: PlannedLine) -> tuple[tuple[Month, Decimal], ...]:
        """(month, yuan) of every month of the year in which the line costs something, in order.

        From its start to the earlier of its end and 31 December; the first and the last month
        count in part. Raises `no_price` when there is no price now nor at `priced_at`.
        """
        allocation = _allocation(line)
        found = []
        for month in _months(line, self.year):
            context = self._context(month)
            lines = rate_allocation(allocation, context, _expected(line, context))
            if amount := total(each.amount for each in lines):
                found.append((month, amount))
        return tuple(found)

    def _context(self, month: Month) -> RatingContext:
        if month not in self._contexts:
            self._contexts[month] = RatingContext(
                month=month,
                prices=HeldPrices(self.prices, self.priced_at),
                proration=self.proration,
                places={_NOBODY: Place(_NOBODY, _NOBODY)},
                payees=_AnyPayee(),
            )
        return self._contexts[month]


class _AnyPayee(dict[str, str]):
    """A forecast does not ask who is paid."""

    def __missing__(self, contract_id: str) -> str:
        return _NOBODY


def _months(line: PlannedLine, year: int) -> Iterator[Month]:
    for number in range(1, 13):
        month = Month(year, number)
        ended = line.end is not None and line.end <= month.period.start
        if line.start < month.period.end and not ended:
            yield month


def _expected(line: PlannedLine, context: RatingContext) -> HourlySums:
    """The month's estimate as one hour's sum, less the part in which the line does not run."""
    sku = context.sku(line.sku_id)
    if sku.model is not PricingModel.METERED:
        return ()
    whole = context.month.period
    alive = Period(line.start, line.end or max(line.start, whole.end)).overlap(whole)
    if alive is None:
        return ()
    share = Fraction(alive.seconds, whole.seconds)
    return ((alive.start, ceil(line.estimate_units * sku.meter_units_per_unit * share)),)


def _allocation(line: PlannedLine) -> Allocation:
    return Allocation(
        id=_NOBODY,
        request_id=None,
        department_id=_NOBODY,
        application_id=_NOBODY,
        pool_id=line.pool_id,
        provider_id=_NOBODY,
        contract_id=_NOBODY,
        sku_id=line.sku_id,
        quantity=line.quantity,
        resources=(),
        delivered_at=line.start,
        ended_at=line.end,
        segments=(Segment(line.start, line.sku_id, line.quantity, SegmentMode.CHARGED),),
        state=AllocationState.ACTIVE,
    )


def months_after(moment: datetime, months: int) -> datetime:
    """The Shanghai midnight of the same day `months` later, of the month's last where it has
    none: when a term of so many months ends."""
    day = local_day(moment)
    month = Month.of(moment).plus(months)
    return midnight(month.first.replace(day=min(day.day, month.days)))


def renewed_end(held: Allocation, term_months: int, now: datetime, policy: Policy) -> datetime:
    """When a renewed term ends: months after it would have, for a temporary resource the policy's
    days."""
    end = held.term_end or now
    if held.temporary:
        days = policy.allocations.temporary_renewal_days
        return midnight(local_day(end) + timedelta(days=days))
    return months_after(end, term_months)


def increase(
    new: Iterable[tuple[Month, Decimal]], present: Iterable[tuple[Month, Decimal]]
) -> tuple[tuple[Month, Decimal], ...]:
    """What `new` adds month by month to what is committed already; a change commits no more.

    A month may stand several times on either side.
    """
    held, wanted = _by_month(present), _by_month(new)
    added = ((month, wanted[month] - held.get(month, ZERO)) for month in sorted(wanted))
    return tuple((month, amount) for month, amount in added if amount > 0)


def _by_month(amounts: Iterable[tuple[Month, Decimal]]) -> dict[Month, Decimal]:
    sums: dict[Month, Decimal] = {}
    for month, amount in amounts:
        sums[month] = sums.get(month, ZERO) + amount
    return sums
