"""What both sides say of an opening's lines: agreed, objected to, or taken to agree by silence.

Owns whose word counts for which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value, not_found
from cloudmgr.domain.openings import (
    Opening,
    OpeningAnswer,
    OpeningLine,
    OpeningLineState,
    OpeningSheet,
    OpeningSide,
    OpeningState,
    agree,
    object_to,
)
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.policies import policy_now
from cloudmgr.services.world import Message, World

SIDES = (Role.PROVIDER, Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmOpeningLine(Command):
    """The provider or the department agrees with a line."""

    line_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmOpeningLines(Command):
    """Agree with all lines one has not answered yet, of one sheet or of all."""

    opening_id: str
    sheet: OpeningSheet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOpeningLine(Command):
    """The provider or the department says what is wrong with a line; it stays out until then."""

    line_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningAnswered:
    """How many lines an answer was given to."""

    opening_id: str
    lines: int


@handles(*SIDES)
def confirm_opening_line(
    world: World, command: ConfirmOpeningLine, actor: Actor, now: datetime
) -> OpeningLine:
    line, side = _own_line(world, command.line_id, actor)
    _require_open(locked(world, line.opening_id))
    return world.put(agree(line, OpeningAnswer(side, actor.user_id, now)))


@handles(*SIDES)
def confirm_opening_lines(
    world: World, command: ConfirmOpeningLines, actor: Actor, now: datetime
) -> OpeningAnswered:
    """Lines one has objected to are not confirmed with the rest."""
    opening = locked(world, command.opening_id)
    _require_open(opening)
    count = 0
    for line in world.find(OpeningLine, opening_id=opening.id, state=OpeningLineState.WAITING):
        side = _side(line, actor)
        if side is None or side not in line.awaited or command.sheet not in (None, line.sheet):
            continue
        world.put(agree(line, OpeningAnswer(side, actor.user_id, now)))
        count += 1
    return OpeningAnswered(opening_id=opening.id, lines=count)


@handles(*SIDES)
def object_opening_line(
    world: World, command: ObjectOpeningLine, actor: Actor, now: datetime
) -> OpeningLine:
    line, side = _own_line(world, command.line_id, actor)
    opening = locked(world, line.opening_id)
    _require_open(opening)
    if not command.reason.strip():
        raise bad_value("reason", "say what is wrong with the line, so that it can be corrected")
    answer = OpeningAnswer(side, actor.user_id, now, reason=command.reason)
    payload = {"opening_id": opening.id, "line_id": line.id, "side": str(side)}
    world.outbox(
        Message(topic="opening_line_objected", subject=opening.id, payload=payload, at=now)
    )
    return world.put(object_to(line, answer))


@timers.on_timer("opening_reminder")
def remind_of_opening(world: World, timer: Timer, at: datetime) -> None:
    """Sides that have not spoken are reminded."""
    organisations = awaited_of(world, timer.subject_id)
    if organisations:
        payload = {"opening_id": timer.subject_id, "organisation_ids": list(organisations)}
        world.outbox(
            Message(topic="opening_reminder", subject=timer.subject_id, payload=payload, at=at)
        )


@timers.on_timer("opening_deemed")
def deem_opening(world: World, timer: Timer, at: datetime) -> None:
    """Silence does not block: lines nobody answered count as confirmed and are marked so."""
    for line in world.find(
        OpeningLine, opening_id=timer.subject_id, state=OpeningLineState.WAITING
    ):
        for side in line.awaited:
            line = agree(line, OpeningAnswer(side, "", at, deemed=True))
        world.put(line)


def ask(world: World, opening: Opening, now: datetime) -> None:
    """Both sides are asked for their word, reminded, and in the end taken to agree."""
    clocks = policy_now(world, opening.cut_over).clocks  # today there may be no policy yet
    for index, days in enumerate(clocks.reminder_workdays):
        due = add_workdays(now, days)
        timers.schedule(world, "opening_reminder", opening.id, due, note=str(index))
    deemed = add_workdays(now, clocks.silence_workdays)
    timers.schedule(world, "opening_deemed", opening.id, deemed)
    payload = {"opening_id": opening.id, "round": opening.round}
    world.outbox(Message(topic="opening_uploaded", subject=opening.id, payload=payload, at=now))


def stop_asking(world: World, opening: Opening) -> None:
    """Nobody is waited for any more."""
    for kind in ("opening_reminder", "opening_deemed"):
        timers.cancel(world, kind, opening.id)


def awaited_of(world: World, opening_id: str) -> tuple[str, ...]:
    """The organisations that have not spoken on some line."""
    waiting = world.find(OpeningLine, opening_id=opening_id, state=OpeningLineState.WAITING)
    return tuple(sorted({_whose(line, side) for line in waiting for side in line.awaited}))


def locked(world: World, opening_id: str) -> Opening:
    """The opening, held so that an answer and a signature do not cross."""
    world.lock((Opening, opening_id))
    return world.get(Opening, opening_id)


def _side(line: OpeningLine, actor: Actor) -> OpeningSide | None:
    """For which side somebody speaks; who is of both speaks for the department."""
    departments = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
    of_department = line.department_id and actor.has_in(line.department_id, *departments)
    if of_department and OpeningSide.DEPARTMENT in line.sides:
        return OpeningSide.DEPARTMENT
    of_provider = line.provider_id and actor.has_in(line.provider_id, Role.PROVIDER)
    return OpeningSide.PROVIDER if of_provider and OpeningSide.PROVIDER in line.sides else None


def _own_line(world: World, line_id: str, actor: Actor) -> tuple[OpeningLine, OpeningSide]:
    """The line and the actor's side of it; `not_found` for one that is not theirs to answer."""
    line = world.seek(OpeningLine, line_id)
    side = _side(line, actor) if line is not None else None
    if line is None or side is None:
        raise not_found("OpeningLine", line_id)
    return line, side


def _require_open(opening: Opening) -> None:
    if opening.state is not OpeningState.CONFIRMING:
        opening.LIFECYCLE.require(opening.id, opening.state, OpeningState.SIGNED)


def _whose(line: OpeningLine, side: OpeningSide) -> str:
    owner = line.provider_id if side is OpeningSide.PROVIDER else line.department_id
    return str(owner)
