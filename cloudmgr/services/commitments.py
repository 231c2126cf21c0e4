"""Budgets as requests, statements and payments move them: committed -> due -> paid.

Owns the rows of commitments and the sums on every budget of a chain (department -> payer), always
under the budgets' locks. What a month will cost is `domain.commitments`, a budget's own rule
`domain.budget`, budget changes `budgets`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.money import ZERO, total
from catalog.period import Month, local_day, midnight, shanghai
from cloudmgr.domain import budget as budgets
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget, BudgetCommitment, CommitmentState, budget_id
from cloudmgr.domain.commitments import Forecast, PlannedLine, increase, months_after
from cloudmgr.domain.errors import budget_not_set
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.policies import payer_of, policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import World

Amounts = tuple[tuple[Month, Decimal], ...]


def budget_chain(world: World, department_id: str, now: datetime) -> tuple[Budget, ...]:
    """The department's budget of the fiscal year and its payer's; those of them that exist."""
    ids = _chain_ids(payer_of(world, department_id, now), department_id, _year(now))
    return tuple(each for id in ids if (each := world.seek(Budget, id)) is not None)


def commit_line(
    world: World,
    *,
    request: ResourceRequest,
    line: RequestLine,
    held: Allocation | None,
    start: datetime,
    now: datetime,
) -> Decimal:
    """Commit what a line of an approved request adds to this fiscal year; returns the sum.

    `line` names its pool and, where it makes one, its allocation; `held` is the allocation it
    works on. Raises `budget_not_set` or `budget_exceeded` (naming the budget), `no_price`.
    """
    amounts = _added(world, request.kind, line, held, start, now)
    asked = total(amount for _, amount in amounts)
    if not asked:
        return asked
    payer_id, year = payer_of(world, request.department_id, now), _year(now)
    world.lock(*((Budget, id) for id in _chain_ids(payer_id, request.department_id, year)))
    chain = budget_chain(world, request.department_id, now)
    if not chain:
        raise budget_not_set(request.department_id, year)
    budgets.check(chain, asked)
    for budget in chain:
        world.put(budgets.commit(budget, asked))
    world.put_many(
        BudgetCommitment(
            id=f"{request.id}/{line.line}/{month}",
            budget_id=chain[0].id,
            source_id=request.id,
            line=line.line,
            allocation_id=line.allocation_id,
            department_id=request.department_id,
            year=year,
            month=str(month),
            amount=amount,
        )
        for month, amount in amounts
    )
    return asked


def line_commitment(
    world: World,
    *,
    request: ResourceRequest,
    line: RequestLine,
    held: Allocation | None,
    start: datetime,
    now: datetime,
) -> Decimal:
    """What `commit_line` would commit for a line that names its pool; nothing is stored."""
    return total(amount for _, amount in _added(world, request.kind, line, held, start, now))


def pass_on(world: World, from_allocation_id: str, to_allocation_id: str) -> None:
    """A relocation: what was committed for the old allocation stands for the new one from now on,
    which itself committed only what it costs more."""
    for row in world.find(
        BudgetCommitment, allocation_id=from_allocation_id, state=CommitmentState.COMMITTED
    ):
        world.put(replace(row, allocation_id=to_allocation_id))


def commit_opening(
    world: World, allocations: Iterable[Allocation], year: int, now: datetime
) -> Decimal:
    """Commit what running allocations will cost from `now` (or 1 January) to the year's end.

    What runs is owed, so it is committed even beyond a budget; growth then has to wait. Raises
    `budget_not_set` for a department without any budget of the year.
    """
    start = max(now, Month(year, 1).period.start)
    forecast = _forecast(world, year, now)
    rows, sums = [], defaultdict[str, Decimal](lambda: ZERO)
    ids: dict[str, tuple[str, ...]] = {}
    for allocation in allocations:
        department_id = allocation.department_id
        if department_id not in ids:
            ids[department_id] = _existing(world, department_id, year, now)
        for month, amount in forecast.amounts(_running(allocation, start)):
            rows.append(_opening_row(allocation, ids[department_id][0], month, amount))
            for id in ids[department_id]:
                sums[id] += amount
    world.lock(*((Budget, id) for id in sums))
    for id in sorted(sums):
        world.put(budgets.commit(world.get(Budget, id), sums[id]))
    world.put_many(rows)
    return total(row.amount for row in rows)


def release_commitments(world: World, source_id: str) -> Decimal:
    """Free all that a request (or opening allocation) still commits: it will not be carried out."""
    return _release(
        world, world.find(BudgetCommitment, source_id=source_id, state=CommitmentState.COMMITTED)
    )


def release_from(world: World, allocation_id: str, ended_at: datetime) -> Decimal:
    """Free an allocation's commitments of the months that begin at its end or later."""
    rows = world.find(
        BudgetCommitment, allocation_id=allocation_id, state=CommitmentState.COMMITTED
    )
    return _release(world, (row for row in rows if Month.parse(row.month).period.start >= ended_at))


@dataclass(frozen=True, slots=True)
class Due:
    """What a department's statement asks of a payer."""

    payer_id: str
    amount: Decimal


def post_month(world: World, month: Month, dues: Mapping[str, Due]) -> frozenset[str]:
    """The month's statements are issued: its commitments end, the amounts fall due on the budgets
    of the month's year. Returns the departments a budget stands for; the others are marked on
    their statement.
    """
    rows = world.find(BudgetCommitment, month=str(month), state=CommitmentState.COMMITTED)
    chains = {d: _chain_ids(due.payer_id, d, month.year) for d, due in dues.items()}
    ended, committed = _ended(world, rows)
    wanted = {id for chain in chains.values() for id in chain} | set(committed)
    world.lock(*((Budget, id) for id in wanted))
    due_on: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for department_id, chain in chains.items():
        for id in chain:
            due_on[id] += dues[department_id].amount
    for id in sorted(wanted):
        budget = world.seek(Budget, id)
        if budget is not None:
            world.put(budgets.post_due(budget, committed.get(id, ZERO), due_on[id]))
    for row in ended:
        posted = row.department_id in dues
        world.put(advance(row, CommitmentState.POSTED if posted else CommitmentState.RELEASED))
    return frozenset(
        d for d, chain in chains.items() if any(world.seek(Budget, id) for id in chain)
    )


def pay_budgets(world: World, payer_id: str, year: int, departments: Mapping[str, Decimal]) -> None:
    """A payment was made: count it as paid on each department's budget and once on the payer's."""
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for department_id, amount in departments.items():
        for id in _chain_ids(payer_id, department_id, year):
            paid[id] += amount
    world.lock(*((Budget, id) for id in paid))
    for id in sorted(paid):
        budget = world.seek(Budget, id)
        if budget is not None and paid[id]:
            world.put(budgets.pay(budget, paid[id]))


def _added(
    world: World,
    kind: RequestKind,
    line: RequestLine,
    held: Allocation | None,
    start: datetime,
    now: datetime,
) -> Amounts:
    """What the line costs beyond what is committed already, by the kind of its request."""
    if kind is RequestKind.RELEASE or line.pool_id is None:
        return ()
    forecast = _forecast(world, _year(now), now)
    if held is not None:
        until = held.term_end if held.term_end is None or held.term_end > start else None
        if kind is RequestKind.RENEW:
            until = months_after(held.term_end or start, line.term_months)
        after = forecast.amounts(_planned(line, start, until))
        return increase([*_before(forecast, held, start), *after], _committed(world, held.id))
    end = months_after(start, line.term_months)
    if kind is RequestKind.TEMPORARY:
        days = policy_now(world, now).clocks.temporary_days
        end = midnight(local_day(start) + timedelta(days=days))
    return forecast.amounts(_planned(line, start, end))


def _before(forecast: Forecast, held: Allocation, start: datetime) -> Amounts:
    """What an allocation costs as it is in the month of `start`, up to that instant."""
    begin = Month.of(start).period.start
    present = _running(held, max(begin, held.delivered_at or begin))
    if present.start >= start:
        return ()
    return forecast.amounts(replace(present, end=start))


def _committed(world: World, allocation_id: str) -> Amounts:
    """What stands committed for an allocation, by month and row."""
    rows = world.find(
        BudgetCommitment, allocation_id=allocation_id, state=CommitmentState.COMMITTED
    )
    return tuple((Month.parse(row.month), row.amount) for row in rows)


def _forecast(world: World, year: int, now: datetime) -> Forecast:
    return Forecast(year, price_book(world), policy_now(world, now).proration, now)


def _planned(line: RequestLine, start: datetime, end: datetime | None) -> PlannedLine:
    assert line.pool_id is not None
    return PlannedLine(
        sku_id=line.sku_id,
        quantity=line.quantity,
        pool_id=line.pool_id,
        start=start,
        end=end,
        estimate_units=line.estimate_units,
    )


def _running(allocation: Allocation, start: datetime) -> PlannedLine:
    """What runs, from `start` on; one that outlives its term is owed all the same."""
    end = allocation.term_end
    return PlannedLine(
        sku_id=allocation.sku_id,
        quantity=allocation.quantity,
        pool_id=allocation.pool_id,
        start=start,
        end=end if end is not None and end > start else None,
        estimate_units=allocation.estimate_units,
    )


def _opening_row(
    allocation: Allocation, budget_id: str, month: Month, amount: Decimal
) -> BudgetCommitment:
    return BudgetCommitment(
        id=f"{allocation.id}/1/{month}",
        budget_id=budget_id,
        source_id=allocation.id,
        line=1,
        allocation_id=allocation.id,
        department_id=allocation.department_id,
        year=month.year,
        month=str(month),
        amount=amount,
    )


def _release(world: World, rows: Iterable[BudgetCommitment]) -> Decimal:
    ended, committed = _ended(world, tuple(rows))
    world.lock(*((Budget, id) for id in committed))
    for id in sorted(committed):
        world.put(budgets.release(world.get(Budget, id), committed[id]))
    for row in ended:
        world.put(advance(row, CommitmentState.RELEASED))
    return total(row.amount for row in ended)


def _ended(
    world: World, rows: tuple[BudgetCommitment, ...]
) -> tuple[tuple[BudgetCommitment, ...], dict[str, Decimal]]:
    """The rows, and what of each budget of their chains they committed."""
    committed: dict[str, Decimal] = defaultdict(lambda: ZERO)
    chains: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row.budget_id not in chains:
            parent_id = world.get(Budget, row.budget_id).parent_id
            parent = world.seek(Budget, parent_id) if parent_id else None
            chains[row.budget_id] = (row.budget_id, parent.id) if parent else (row.budget_id,)
        for id in chains[row.budget_id]:
            committed[id] += row.amount
    return rows, dict(committed)


def _existing(world: World, department_id: str, year: int, now: datetime) -> tuple[str, ...]:
    ids = _chain_ids(payer_of(world, department_id, now), department_id, year)
    found = tuple(id for id in ids if world.seek(Budget, id) is not None)
    if not found:
        raise budget_not_set(department_id, year)
    return found


def _chain_ids(payer_id: str, department_id: str, year: int) -> tuple[str, str]:
    return budget_id(payer_id, department_id, year), budget_id(payer_id, None, year)


def _year(moment: datetime) -> int:
    """The fiscal year of an instant: the calendar year in Shanghai."""
    return shanghai(moment).year
