"""Budget changes as commands; commitments and actuals are `commitments`."""

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
from cloudmgr.domain.errors import bad_value, budget_exceeded
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBudgetChange(Command):
    """Record one change of a budget with its document; the first makes the budget.

    Without a department the payer's own budget of the year is meant. `move` takes the amount
    from `from_department_id`'s budget of the same payer and year.
    """

    payer_id: str
    department_id: str | None
    year: int
    kind: BudgetChangeKind
    amount: Yuan
    document_number: str
    from_department_id: str | None = None


@handles(Role.FINANCE)
def record_budget_change(
    world: World, command: RecordBudgetChange, actor: Actor, now: datetime
) -> Budget:
    world.get(Organisation, command.payer_id)
    if not command.document_number:
        raise bad_value("document_number", "a budget change names its document (文号)")
    if not 2000 <= command.year <= 2999:
        raise bad_value("year", "a fiscal year is 2000 to 2999")
    if command.amount <= 0:
        raise bad_value("amount", "a budget change has a positive amount; its kind gives the sign")
    id = budget_id(command.payer_id, command.department_id, command.year)
    giver_id = None
    if command.kind is BudgetChangeKind.MOVE:
        if command.from_department_id is None:
            raise bad_value("from_department_id", "a move names the department it takes from")
        giver_id = budget_id(command.payer_id, command.from_department_id, command.year)
    world.lock((Budget, id), *([(Budget, giver_id)] if giver_id else []))
    if giver_id is not None:
        _take(world, giver_id, id, command, now)
    change = _change(world, id, giver_id, command, now)
    return world.put(apply_change(world.seek(Budget, id) or _fresh(world, id, command), change))


def _take(
    world: World, giver_id: str, taker_id: str, command: RecordBudgetChange, now: datetime
) -> None:
    giver = world.get(Budget, giver_id)
    if command.amount > giver.left:
        raise budget_exceeded(giver.id, str(giver.left), str(command.amount))
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
    if command.department_id is None:
        parent = None
    else:
        world.get(Organisation, command.department_id)
        parent = budget_id(command.payer_id, None, command.year)
    return Budget(
        id=id,
        payer_id=command.payer_id,
        department_id=command.department_id,
        parent_id=parent,
        year=command.year,
        document_number=command.document_number,
        project_code="",
        fund_source="",
    )
