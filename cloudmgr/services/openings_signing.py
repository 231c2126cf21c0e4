"""Signing an opening off, and what happens at its cut-over.

Owns who signs and that a cut-over that cannot happen is told instead of half done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.period import local_day
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import cut_over_passed, not_confirmed, own_submission, same_person
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.openings import Opening, OpeningFault, OpeningState
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.openings_answers import awaited_of, locked, stop_asking
from cloudmgr.services.openings_live import current_lines, go_live, lock_books, ready
from cloudmgr.services.openings_names import ledger_of
from cloudmgr.services.world import Message, World
from cloudmgr.sheets.reading import require_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOpening(Command):
    """The authority or finance signs the opening off; with both it goes live at its cut-over."""

    opening_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOpening(Command):
    """Give an opening up; nothing of it enters the books."""

    opening_id: str


@handles(Role.AUTHORITY, Role.FINANCE)
def sign_opening(world: World, command: SignOpening, actor: Actor, now: datetime) -> Opening:
    """Raises `not_confirmed` while sides have not spoken, `own_submission`, `same_person`,
    `cut_over_passed`, and `bad_rows` when the node has changed so that a line is not good now."""
    opening = locked(world, command.opening_id)
    opening.LIFECYCLE.require(opening.id, opening.state, OpeningState.SIGNED)
    if actor.user_id == opening.uploaded_by:
        raise own_submission(actor.user_id)
    if local_day(now) > local_day(opening.cut_over):
        raise cut_over_passed(opening.id, local_day(opening.cut_over).isoformat())
    if waiting := awaited_of(world, opening.id):
        raise not_confirmed(opening.id, waiting)
    found = ready(world, opening)
    require_rows((), found.faults)
    signed = _signed(opening, actor)
    if signed.authority_signed_by is None or signed.finance_signed_by is None:
        return world.put(signed)
    if signed.authority_signed_by == signed.finance_signed_by:
        raise same_person("an opening")
    stop_asking(world, opening)
    signed = world.put(advance(signed, OpeningState.SIGNED, signed_at=now))
    if signed.cut_over > now:
        timers.schedule(world, "opening_live", signed.id, signed.cut_over)
        return signed
    return _live(world, signed, now)


@handles(Role.AUTHORITY)
def drop_opening(world: World, command: DropOpening, actor: Actor, now: datetime) -> Opening:
    opening = locked(world, command.opening_id)
    stop_asking(world, opening)
    return world.put(advance(opening, OpeningState.DROPPED))


@timers.on_timer("opening_live")
def opening_goes_live(world: World, timer: Timer, at: datetime) -> None:
    """The cut-over: all confirmed lines enter the books, or, where the node has changed so that one
    is not good any more, none does and people are told which."""
    opening = locked(world, timer.subject_id)
    try:
        _live(world, opening, at)
    except CloudmgrError as error:
        if error.code != "bad_rows":
            raise
        faults = tuple(OpeningFault(**fault) for fault in error.details["faults"])
        world.put(advance(opening, OpeningState.BLOCKED, faults=faults))
        payload = {"opening_id": opening.id, "faults": len(faults)}
        world.outbox(Message(topic="opening_blocked", subject=opening.id, payload=payload, at=at))


def _live(world: World, opening: Opening, now: datetime) -> Opening:
    """Check under the locks, then put; raises `bad_rows` before anything was put."""
    lock_books(world, current_lines(world, opening.id), ledger_of(world, opening.cut_over))
    found = ready(world, opening)
    require_rows((), found.faults)
    live = go_live(world, opening, found, now)
    payload = {"opening_id": opening.id, "left_out": len(found.left_out)}
    world.outbox(Message(topic="opening_live", subject=opening.id, payload=payload, at=now))
    return live


def _signed(opening: Opening, actor: Actor) -> Opening:
    """With the actor's signature; who could sign for both offices signs the one that is missing."""
    if actor.has_for_city(Role.AUTHORITY) and opening.authority_signed_by is None:
        return replace(opening, authority_signed_by=actor.user_id)
    if actor.has_for_city(Role.FINANCE):
        return replace(opening, finance_signed_by=actor.user_id)
    return replace(opening, authority_signed_by=actor.user_id)
