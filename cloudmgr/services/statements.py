"""Statements as commands: confirmed, objected to, answered; silence counts as confirmed.

Owns what happens to a statement after it was issued (`periods` issues it). What an objection
gives back stands in the earliest open month as adjustment lines of a credit note.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from catalog.money import total
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.billing import (
    BillingPeriod,
    Credit,
    CreditNote,
    PeriodState,
    Statement,
    StatementState,
    check_credits,
    check_objection,
    credit_lines,
)
from cloudmgr.domain.errors import bad_value, not_found
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.organisations import papers_of
from cloudmgr.services.policies import payer_of, policy_now
from cloudmgr.services.world import Message, World, next_id

DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmStatement(Command):
    """The department agrees with its statement, or takes its objection back."""

    statement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectToStatement(Command):
    """The department objects to lines of its statement, with a reason; only these are held."""

    statement_id: str
    line_ids: tuple[str, ...]
    reason: str


class ObjectionDecision(StrEnum):
    CREDIT = "credit"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveObjection(Command):
    """Finance ends an objection with a credit note over `credits`, or refuses it; both with a
    reason. A credit's amount is what is given back in yuan; a negative one charges more."""

    statement_id: str
    decision: ObjectionDecision
    reason: str
    credits: tuple[Credit, ...] = ()


@handles(*DEPARTMENT)
def confirm_statement(
    world: World, command: ConfirmStatement, actor: Actor, now: datetime
) -> Statement:
    statement = _own(world, command.statement_id, actor)
    _stop_waiting(world, statement)
    return world.put(
        advance(
            statement,
            StatementState.CONFIRMED,
            confirmed_at=now,
            confirmed_by=actor.user_id,
            objected_line_ids=(),
        )
    )


@handles(*DEPARTMENT)
def object_to_statement(
    world: World, command: ObjectToStatement, actor: Actor, now: datetime
) -> Statement:
    statement = _own(world, command.statement_id, actor)
    check_objection(lines_of(world, statement.id), command.line_ids, command.reason)
    objected = advance(
        statement,
        StatementState.OBJECTED,
        objected_line_ids=tuple(sorted(command.line_ids)),
        objection=command.reason,
        objected_at=now,
    )
    _stop_waiting(world, statement)
    return world.put(objected)


@handles(Role.FINANCE)
def resolve_objection(
    world: World, command: ResolveObjection, actor: Actor, now: datetime
) -> Statement:
    """Raises `bad_value` for credits beyond what the lines charged, or on lines not objected to."""
    statement = world.get(Statement, command.statement_id)
    if not command.reason.strip():
        raise bad_value("reason", "an objection is answered with a reason")
    statement.LIFECYCLE.require(statement.id, statement.state, StatementState.CONFIRMED)
    if statement.state is not StatementState.OBJECTED:
        raise bad_value("statement_id", f"nobody objects to {statement.id}")
    note = None
    if command.decision is ObjectionDecision.CREDIT:
        note = _credit(world, statement, command, actor, now)
    elif command.credits:
        raise bad_value("credits", "a refusal gives nothing back; leave them out")
    return world.put(
        advance(
            statement,
            StatementState.CONFIRMED,
            confirmed_at=now,
            confirmed_by=actor.user_id,
            answer=command.reason,
            credit_note_id=note.id if note else None,
        )
    )


def await_answer(world: World, statement: Statement, now: datetime) -> None:
    """A statement was issued: tell the department, remind it, and take silence for a yes."""
    world.outbox(
        Message(
            topic="statement_issued",
            subject=statement.id,
            payload={"department_id": statement.department_id, "total": str(statement.total)},
            at=now,
        )
    )
    for days in policy_now(world, now).clocks.reminder_workdays:
        due = add_workdays(now, days)
        timers.schedule(world, "statement_reminder", statement.id, due, note=str(days))
    timers.schedule(world, "statement_deemed", statement.id, statement.due_at)


@timers.on_timer("statement_reminder")
def remind_of_statement(world: World, timer: Timer, at: datetime) -> None:
    world.outbox(Message(topic="statement_reminder", subject=timer.subject_id, payload={}, at=at))


@timers.on_timer("statement_deemed")
def deem_statement(world: World, timer: Timer, at: datetime) -> None:
    """Silence does not block: an unanswered statement counts as confirmed and is marked so."""
    statement = world.get(Statement, timer.subject_id)
    world.put(advance(statement, StatementState.CONFIRMED, confirmed_at=at, deemed=True))


def lines_of(world: World, statement_id: str) -> tuple[RatedLine, ...]:
    return world.find(RatedLine, statement_id=statement_id)


def earliest_open(world: World) -> BillingPeriod:
    """The earliest month not closed yet, where corrections go; raises `not_found`."""
    found = world.find(BillingPeriod, state=(PeriodState.OPEN, PeriodState.GRACE), limit=1)
    if not found:
        raise not_found("BillingPeriod", "open")
    return found[0]


def _credit(
    world: World, statement: Statement, command: ResolveObjection, actor: Actor, now: datetime
) -> CreditNote:
    lines = lines_of(world, statement.id)
    check_credits(statement, lines, command.credits)
    note = world.put(
        CreditNote(
            id=next_id(world, "CN"),
            statement_id=statement.id,
            department_id=statement.department_id,
            month=earliest_open(world).id,
            credits=command.credits,
            reason=command.reason,
            total=total(credit.amount for credit in command.credits),
            issued_at=now,
            issued_by=actor.user_id,
        )
    )
    payer_id = payer_of(world, statement.department_id, now)
    world.put_many(credit_lines(note, lines, {statement.department_id: payer_id}))
    return note


def _own(world: World, id: str, actor: Actor) -> Statement:
    """A statement of the actor's department, or of one that ended and whose papers it took over."""
    statement = world.get(Statement, id)
    if statement.department_id not in papers_of(world, actor.organisations(*DEPARTMENT)):
        require_in(actor, statement.department_id, "Statement", id, *DEPARTMENT)
    return statement


def _stop_waiting(world: World, statement: Statement) -> None:
    """Somebody answered: no reminders, no silence to be counted."""
    timers.cancel(world, "statement_reminder", statement.id)
    timers.cancel(world, "statement_deemed", statement.id)
