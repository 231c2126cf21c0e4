"""Machine rooms as commands: entered, kept up to date, closed or taken into the cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from catalog.money import Yuan
from catalog.period import local_day
from cloudmgr.domain.access import Actor
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom, check_room
from cloudmgr.services.applications import OWNERS
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.organisations import living_department, require_ledger
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMachineRoom(Command):
    """Enter a department's machine room. What is not known yet is left out."""

    code: str
    name_zh: str
    name_en: str
    department_id: str
    address: str = ""
    racks: int = 0
    racks_used: int = 0
    pue_hundredths: int | None = None
    classified: bool = False
    baseline_cost: Yuan | None = None
    running_cost: Yuan | None = None
    disposition: Disposition = Disposition.UNDECIDED
    dispose_by: date | None = None
    in_use_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMachineRoom(Command):
    """Say anew what is known of a room; what is left out is taken to be not set."""

    machine_room_id: str
    code: str
    name_zh: str
    name_en: str
    address: str = ""
    racks: int = 0
    racks_used: int = 0
    pue_hundredths: int | None = None
    classified: bool = False
    baseline_cost: Yuan | None = None
    running_cost: Yuan | None = None
    disposition: Disposition = Disposition.UNDECIDED
    dispose_by: date | None = None
    in_use_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposeMachineRoom(Command):
    """What was decided for a room was carried out on a day: closed 关停, taken into the cloud
    云化纳管, or confirmed to stay 保留."""

    machine_room_id: str
    disposition: Disposition
    disposed_on: date
    document_number: str


@handles(*OWNERS)
def register_machine_room(
    world: World, command: RegisterMachineRoom, actor: Actor, now: datetime
) -> MachineRoom:
    """Raises `already_exists` for a code that another room has."""
    require_ledger(actor, command.department_id, "Organisation", command.department_id)
    living_department(world, command.department_id)
    room = MachineRoom(id=next_id(world, "ROOM"), **_said(command))
    check_room(room)
    return world.put(room)


@handles(*OWNERS)
def update_machine_room(
    world: World, command: UpdateMachineRoom, actor: Actor, now: datetime
) -> MachineRoom:
    """Raises `bad_value` where another disposition was carried out already."""
    present = _own(world, command.machine_room_id, actor)
    if present.disposed_on is not None and command.disposition is not present.disposition:
        raise bad_value("disposition", f"{present.disposition} was carried out; dispose of it anew")
    changed = replace(present, **_said(command))
    check_room(changed)
    return world.put(changed)


@handles(*OWNERS)
def dispose_machine_room(
    world: World, command: DisposeMachineRoom, actor: Actor, now: datetime
) -> MachineRoom:
    """Raises `bad_value` for a day to come or without a document."""
    present = _own(world, command.machine_room_id, actor)
    if command.disposed_on > local_day(now):
        raise bad_value("disposed_on", "what is to come is no fact yet; set `dispose_by` instead")
    if not command.document_number.strip():
        raise bad_value("document_number", "name the paper that says so (文号)")
    changed = replace(
        present,
        disposition=command.disposition,
        disposed_on=command.disposed_on,
        disposal_document=command.document_number,
    )
    check_room(changed)
    return world.put(changed)


def _own(world: World, id: str, actor: Actor) -> MachineRoom:
    room = world.get(MachineRoom, id)
    require_ledger(actor, room.department_id, "MachineRoom", id)
    return room


def _said(command: RegisterMachineRoom | UpdateMachineRoom) -> dict[str, Any]:
    fields = type(command).__dataclass_fields__
    return {name: getattr(command, name) for name in fields if name != "machine_room_id"}
