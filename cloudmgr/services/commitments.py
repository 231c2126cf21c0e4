"""Budgets as requests, statements and payments move them: committed -> due -> paid.

Owns the rows of commitments; the sums on every budget of a chain are `budgets_tree`, what a month
will cost is `domain.commitments`, a budget's own rule `domain.budget`, budget changes `budgets`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.errors import CloudmgrError, Conflict
from catalog.money import ZERO, total
from catalog.period import Month, local_day, midnight, shanghai
from cloudmgr.domain import budget as budgets
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget, BudgetCommitment, CommitmentState
from cloudmgr.domain.commitments import Forecast, PlannedLine, increase, months_after, renewed_end
from cloudmgr.domain.errors import budget_not_set
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.requests import (
    ParallelPayer,
    RequestKind,
    RequestLine,
    RequestState,
    ResourceRequest,
)
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services.budgets_tree import MonthlySums, chain_from, chain_ids, lock_chains
from cloudmgr.services.policies import payer_of, policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import World

Amounts = tuple[tuple[Month, Decimal], ...]


def budget_chain(world: World, department_id: str, now: datetime) -> tuple[Budget, ...]:
    """The department's budgets of the fiscal year up to its payer's; those that exist."""
    ids = chain_ids(world, payer_of(world, department_id, now), department_id, fiscal_year(now))
    return tuple(world.get(Budget, id) for id in ids)


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
    year = fiscal_year(now)
    amounts = added(world, request.kind, line, held, start, year, now)
    asked = total(amount for _, amount in amounts)
    if not asked:
        return asked
    payer_id = payer_of(world, request.department_id, now)
    ids = lock_chains(world, year, [(payer_id, request.department_id)])[request.department_id]
    if not ids:
        raise budget_not_set(request.department_id, year)
    budgets.check_amounts([world.get(Budget, id) for id in ids], amounts)
    sums = MonthlySums()
    for month, amount in amounts:
        sums.add(ids, month, amount)
    sums.commit(world)
    world.put_many(request_rows(request, line, ids[0], amounts))
    return asked


def request_rows(
    request: ResourceRequest, line: RequestLine, budget_id: str, amounts: Amounts
) -> Iterator[BudgetCommitment]:
    """The rows of one line of a request."""
    for month, amount in amounts:
        yield BudgetCommitment(
            id=f"{request.id}/{line.line}/{month}",
            budget_id=budget_id,
            source_id=request.id,
            line=line.line,
            allocation_id=line.allocation_id,
            department_id=request.department_id,
            year=month.year,
            month=str(month),
            amount=amount,
        )


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
    amounts = added(world, request.kind, line, held, start, fiscal_year(now), now)
    return total(amount for _, amount in amounts)


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
    done = commit_stock(world, tuple(allocations), start, year, now)
    for _, refusal in done.refused:
        raise refusal
    return done.committed


@dataclass(frozen=True, slots=True)
class CommittedStock:
    """What was committed, and the ids of what could not be, with why."""

    committed: Decimal
    refused: tuple[tuple[str, CloudmgrError], ...]


def commit_stock(
    world: World, stock: Sequence[Allocation], start: datetime, year: int, now: datetime
) -> CommittedStock:
    """Commit what allocations cost from `start` to the year's end, even beyond their budgets.

    Months of the year that have a row of the allocation already are left as they are.
    """
    pairs = {each.department_id: payer_of(world, each.department_id, now) for each in stock}
    chains = lock_chains(world, year, [(payer, d) for d, payer in pairs.items()])
    present = _months_of(world, [each.id for each in stock], year)
    planned = forecast_of(world, year, now)
    rows, sums, refused = [], MonthlySums(), []
    for allocation in stock:
        chain = chains[allocation.department_id]
        if not chain:
            refused.append((allocation.id, budget_not_set(allocation.department_id, year)))
            continue
        try:
            amounts = planned.amounts(running_line(allocation, start))
        except Conflict as refusal:  # no price
            refused.append((allocation.id, refusal))
            continue
        for month, amount in amounts:
            if month not in present[allocation.id]:
                rows.append(allocation_row(allocation, chain[0], month, amount))
                sums.add(chain, month, amount)
    sums.commit(world)
    world.put_many(rows)
    return CommittedStock(total(row.amount for row in rows), tuple(refused))


def commit_again(world: World, request: ResourceRequest, year: int, now: datetime) -> Decimal:
    """Commit what an approved request that is not carried out yet adds to a year after that of its
    approval, even beyond the budgets; nothing where it has rows of that year.

    Raises `budget_not_set` or `no_price`, and then has committed nothing.
    """
    known = world.find(BudgetCommitment, source_id=request.id, year=year, limit=1)
    if request.approved_at is None or request.state is RequestState.RATIFYING or known:
        return ZERO  # what is ratified runs already
    clocks = policy_now(world, request.approved_at).clocks
    start = add_workdays(request.approved_at, clocks.provisioning_workdays)
    wanted = [
        (line, added(world, request.kind, line, _held(world, request, line), start, year, now))
        for line in request.lines
    ]
    payer_id = payer_of(world, request.department_id, now)
    chain = lock_chains(world, year, [(payer_id, request.department_id)])[request.department_id]
    if not chain and any(amounts for _, amounts in wanted):
        raise budget_not_set(request.department_id, year)
    sums = MonthlySums()
    for line, amounts in wanted:
        for month, amount in amounts:
            sums.add(chain, month, amount)
        world.put_many(request_rows(request, line, chain[0], amounts) if amounts else ())
    sums.commit(world)
    return total(amount for _, amounts in wanted for _, amount in amounts)


def _held(world: World, request: ResourceRequest, line: RequestLine) -> Allocation | None:
    """The allocation that a bound line works on, as it was when it was bound."""
    if request.kind.creates or line.allocation_id is None:
        return None
    named = world.get(Allocation, line.allocation_id)
    if request.kind is RequestKind.RELOCATE and named.relocated_from is not None:
        return world.get(Allocation, named.relocated_from)
    return named


def _months_of(world: World, allocation_ids: Sequence[str], year: int) -> dict[str, set[Month]]:
    """The months of a year that have a row of an allocation, whatever became of it."""
    months: dict[str, set[Month]] = {id: set() for id in allocation_ids}
    for row in world.find(BudgetCommitment, allocation_id=tuple(allocation_ids), year=year):
        if row.allocation_id is not None:
            months[row.allocation_id].add(Month.parse(row.month))
    return months


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
    pairs = [(due.payer_id, d) for d, due in dues.items()]
    chains = lock_chains(world, month.year, pairs, also={row.budget_id for row in rows})
    ended = _ended(world, rows)
    due_on: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for department_id, chain in chains.items():
        for id in chain:
            due_on[id] += dues[department_id].amount
    for id in sorted({*due_on, *ended.ids}):
        budget = world.get(Budget, id)
        due = due_on.get(id, ZERO)
        world.put(budgets.post_due(budget, ended.of(id), due, ended.early(budget)))
    for row in rows:
        posted = row.department_id in dues
        world.put(advance(row, CommitmentState.POSTED if posted else CommitmentState.RELEASED))
    return frozenset(department_id for department_id, chain in chains.items() if chain)


def pay_budgets(world: World, payer_id: str, year: int, departments: Mapping[str, Decimal]) -> None:
    """A payment was made: count it as paid on each budget of a department's chain, once on each."""
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    chains = lock_chains(world, year, [(payer_id, each) for each in departments])
    for department_id, amount in departments.items():
        for id in chains[department_id]:
            paid[id] += amount
    for id in sorted(paid):
        if paid[id]:
            world.put(budgets.pay(world.get(Budget, id), paid[id]))


def added(
    world: World,
    kind: RequestKind,
    line: RequestLine,
    held: Allocation | None,
    start: datetime,
    year: int,
    now: datetime,
) -> Amounts:
    """What the line costs in a fiscal year beyond what is committed of it already, by the kind of
    its request."""
    if kind is RequestKind.RELEASE or line.pool_id is None:
        return ()
    forecast = forecast_of(world, year, now)
    if held is not None:
        until = held.term_end if held.term_end is None or held.term_end > start else None
        if kind is RequestKind.RENEW:
            until = renewed_end(held, line.term_months, start, policy_now(world, now))
        after = forecast.amounts(_planned(line, start, until))
        beside = _beside(forecast, line, held, start)
        wanted = [*_before(forecast, held, start), *after, *beside]
        return increase(wanted, _committed(world, held.id))
    end = months_after(start, line.term_months)
    if kind is RequestKind.TEMPORARY:
        days = policy_now(world, now).clocks.temporary_days
        end = midnight(local_day(start) + timedelta(days=days))
    return forecast.amounts(_planned(line, start, end))


def _beside(forecast: Forecast, line: RequestLine, held: Allocation, start: datetime) -> Amounts:
    """What a relocated allocation costs while it runs on beside its successor, unless its provider
    bears that."""
    if not line.parallel_days or line.parallel_payer is ParallelPayer.PROVIDER:
        return ()
    until = midnight(local_day(start) + timedelta(days=line.parallel_days))
    return forecast.amounts(replace(running_line(held, start), end=until))


def _before(forecast: Forecast, held: Allocation, start: datetime) -> Amounts:
    """What an allocation costs as it is in the month of `start`, up to that instant."""
    begin = Month.of(start).period.start
    present = running_line(held, max(begin, held.delivered_at or begin))
    if present.start >= start:
        return ()
    return forecast.amounts(replace(present, end=start))


def _committed(world: World, allocation_id: str) -> Amounts:
    """What stands committed for an allocation, by month and row."""
    rows = world.find(
        BudgetCommitment, allocation_id=allocation_id, state=CommitmentState.COMMITTED
    )
    return tuple((Month.parse(row.month), row.amount) for row in rows)


def forecast_of(world: World, year: int, now: datetime) -> Forecast:
    return Forecast(year, price_book(world), policy_now(world, now).proration, now)


def _planned(line: RequestLine, start: datetime, end: datetime | None) -> PlannedLine:
    assert line.pool_id is not None
    return PlannedLine(
        sku_id=line.sku_id,
        quantity=line.most,
        pool_id=line.pool_id,
        start=start,
        end=end,
        estimate_units=line.estimate_units,
    )


def running_line(allocation: Allocation, start: datetime) -> PlannedLine:
    """What runs, from `start` on; one that outlives its term is owed all the same."""
    end = allocation.parallel_until or allocation.term_end
    return PlannedLine(
        sku_id=allocation.sku_id,
        quantity=allocation.most,
        pool_id=allocation.pool_id,
        start=start,
        end=end if end is not None and end > start else None,
        estimate_units=allocation.estimate_units,
    )


def allocation_row(
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
    rows = tuple(rows)
    _ended(world, rows).release(world)
    for row in rows:
        world.put(advance(row, CommitmentState.RELEASED))
    return total(row.amount for row in rows)


def _ended(world: World, rows: Sequence[BudgetCommitment]) -> MonthlySums:
    """What the rows committed on each budget of their chains, all of which are locked now."""
    chains = {id: chain_from(world, id) for id in sorted({row.budget_id for row in rows})}
    world.lock(*((Budget, id) for chain in chains.values() for id in chain))
    sums = MonthlySums()
    for row in rows:
        sums.add(chains[row.budget_id], Month.parse(row.month), row.amount)
    return sums


def fiscal_year(moment: datetime) -> int:
    """The fiscal year of an instant: the calendar year in Shanghai."""
    return shanghai(moment).year
