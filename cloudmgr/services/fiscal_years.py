"""The turn of the fiscal year: advances where no budget is approved, and everything that runs or is
approved committed anew. A page of it at a time, each a due of its own, so that a large city's turn
can be interrupted anywhere and goes on; what is committed already is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from catalog.errors import Conflict
from catalog.money import ZERO, total
from catalog.period import Month
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement
from cloudmgr.domain.budget import Advance, Budget, budget_id
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.fiscal_years import (
    FiscalYear,
    TurnState,
    advance_limit,
    counted,
    first_months,
)
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.requests import HOLDING, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.budgets_tree import line_of_ids, new_budget
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.commitments import commit_again, commit_stock, fiscal_year
from cloudmgr.services.policies import policy_now, units_below
from cloudmgr.services.world import Message, World

TIMER = "fiscal_year_turn"
PAGE_SIZE = 500
"""Allocations or requests committed anew in one due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFiscalYear(Command):
    """Turn the running fiscal year again: what was left out for want of a budget or a price is
    committed now that it has one. What is committed already stays. Its first page is done at once,
    the others by themselves."""

    year: int


@handles(Role.FINANCE)
def turn_fiscal_year(
    world: World, command: TurnFiscalYear, actor: Actor, now: datetime
) -> FiscalYear:
    """Raises `bad_value` for a year that is not the running one: a later one turns by itself."""
    if command.year != fiscal_year(now):
        raise bad_value("year", f"the fiscal year that runs is {fiscal_year(now)}")
    year = world.seek(FiscalYear, str(command.year))
    if year is not None and year.state is TurnState.TURNED:
        world.put(advance(year, TurnState.ALLOCATIONS, cursor="", left_out=0, named=()))
    return _next_page(world, command.year, now)


def announce_turn(world: World, year: int) -> None:
    """Let a fiscal year turn by itself at its first instant."""
    timers.schedule(world, TIMER, str(year), Month(year, 1).period.start)


@timers.on_timer(TIMER)
def turn(world: World, timer: Timer, at: datetime) -> None:
    """The next page of a year's turn; the next one is due at once."""
    _next_page(world, int(timer.subject_id), at)


def _next_page(world: World, number: int, at: datetime) -> FiscalYear:
    year = world.seek(FiscalYear, str(number)) or _begin(world, number, at)
    if year.state is TurnState.TURNED:
        return year
    year = world.put(_PAGES[year.state](world, year, at))
    if year.state is not TurnState.TURNED:
        timers.schedule(world, TIMER, year.id, at)
        return year
    told = {"left_out": year.left_out, "committed": str(year.committed)}
    world.outbox(Message(topic="fiscal_year_turned", subject=year.id, payload=told, at=at))
    return year


def _begin(world: World, number: int, at: datetime) -> FiscalYear:
    """Give every budget of last year that has no successor an advance until it has one."""
    months = min(max(policy_now(world, at).advance_months, 1), 12)
    past = world.find(Budget, year=number - 1)
    ids = {_successor(each, number) for each in past}
    ids.update(each.id for each in world.find(Budget, year=number))
    world.lock(*((Budget, id) for id in ids))
    billed = _billed(world, first_months(number - 1, months))
    until = str(first_months(number, months)[-1])
    # From the top down, so that each finds the one it stands under.
    for last in sorted(past, key=lambda each: (_depth(world, each), each.id)):
        if world.seek(Budget, _successor(last, number)) is None:
            limit = advance_limit(last.approved, billed(last), months)
            fresh = new_budget(world, last.payer_id, last.department_id, number)
            world.put(
                replace(
                    fresh,
                    project_code=last.project_code,
                    fund_source=last.fund_source,
                    advance=Advance(limit=limit, until=until, committed=fresh.committed),
                )
            )
    return FiscalYear(id=str(number), turned_at=at)


def _successor(last: Budget, number: int) -> str:
    return budget_id(last.payer_id, last.department_id, number)


def _depth(world: World, budget: Budget) -> int:
    return len(line_of_ids(world, budget.payer_id, budget.department_id, budget.year))


def _billed(world: World, months: tuple[Month, ...]) -> Callable[[Budget], Decimal | None]:
    """What a budget was billed in the months; None unless all of them were closed here."""
    names = tuple(str(month) for month in months)
    periods = [world.seek(BillingPeriod, name) for name in names]
    known = all(each is not None and each.state is PeriodState.CLOSED for each in periods)
    statements = world.find(Statement, month=names) if known else ()

    def of(budget: Budget) -> Decimal | None:
        if not known:
            return None
        mine = [each for each in statements if each.payer_id == budget.payer_id]
        if budget.department_id is not None:
            units = units_below(world, (budget.department_id,))
            mine = [each for each in mine if each.department_id in units]
        return total(each.total for each in mine)

    return of


def _allocations(world: World, year: FiscalYear, at: datetime) -> FiscalYear:
    page = world.find(Allocation, state=RUNNING, after=year.cursor, limit=PAGE_SIZE)
    number = int(year.id)
    # Turned again later in the year, what is behind the month that runs is past committing.
    start = max(Month.of(at).period.start, Month(number, 1).period.start)
    done = commit_stock(world, page, start, number, at)
    after = counted(
        year,
        cursor=page[-1].id if page else "",
        committed=done.committed,
        left_out=[f"{id}: {refusal.code}" for id, refusal in done.refused],
        allocations=len(page),
    )
    if len(page) == PAGE_SIZE:
        return after
    return advance(after, TurnState.REQUESTS, cursor="")


def _requests(world: World, year: FiscalYear, at: datetime) -> FiscalYear:
    page = world.find(ResourceRequest, state=HOLDING, after=year.cursor, limit=PAGE_SIZE)
    committed, left_out = ZERO, []
    for request in page:
        try:
            committed += commit_again(world, request, int(year.id), at)
        except Conflict as refusal:  # no budget, or no price
            left_out.append(f"{request.id}: {refusal.code}")
    after = counted(
        year,
        cursor=page[-1].id if page else "",
        committed=committed,
        left_out=left_out,
        requests=len(page),
    )
    if len(page) == PAGE_SIZE:
        return after
    return advance(after, TurnState.TURNED, cursor="")


_PAGES: dict[TurnState, Callable[[World, FiscalYear, datetime], FiscalYear]] = {
    TurnState.ALLOCATIONS: _allocations,
    TurnState.REQUESTS: _requests,
}
