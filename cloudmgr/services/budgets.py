"""Budget changes as commands; commitments and actuals are `commitments`, chains `budgets_tree`,
what a year's turn does `fiscal_years`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.money import Yuan
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.budget import (
    Budget,
    BudgetChange,
    BudgetChangeKind,
    apply_change,
    budget_id,
)
from cloudmgr.domain.errors import already_exists, bad_value, budget_exceeded
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.budgets_tree import below_ids, chain_from, line_of_ids, new_budget
from cloudmgr.services.commands import Command, handles, require_region
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBudgetChange(Command):
    """Record one change of a budget with its document; the first makes the budget.

    Without a department the payer's own budget of the year is meant. `initial` approves the
    year's budget, `add` and `cut` change it, `take_back` returns what was not needed. `move` takes
    the amount from `from_department_id`'s budget of the same payer and year (and where the two
    stand under different departments, from those of the giver alone to those of the taker alone),
    `carry` from the same budget of the year before. Nothing that is committed or due is taken.
    """

    payer_id: str
    department_id: str | None
    year: int
    kind: BudgetChangeKind
    amount: Yuan
    document_number: str
    from_department_id: str | None = None
    reason: str = ""
    project_code: str = ""
    fund_source: str = ""


_TAKING = (BudgetChangeKind.CUT, BudgetChangeKind.TAKE_BACK)


@handles(Role.FINANCE, counties=True)
def record_budget_change(
    world: World, command: RecordBudgetChange, actor: Actor, now: datetime
) -> Budget:
    """Raises `already_exists` for a second `initial`, `budget_exceeded` for more than is left to
    take, `not_found` for a payer outside the finance office's region."""
    payer = world.get(Organisation, command.payer_id)
    require_region(actor, payer.region_id, "Organisation", payer.id, Role.FINANCE)
    _check(command)
    return record_change(world, command, now)


def record_change(world: World, command: RecordBudgetChange, now: datetime) -> Budget:
    """The change of a checked command, recorded and applied; returns the budget it names."""
    id = budget_id(command.payer_id, command.department_id, command.year)
    givers, takers = _two_sides(world, command, id)
    _lock(world, command, (*givers, *takers))
    budget = world.seek(Budget, id)
    if command.kind is BudgetChangeKind.INITIAL and budget is not None and not budget.advance:
        raise already_exists("Budget", id)
    if command.kind in _TAKING:
        _check_taking(world.get(Budget, id), command)
    for giver_id in givers:
        giver = world.get(Budget, giver_id)
        _check_taking(giver, command)
        taking = replace(command, amount=-command.amount)
        world.put(apply_change(giver, _change(world, giver_id, id, taking, now)))
    for taker_id in takers:
        taker = world.get(Budget, taker_id)
        world.put(apply_change(taker, _change(world, taker_id, givers[0], command, now)))
    budget = world.seek(Budget, id) or new_budget(
        world, command.payer_id, command.department_id, command.year
    )
    change = _change(world, id, givers[0] if givers else None, command, now)
    return world.put(_described(apply_change(budget, change), command))


def _check(command: RecordBudgetChange) -> None:
    if not command.document_number:
        raise bad_value("document_number", "a budget change names its document (文号)")
    if not 2000 <= command.year <= 2999:
        raise bad_value("year", "a fiscal year is 2000 to 2999")
    if command.amount <= 0:
        raise bad_value("amount", "a budget change has a positive amount; its kind gives the sign")
    if command.kind is not BudgetChangeKind.MOVE:
        return
    giver, taker = command.from_department_id, command.department_id
    if giver is None or taker is None or giver == taker:
        raise bad_value("from_department_id", "a move goes from one department to another")


def _two_sides(
    world: World, command: RecordBudgetChange, id: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which budgets give, the one named first, and which take beside the budget of the command.

    A move leaves alone what stands above both: there the money stays.
    """
    if command.kind is BudgetChangeKind.CARRY:
        return (budget_id(command.payer_id, command.department_id, command.year - 1),), ()
    if command.kind is not BudgetChangeKind.MOVE:
        return (), ()
    giver = world.get(Budget, budget_id(command.payer_id, command.from_department_id, command.year))
    giving = chain_from(world, giver.id)
    taking = chain_from(world, id)
    if not taking:  # a budget the move makes: what stands above it will be its parents
        above = line_of_ids(world, command.payer_id, command.department_id, command.year)
        nearest = next((each for each in above if world.seek(Budget, each) is not None), None)
        taking = chain_from(world, nearest) if nearest else ()
    if giver.id in taking or id in giving:
        raise bad_value(
            "from_department_id",
            "one of the two stands below the other and is contained in it; add to it or cut it",
        )
    givers = tuple(each for each in giving if each not in taking)
    return givers, tuple(each for each in taking if each not in giving and each != id)


def _lock(world: World, command: RecordBudgetChange, more: tuple[str, ...]) -> None:
    of = (command.payer_id, command.department_id, command.year)
    line = line_of_ids(world, *of)
    below = () if world.seek(Budget, line[0]) else below_ids(world, *of)
    world.lock(*((Budget, each) for each in {*line, *below, *more}))


def _check_taking(budget: Budget, command: RecordBudgetChange) -> None:
    """Neither what is bound nor what an advance lends can be taken away."""
    left = min(budget.left, budget.approved)
    if command.amount > left:
        raise budget_exceeded(budget.id, str(left), str(command.amount))


def _change(
    world: World, id: str, other: str | None, command: RecordBudgetChange, now: datetime
) -> BudgetChange:
    return world.put(
        BudgetChange(
            id=next_id(world, "BC"),
            budget_id=id,
            kind=command.kind,
            amount=command.amount,
            document_number=command.document_number,
            at=now,
            other_budget_id=other,
            reason=command.reason,
        )
    )


def _described(budget: Budget, command: RecordBudgetChange) -> Budget:
    """The budget with the document that approved it, once one has, and what its change told."""
    first = command.kind is BudgetChangeKind.INITIAL or not budget.document_number
    return replace(
        budget,
        document_number=command.document_number if first else budget.document_number,
        project_code=command.project_code or budget.project_code,
        fund_source=command.fund_source or budget.fund_source,
    )
