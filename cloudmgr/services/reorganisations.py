"""Reorganisations (机构改革) as commands: recorded with their document, tried, carried out in time.

Owns what moves when systems change departments and what becomes of those that end; counters are
`reorganisations_limits`. A preview runs the very transfers in a world that keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from catalog.money import Yuan
from catalog.period import midnight
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value, reorganisation_overlaps
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.reorganisations import (
    Moved,
    Reorganisation,
    ReorganisationKind,
    ReorganisationState,
    Transfer,
    check_transfers,
)
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.organisations import living_department
from cloudmgr.services.reorganisations_moves import end_department, move
from cloudmgr.services.what_if import WhatIfWorld
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOrganisations(Command):
    """合并: departments end at a coming midnight, and everything of theirs goes to another."""

    department_ids: tuple[str, ...]
    into_department_id: str
    effective_from: date
    document_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of a split department goes where; without `budget` as much approved money goes as is
    committed for its systems."""

    to_department_id: str
    application_ids: tuple[str, ...] = ()
    budget: Yuan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOrganisation(Command):
    """分设: systems of a department go to others at a coming midnight. Where it `ends`, the last
    part gets all that is left."""

    department_id: str
    parts: tuple[Part, ...]
    effective_from: date
    document_number: str
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverApplications(Command):
    """划转: some systems go to another department at a coming midnight."""

    from_department_id: str
    to_department_id: str
    application_ids: tuple[str, ...]
    effective_from: date
    document_number: str
    budget: Yuan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReorganisation(Command):
    """A planned reorganisation does not take place."""

    reorganisation_id: str
    reason: str


@handles(Role.AUTHORITY)
def merge_organisations(
    world: World, command: MergeOrganisations, actor: Actor, now: datetime
) -> Reorganisation:
    """Raises `organisation_ended`, `reorganisation_overlaps`, and `bad_value` for a day that has
    begun."""
    if not command.department_ids:
        raise bad_value("department_ids", "name at least one department that ends")
    return _planned(
        world,
        ReorganisationKind.MERGE,
        tuple(
            Transfer(from_department_id=each, to_department_id=command.into_department_id)
            for each in command.department_ids
        ),
        command.department_ids,
        command,
        actor,
        now,
    )


@handles(Role.AUTHORITY)
def split_organisation(
    world: World, command: SplitOrganisation, actor: Actor, now: datetime
) -> Reorganisation:
    """Raises as `merge_organisations`; `bad_value` also for systems that are not its own."""
    if not command.parts:
        raise bad_value("parts", "say what goes where")
    transfers = []
    for place, part in enumerate(command.parts, start=1):
        rest = command.ends and place == len(command.parts)
        if not rest and not part.application_ids:
            raise bad_value("application_ids", f"part {place} names the systems that go")
        transfers.append(
            Transfer(
                from_department_id=command.department_id,
                to_department_id=part.to_department_id,
                application_ids=() if rest else part.application_ids,
                budget=None if rest else part.budget,
            )
        )
    ends = (command.department_id,) if command.ends else ()
    return _planned(world, ReorganisationKind.SPLIT, tuple(transfers), ends, command, actor, now)


@handles(Role.AUTHORITY)
def hand_over_applications(
    world: World, command: HandOverApplications, actor: Actor, now: datetime
) -> Reorganisation:
    """Raises as `split_organisation`."""
    if not command.application_ids:
        raise bad_value("application_ids", "name the systems that are handed over")
    transfer = Transfer(
        from_department_id=command.from_department_id,
        to_department_id=command.to_department_id,
        application_ids=command.application_ids,
        budget=command.budget,
    )
    return _planned(world, ReorganisationKind.HAND_OVER, (transfer,), (), command, actor, now)


@handles(Role.AUTHORITY)
def cancel_reorganisation(
    world: World, command: CancelReorganisation, actor: Actor, now: datetime
) -> Reorganisation:
    found = world.get(Reorganisation, command.reorganisation_id)
    if not command.reason.strip():
        raise bad_value("reason", "say why it does not take place")
    cancelled = advance(found, ReorganisationState.CANCELLED, reason=command.reason, ended_at=now)
    timers.cancel(world, "reorganisation_due", found.id)
    return world.put(cancelled)


@timers.on_timer("reorganisation_due")
def carry_out(world: World, timer: Timer, at: datetime) -> None:
    """All of it at its midnight, or none: it stands in one transaction."""
    found = world.get(Reorganisation, timer.subject_id)
    moved = move_all(world, found, at)
    done = world.put(advance(found, ReorganisationState.CARRIED_OUT, moved=moved, ended_at=at))
    world.outbox(_message("reorganisation_carried_out", done, at))


def preview(world: World, reorganisation: Reorganisation) -> tuple[Moved, ...]:
    """What a reorganisation would move if it took effect on what there is now, or has moved."""
    if reorganisation.state is not ReorganisationState.PLANNED:
        return reorganisation.moved
    return move_all(WhatIfWorld(world), reorganisation, reorganisation.effective_at)


def move_all(world: World, reorganisation: Reorganisation, at: datetime) -> tuple[Moved, ...]:
    """Carry out the transfers in order, then end the departments that end."""
    moved = [move(world, reorganisation, each, at) for each in reorganisation.transfers]
    for place, each in enumerate(reorganisation.transfers):
        if each.from_department_id in reorganisation.ends and each.whole:
            grants = end_department(world, each.from_department_id, each.to_department_id, at)
            moved[place] = replace(moved[place], grant_ids=grants)
    return tuple(moved)


def _planned(
    world: World,
    kind: ReorganisationKind,
    transfers: tuple[Transfer, ...],
    ends: tuple[str, ...],
    command: MergeOrganisations | SplitOrganisation | HandOverApplications,
    actor: Actor,
    now: datetime,
) -> Reorganisation:
    at = midnight(command.effective_from)
    check_transfers(transfers)
    for each in transfers:
        _check_parties(world, each, ends)
        _check_own(world, each)
    if at <= now:
        raise bad_value("effective_from", "what was served is billed; choose a coming day")
    if not command.document_number.strip():
        raise bad_value("document_number", "a reorganisation has its document (文号)")
    _check_overlap(world, transfers)
    planned = world.put(
        Reorganisation(
            id=next_id(world, "REO"),
            kind=kind,
            document_number=command.document_number,
            effective_at=at,
            transfers=transfers,
            ends=ends,
            recorded_by=actor.user_id,
            recorded_at=now,
        )
    )
    timers.schedule(world, "reorganisation_due", planned.id, at)
    world.outbox(_message("reorganisation_planned", planned, now))
    return planned


def _check_parties(world: World, transfer: Transfer, ends: Iterable[str]) -> None:
    living_department(world, transfer.from_department_id, "from_department_id")
    living_department(world, transfer.to_department_id, "to_department_id")
    if transfer.to_department_id in ends:
        raise bad_value("to_department_id", f"{transfer.to_department_id} ends itself")
    below = world.find(Organisation, parent_id=transfer.from_department_id)
    if transfer.from_department_id in ends and any(each.ended_at is None for each in below):
        raise bad_value(
            "department_ids",
            f"units stand below {transfer.from_department_id}; merge these first",
        )


def _check_own(world: World, transfer: Transfer) -> None:
    for id in transfer.application_ids:
        if world.get(Application, id).department_id != transfer.from_department_id:
            raise bad_value("application_ids", f"{id} is not {transfer.from_department_id}'s")


def _check_overlap(world: World, transfers: tuple[Transfer, ...]) -> None:
    """A department that ends in a plan takes part in no other one."""
    named = {id for each in transfers for id in (each.from_department_id, each.to_department_id)}
    emptied = {each.from_department_id for each in transfers if each.whole}
    for other in world.find(Reorganisation, state=ReorganisationState.PLANNED):
        clash = (named & set(other.ends)) | (emptied & other.departments)
        if clash:
            raise reorganisation_overlaps(min(clash), other.id)


def _message(topic: str, reorganisation: Reorganisation, at: datetime) -> Message:
    return Message(
        topic=topic,
        subject=reorganisation.id,
        payload={
            "reorganisation_id": reorganisation.id,
            "kind": str(reorganisation.kind),
            "document_number": reorganisation.document_number,
            "effective_at": reorganisation.effective_at.isoformat(),
            "department_ids": sorted(reorganisation.departments),
        },
        at=at,
    )
