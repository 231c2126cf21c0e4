"""What of quotas and budgets goes along when systems change departments (配额、预算调剂).

Owns the moves of counters, all under their locks; nothing that is allocated, reserved or committed
is lost or counted twice. How much goes is `domain.reorganisations`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from catalog.money import ZERO, total
from catalog.period import Month
from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.allocations import Allocation, Reservation
from cloudmgr.domain.budget import (
    Budget,
    BudgetChangeKind,
    BudgetCommitment,
    CommitmentState,
    budget_id,
)
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id
from cloudmgr.domain.reorganisations import (
    BudgetMoved,
    QuotaMoved,
    Transfer,
    budget_that_goes,
    limit_that_goes,
    share_before,
    with_more,
    without,
)
from cloudmgr.services.budgets import RecordBudgetChange, record_change
from cloudmgr.services.budgets_tree import MonthlySums, chain_from, chain_ids, lock_chains
from cloudmgr.services.commitments import fiscal_year
from cloudmgr.services.policies import payer_of
from cloudmgr.services.quotas import scopes_above
from cloudmgr.services.world import World

UNBOUND = 2**62
"""More units than any limit above could have."""


def department_scopes(world: World, department_id: str) -> tuple[str, ...]:
    """A department and every scope above it, root last."""
    return (department_id, *scopes_above(world, QuotaScope.DEPARTMENT, department_id))


def lock_quotas(world: World, transfer: Transfer, application_ids: Iterable[str]) -> None:
    """Take every quota a transfer touches, by name, in one go."""
    scopes = {
        *application_ids,
        *department_scopes(world, transfer.from_department_id),
        *department_scopes(world, transfer.to_department_id),
    }
    world.lock(*((Quota, quota_id(scope, each)) for scope in scopes for each in ResourceClass))


def move_quotas(
    world: World,
    transfer: Transfer,
    application_ids: Collection[str],
    allocations: Iterable[Allocation],
    held: Iterable[Reservation],
) -> tuple[QuotaMoved, ...]:
    """Counters leave the giver's scopes and join the taker's; what stands above both stays as it
    is. Called before the systems themselves move."""
    runs = _units(each.counted for each in allocations)
    holds = _units(each.quota_amounts for each in held)
    giving = department_scopes(world, transfer.from_department_id)
    taking = department_scopes(world, transfer.to_department_id)
    fresh = _is_fresh(world, transfer.to_department_id)
    moved = []
    for of in ResourceClass:
        counts = (runs.get(of, 0), holds.get(of, 0))
        systems = _hang_up(world, transfer, application_ids, of)
        limit = _limit(world, transfer, systems, of, sum(counts))
        for scope in (each for each in giving if each not in taking):
            _take(world, scope, of, counts, limit if scope == giving[0] else sum(counts))
        if fresh:
            _make(world, transfer, taking, of, limit)
        for scope in (each for each in reversed(taking) if each not in giving):
            _give(world, scope, of, counts, limit if scope == taking[0] else sum(counts), taking)
        if any(counts) or limit:
            moved.append(
                QuotaMoved(
                    resource_class=of, allocated=counts[0], reserved=counts[1], limit_units=limit
                )
            )
    return tuple(moved)


def _units(each: Iterable[tuple[ResourceAmount, ...]]) -> dict[ResourceClass, int]:
    sums: dict[ResourceClass, int] = {}
    for amount in (amount for amounts in each for amount in amounts):
        sums[amount.resource_class] = sums.get(amount.resource_class, 0) + amount.units
    return sums


def _hang_up(
    world: World, transfer: Transfer, application_ids: Iterable[str], of: ResourceClass
) -> list[Quota]:
    """The systems' own quotas, which hang below the taker's from now on."""
    found = []
    for id in application_ids:
        quota = world.seek(Quota, quota_id(id, of))
        if quota is not None:
            parent_id = quota_id(transfer.to_department_id, of)
            found.append(world.put(replace(quota, parent_id=parent_id)))
    return found


def _limit(
    world: World, transfer: Transfer, systems: Iterable[Quota], of: ResourceClass, committed: int
) -> int:
    """How much of the giver's limit goes, leaving what binds it below."""
    giver = world.seek(Quota, quota_id(transfer.from_department_id, of))
    if giver is None:
        return 0
    goes = limit_that_goes(giver, systems, committed, whole=transfer.whole)
    stay = [
        each.limit_units or 0
        for each in world.find(Quota, parent_id=giver.id)
        if each.resource_class is of and each.limited
    ]
    return max(min(goes, (giver.limit_units or 0) - max(stay, default=0)), 0)


def _take(world: World, scope: str, of: ResourceClass, counts: tuple[int, int], limit: int) -> None:
    quota = world.seek(Quota, quota_id(scope, of))
    if quota is None:
        return
    limit_units = quota.limit_units
    if limit_units is not None and quota.limited:
        limit_units = max(limit_units - limit, 0)
    world.put(replace(without(quota, *counts), limit_units=limit_units))


def _make(
    world: World, transfer: Transfer, taking: Sequence[str], of: ResourceClass, limit: int
) -> None:
    """A department that had no limits yet is limited like the one it comes from."""
    giver = world.seek(Quota, quota_id(transfer.from_department_id, of))
    if giver is None or not giver.limited:
        return
    id = quota_id(transfer.to_department_id, of)
    world.put(
        Quota(
            id=id,
            scope=QuotaScope.DEPARTMENT,
            scope_id=transfer.to_department_id,
            parent_id=quota_id(taking[1], of) if len(taking) > 1 else None,
            resource_class=of,
            limit_units=0,
        )
    )


def _is_fresh(world: World, department_id: str) -> bool:
    """Whether a department has no limits and nothing that they would count."""
    return not (
        any(world.seek(Quota, quota_id(department_id, each)) for each in ResourceClass)
        or bool(world.find(Allocation, department_id=department_id, limit=1))
        or bool(world.find(Reservation, department_id=department_id, limit=1))
    )


def _give(
    world: World,
    scope: str,
    of: ResourceClass,
    counts: tuple[int, int],
    limit: int,
    taking: Sequence[str],
) -> None:
    """No limit outgrows the nearest one above it, which is the technical office's to raise."""
    quota = world.seek(Quota, quota_id(scope, of))
    if quota is None:
        return
    limit_units = quota.limit_units
    if limit_units is not None and quota.limited:
        limit_units = min(limit_units + limit, _bound_above(world, scope, of, taking))
        limit_units = max(limit_units, quota.limit_units or 0)
    world.put(replace(with_more(quota, *counts), limit_units=limit_units))


def _bound_above(world: World, scope: str, of: ResourceClass, taking: Sequence[str]) -> int:
    """The nearest limit above a scope, with its own share already."""
    for above in taking[taking.index(scope) + 1 :]:
        quota = world.seek(Quota, quota_id(above, of))
        if quota is not None and quota.limited and quota.limit_units is not None:
            return quota.limit_units
    return UNBOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyMove:
    """Whose commitments move, from when on, and the paper that says so."""

    transfer: Transfer
    allocations: tuple[Allocation, ...]
    request_ids: tuple[str, ...]
    document_number: str
    reorganisation_id: str
    at: datetime


def move_budgets(world: World, move: MoneyMove) -> tuple[BudgetMoved, ...]:
    """Commitments of the days from `at` on go to the taker's budgets, approved money with them as
    recorded changes; months before and the days before `at` stay with the giver."""
    rows = _rows(world, move)
    giver = move.transfer.from_department_id
    year = fiscal_year(move.at)
    own = {
        each.year
        for each in world.find(Budget, department_id=giver)
        if each.year >= year and move.transfer.whole
    }
    years = sorted({*own, *(row.year for row, _ in rows)})
    moved = (
        _move_year(world, move, each, [r for r in rows if r[0].year == each]) for each in years
    )
    return tuple(each for each in moved if each is not None)


def _rows(world: World, move: MoneyMove) -> list[tuple[BudgetCommitment, Decimal]]:
    """The committed rows of what moves, each with the part of it that goes."""
    ids = tuple(each.id for each in move.allocations)
    by_allocation = world.find(BudgetCommitment, allocation_id=ids, state=CommitmentState.COMMITTED)
    by_request = world.find(
        BudgetCommitment, source_id=move.request_ids, state=CommitmentState.COMMITTED
    )
    life = {each.id: each for each in move.allocations}
    giver = move.transfer.from_department_id
    found = []
    for row in {each.id: each for each in (*by_allocation, *by_request)}.values():
        if row.department_id != giver:
            continue
        goes = row.amount - _stays(row, life.get(row.allocation_id or ""), move.at)
        if goes:
            found.append((row, goes))
    return found


def _stays(row: BudgetCommitment, allocation: Allocation | None, at: datetime) -> Decimal:
    month = Month.parse(row.month).period
    if allocation is None or allocation.delivered_at is None:  # nothing of it was served yet
        return row.amount if month.end <= at else ZERO
    end = month.end
    if allocation.term_end is not None and month.start < allocation.term_end < end:
        end = allocation.term_end
    return share_before(row.amount, max(month.start, allocation.delivered_at), at, end)


def _move_year(
    world: World, move: MoneyMove, year: int, rows: list[tuple[BudgetCommitment, Decimal]]
) -> BudgetMoved | None:
    giver, taker = move.transfer.from_department_id, move.transfer.to_department_id
    giver_payer, taker_payer = (payer_of(world, each, move.at) for each in (giver, taker))
    lock_chains(
        world,
        year,
        [(giver_payer, giver), (taker_payer, taker)],
        also={row.budget_id for row, _ in rows},
    )
    _sums(world, rows).release(world)
    goes = _approved(world, move, year, giver_payer, taker_payer, total(g for _, g in rows))
    chain = chain_ids(world, taker_payer, taker, year)
    committed = total(part for _, part in rows)
    if chain:
        changed = [_given(world, move, row, part, chain[0]) for row, part in rows]
        _sums(world, [(row, row.amount) for row in changed]).commit(world)
    else:
        _end(world, rows)
    if not committed and not goes:
        return None
    return BudgetMoved(
        year=year,
        from_budget_id=budget_id(giver_payer, giver, year),
        to_budget_id=budget_id(taker_payer, taker, year),
        committed=committed,
        approved=goes,
    )


def _sums(world: World, rows: Iterable[tuple[BudgetCommitment, Decimal]]) -> MonthlySums:
    sums = MonthlySums()
    for row, amount in rows:
        sums.add(chain_from(world, row.budget_id), Month.parse(row.month), amount)
    return sums


def _approved(
    world: World, move: MoneyMove, year: int, giver_payer: str, taker_payer: str, committed: Decimal
) -> Decimal:
    """Record the change by which approved money goes along; nothing where the giver has no budget
    of its own, for then the money stands above both."""
    giver, taker = move.transfer.from_department_id, move.transfer.to_department_id
    budget = world.seek(Budget, budget_id(giver_payer, giver, year))
    if budget is None:
        return ZERO
    taking = chain_ids(world, taker_payer, taker, year)
    givers = [
        world.get(Budget, each) for each in chain_from(world, budget.id) if each not in taking
    ]
    left = min(min(each.left, each.approved) for each in givers)
    goes = budget_that_goes(left, committed, move.transfer.budget, whole=move.transfer.whole)
    if not goes:
        return ZERO
    change = RecordBudgetChange(
        payer_id=taker_payer,
        department_id=taker,
        year=year,
        kind=BudgetChangeKind.MOVE,
        amount=goes,
        document_number=move.document_number,
        from_department_id=giver,
        reason=f"机构改革 {move.reorganisation_id}",
        project_code=budget.project_code,
        fund_source=budget.fund_source,
    )
    if giver_payer == taker_payer:
        record_change(world, change, move.at)
        return goes
    # Between payers no budget stands above both: each one of the two lines changes by itself.
    cut = replace(change, kind=BudgetChangeKind.CUT, from_department_id=None, payer_id=giver_payer)
    for each in givers:
        record_change(world, replace(cut, department_id=each.department_id), move.at)
    add = replace(change, kind=BudgetChangeKind.ADD, from_department_id=None)
    above = {world.get(Budget, id).department_id for id in taking} - {taker}
    for named in (*sorted(above, key=str), taker):
        record_change(world, replace(add, department_id=named), move.at)
    return goes


def _given(
    world: World, move: MoneyMove, row: BudgetCommitment, part: Decimal, budget: str
) -> BudgetCommitment:
    """The taker's row: the row itself, or the part of it that was split off."""
    taker = move.transfer.to_department_id
    if part == row.amount:
        return world.put(replace(row, budget_id=budget, department_id=taker))
    world.put(replace(row, amount=row.amount - part))
    return world.put(
        replace(
            row,
            id=f"{row.id}@{move.reorganisation_id}",
            version=0,
            budget_id=budget,
            department_id=taker,
            amount=part,
        )
    )


def _end(world: World, rows: Iterable[tuple[BudgetCommitment, Decimal]]) -> None:
    """Nobody has set a budget that could take them: what goes is committed nowhere."""
    for row, part in rows:
        if part == row.amount:
            world.put(advance(row, CommitmentState.RELEASED))
        else:
            world.put(replace(row, amount=row.amount - part))
