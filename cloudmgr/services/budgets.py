"""Budget changes as commands; commitments and actuals are `commitments`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.money import Yuan, total
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
from cloudmgr.services.commands import Command, handles, require_region
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBudgetChange(Command):
    """Record one change of a budget with its document; the first makes the budget.

    Without a department the payer's own budget of the year is meant. `move` takes the amount
    from `from_department_id`'s budget of the same payer and year; neither it nor a cut takes what
    is committed or due.
    """

    payer_id: str
    department_id: str | None
    year: int
    kind: BudgetChangeKind
    amount: Yuan
    document_number: str
    from_department_id: str | None = None


_TAKING = (BudgetChangeKind.CUT, BudgetChangeKind.TAKE_BACK)


@handles(Role.FINANCE, counties=True)
def record_budget_change(
    world: World, command: RecordBudgetChange, actor: Actor, now: datetime
) -> Budget:
    """Raises `already_exists` for a second `initial`, `budget_exceeded` for more than is left to
    take, `not_found` for a payer outside the finance office's region."""
    payer = world.get(Organisation, command.payer_id)
    require_region(actor, payer.region_id, "Organisation", payer.id, Role.FINANCE)
    if not command.document_number:
        raise bad_value("document_number", "a budget change names its document (文号)")
    if not 2000 <= command.year <= 2999:
        raise bad_value("year", "a fiscal year is 2000 to 2999")
    if command.amount <= 0:
        raise bad_value("amount", "a budget change has a positive amount; its kind gives the sign")
    id = budget_id(command.payer_id, command.department_id, command.year)
    giver_id = _giver_id(command)
    world.lock((Budget, id), *([(Budget, giver_id)] if giver_id else []))
    present = world.seek(Budget, id)
    if command.kind is BudgetChangeKind.INITIAL and present is not None:
        raise already_exists("Budget", id)
    if command.kind in _TAKING:
        _check_left(world.get(Budget, id), command)
    if giver_id is not None:
        _take(world, giver_id, id, command, now)
    change = _change(world, id, giver_id, command, now)
    return world.put(apply_change(present or _fresh(world, id, command), change))


def _giver_id(command: RecordBudgetChange) -> str | None:
    if command.kind is not BudgetChangeKind.MOVE:
        return None
    giver, taker = command.from_department_id, command.department_id
    if giver is None or taker is None or giver == taker:
        raise bad_value("from_department_id", "a move goes from one department to another")
    return budget_id(command.payer_id, giver, command.year)


def _check_left(budget: Budget, command: RecordBudgetChange) -> None:
    if command.amount > budget.left:
        raise budget_exceeded(budget.id, str(budget.left), str(command.amount))


def _take(
    world: World, giver_id: str, taker_id: str, command: RecordBudgetChange, now: datetime
) -> None:
    giver = world.get(Budget, giver_id)
    _check_left(giver, command)
    change = _change(world, giver_id, taker_id, replace(command, amount=-command.amount), now)
    world.put(apply_change(giver, change))


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
        )
    )


def _fresh(world: World, id: str, command: RecordBudgetChange) -> Budget:
    fresh = Budget(
        id=id,
        payer_id=command.payer_id,
        department_id=command.department_id,
        parent_id=None,
        year=command.year,
        document_number=command.document_number,
        project_code="",
        fund_source="",
    )
    if command.department_id is not None:
        world.get(Organisation, command.department_id)
        return replace(fresh, parent_id=budget_id(command.payer_id, None, command.year))
    # What its departments' budgets count already, it would be told about when that ends.
    children = tuple(each.id for each in world.find(Budget, parent_id=id))
    world.lock(*((Budget, child) for child in children))
    below = [world.get(Budget, child) for child in children]
    return replace(
        fresh,
        committed=total(each.committed for each in below),
        due=total(each.due for each in below),
        paid=total(each.paid for each in below),
    )
