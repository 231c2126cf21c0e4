"""Rating with a world: gathers what a month's lines depend on, for the close and for previews.

Owns nothing of the rules; they are `domain.rating` and `domain.corrections`. Stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.errors import CloudmgrError
from catalog.period import Month
from catalog.skus import PricingModel
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.corrections import correct
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.policy import Policy, policy_at
from cloudmgr.domain.rating import HourlySums, Place, RatedLine, RatingContext, rate_allocation
from cloudmgr.domain.reorganisations import Reorganisation, ReorganisationState
from cloudmgr.services.policies import regions_above
from cloudmgr.services.pricing import price_book
from cloudmgr.services.usage import hourly_sums
from cloudmgr.services.world import World

Usage = Callable[[World, Month, Collection[str]], Mapping[str, HourlySums]]
"""Where metered use comes from: (world, month, allocations) -> hourly sums per allocation."""

CORRECTED_MONTHS = 3
"""How far back a close looks for changes that took effect in a month already closed."""

_UNPRICED = ("no_price", "no_ceiling", "unknown_sku")


@dataclass(frozen=True, slots=True)
class Rated:
    """Draft lines, and what has no price: `allocation: why`."""

    lines: tuple[RatedLine, ...]
    unpriced: tuple[str, ...]


@dataclass(slots=True)
class MonthRating:
    """One month's rating in one transaction; keeps contexts and asks for usage once a page."""

    world: World
    month: Month
    usage: Usage = hourly_sums
    _contexts: dict[Month, RatingContext] = field(default_factory=dict)

    def rate(self, allocations: Sequence[Allocation]) -> Rated:
        """The month's lines of some allocations, with what earlier closed months still lack."""
        lines, unpriced = self._fresh(self.month, allocations)
        for month in self._closed_before():
            late = [each for each in allocations if _changes_in(each, month)]
            if late:
                fresh, missing = self._fresh(month, late)
                lines.extend(self._corrections(month, late, fresh))
                unpriced.extend(missing)
        return Rated(tuple(lines), tuple(unpriced))

    def context(self, month: Month) -> RatingContext:
        """What the lines of a month depend on, by the rules of its last instant."""
        if month not in self._contexts:
            self._contexts[month] = rating_context(self.world, month)
        return self._contexts[month]

    def _fresh(
        self, month: Month, allocations: Iterable[Allocation]
    ) -> tuple[list[RatedLine], list[str]]:
        context = self.context(month)
        alive = [each for each in allocations if _lives_in(each, month)]
        metered = [each.id for each in alive if _is_metered(each, context)]
        usage = self.usage(self.world, month, metered) if metered else {}
        lines: list[RatedLine] = []
        unpriced: list[str] = []
        for allocation in alive:
            try:
                lines += rate_allocation(allocation, context, usage.get(allocation.id, ()))
            except CloudmgrError as error:
                if error.code not in _UNPRICED:
                    raise
                unpriced.append(f"{allocation.id}: {error.message}")
        return lines, unpriced

    def _corrections(
        self, month: Month, allocations: Sequence[Allocation], fresh: Iterable[RatedLine]
    ) -> Iterable[RatedLine]:
        ids = tuple(each.id for each in allocations)
        billed: dict[str, list[RatedLine]] = {id: [] for id in ids}
        for line in self.world.find(RatedLine, allocation_id=ids, served_month=str(month)):
            if line.month < str(self.month):
                billed[line.allocation_id].append(line)
        now: dict[str, list[RatedLine]] = {id: [] for id in ids}
        for line in fresh:
            now[line.allocation_id].append(line)
        places = self.context(self.month).places
        for id in ids:
            yield from correct(now[id], billed[id], month=str(self.month), places=places)

    def _closed_before(self) -> tuple[Month, ...]:
        earlier = (self.month.plus(-back) for back in range(CORRECTED_MONTHS, 0, -1))
        periods = ((month, self.world.seek(BillingPeriod, str(month))) for month in earlier)
        return tuple(
            month for month, period in periods if period and period.state is PeriodState.CLOSED
        )


def rating_context(world: World, month: Month) -> RatingContext:
    """Prices, payers, payees and proration of a month; policy as at its last instant."""
    policy = month_policy(world, month)
    departments = world.find(Organisation, kind=OrganisationKind.DEPARTMENT)
    above = {id: regions_above(world, id) for id in {each.region_id for each in departments}}
    return RatingContext(
        month=month,
        prices=price_book(world),
        proration=policy.proration,
        charge_storage_when_stopped=policy.charge_storage_when_stopped,
        places={
            each.id: Place(
                each.region_id, policy.payer_of(each.region_id, each.id, above[each.region_id])
            )
            for each in departments
        },
        payees={
            contract.id: contract.terms_at(month.period.end - timedelta(microseconds=1)).payee_id
            for contract in world.find(Contract)
        },
    )


def month_policy(world: World, month: Month) -> Policy:
    """The policy in force at a month's last instant (DOMAIN.md 9)."""
    return policy_at(world.find(Policy), month.period.end - timedelta(microseconds=1))


def preview(
    world: World, month: Month, department_id: str, usage: Usage = hourly_sums
) -> tuple[RatedLine, ...]:
    """A department's lines of a month as a close would make them now; nothing is stored."""
    own = {each.id: each for each in world.find(Allocation, department_id=department_id)}
    for moved in _handed_over(world, department_id):
        own.setdefault(moved, world.get(Allocation, moved))
    rated = MonthRating(world, month, usage).rate([own[id] for id in sorted(own)])
    return tuple(line for line in rated.lines if line.department_id == department_id)


def _handed_over(world: World, department_id: str) -> Iterator[str]:
    """What others have now and was the department's, for its days of the month."""
    done = world.find(Reorganisation, state=ReorganisationState.CARRIED_OUT)
    for moved in (moved for each in done for moved in each.moved):
        if moved.from_department_id == department_id:
            yield from moved.allocation_ids


def _lives_in(allocation: Allocation, month: Month) -> bool:
    if not allocation.segments or allocation.segments[0].start >= month.period.end:
        return False
    return allocation.ended_at is None or allocation.ended_at > month.period.start


def _is_metered(allocation: Allocation, context: RatingContext) -> bool:
    return any(
        context.sku(segment.sku_id).model is PricingModel.METERED for segment in allocation.segments
    )


def _changes_in(allocation: Allocation, month: Month) -> bool:
    """Whether anything of the allocation's history took effect in the month, so that its bill may
    have been made before that was recorded."""
    edges: list[datetime] = [segment.start for segment in allocation.segments]
    if allocation.ended_at is not None:
        edges.append(allocation.ended_at)
    return any(month.period.contains(edge) for edge in edges)
