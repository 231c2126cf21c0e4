"""Ledgers from spreadsheets: every row enters a record or says anew what is known of it, by its
code; all rows or none, every fault with its row and column.

Owns what a row means; what may be said of a record is each noun's own rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from catalog.money import amount
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.applications import (
    Application,
    DeploymentStatus,
    check_application,
    moved_to,
)
from cloudmgr.domain.errors import bad_file
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom, check_room
from cloudmgr.domain.networks import PrivateNetwork, check_network
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.values import Value
from cloudmgr.services.applications import OWNERS, require_idle
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.files import file_content
from cloudmgr.services.ledgers_organisations import Codes, organisation_row
from cloudmgr.services.ledgers_rows import AtColumn, Book, LedgerImported
from cloudmgr.services.ledgers_sheets import SHEETS
from cloudmgr.services.openings_names import Names
from cloudmgr.services.world import Scope, World
from cloudmgr.sheets.columns import CellError
from cloudmgr.sheets.reading import SheetRow, read_rows

MAX_ROWS = 5000
"""What one import takes: more would hold up everybody else for too long."""

V = TypeVar("V", bound=Value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrganisations(Command):
    """Register the organisations of an XLSX or CSV file; a row whose code is known adds the codes
    that are not set yet. `check_only` tells what would happen and changes nothing."""

    file_id: str
    check_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportApplications(Command):
    """Enter or update, by their code, the systems of an XLSX or CSV file. `check_only` tells what
    would happen and changes nothing."""

    file_id: str
    check_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMachineRooms(Command):
    """Enter or update, by their code, the machine rooms of an XLSX or CSV file. `check_only` tells
    what would happen and changes nothing."""

    file_id: str
    check_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNetworks(Command):
    """Enter or update, by their code, the private networks of an XLSX or CSV file. `check_only`
    tells what would happen and changes nothing."""

    file_id: str
    check_only: bool = False


@handles(Role.SYSTEM_ADMIN, Role.AUTHORITY)
def import_organisations(
    world: World, command: ImportOrganisations, actor: Actor, now: datetime
) -> LedgerImported:
    """Raises `bad_rows` with every fault."""
    book = _read(world, command, actor, "organisation")
    regions = Names("region")
    for region in world.find(Region):
        regions.add(region.id, region.name_zh, region.name_en, region.division_code)
    world.lock(*_code_names(book.rows))
    known = Codes.of(world)
    for row in book.rows:
        book.take(row, partial(organisation_row, row, regions, known))
    return book.put(world, command.check_only)


def _code_names(rows: Iterable[SheetRow]) -> Iterator[Scope]:
    """The names under which `organisations.check_free` holds a code that somebody brings."""
    for row in rows:
        for column in ("budget_unit_code", "social_credit_code"):
            if row.values.get(column):
                yield Organisation, f"{column} {row.values[column]}"


@handles(*OWNERS)
def import_applications(
    world: World, command: ImportApplications, actor: Actor, now: datetime
) -> LedgerImported:
    """Raises `bad_rows` with every fault; other departments' systems are not there."""
    city = actor is SYSTEM or actor.has_for_city(Role.TECHNICAL_REVIEWER)

    def made(values: dict[str, Any], present: Application | None) -> Application:
        state = values.pop("state") or DeploymentStatus.PLANNED
        if present is None:
            _check_on_cloud(state, city)
            fresh = Application(id="", state=state, registered_at=now, **values)
            check_application(fresh)
            return fresh
        changed = replace(present, **values)
        check_application(changed)
        if state is present.state:
            return changed
        _check_on_cloud(state, city)
        if present.state is DeploymentStatus.ON_CLOUD:
            require_idle(world, present)
        return moved_to(changed, state, now)

    return _import(world, command, actor, "application", "APP", made)


@handles(*OWNERS)
def import_machine_rooms(
    world: World, command: ImportMachineRooms, actor: Actor, now: datetime
) -> LedgerImported:
    """Raises `bad_rows` with every fault; other departments' rooms are not there."""

    def made(values: dict[str, Any], present: MachineRoom | None) -> MachineRoom:
        values["pue_hundredths"] = _hundredths(values.pop("pue"))
        values["disposition"] = values["disposition"] or Disposition.UNDECIDED
        for name in ("racks", "racks_used"):
            values[name] = values[name] or 0
        for name in ("baseline_cost", "running_cost"):
            values[name] = None if values[name] is None else amount(values[name])
        room = replace(present, **values) if present else MachineRoom(id="", **values)
        check_room(room)
        return room

    return _import(world, command, actor, "machine_room", "ROOM", made)


@handles(*OWNERS)
def import_networks(
    world: World, command: ImportNetworks, actor: Actor, now: datetime
) -> LedgerImported:
    """Raises `bad_rows` with every fault; other departments' networks are not there."""

    def made(values: dict[str, Any], present: PrivateNetwork | None) -> PrivateNetwork:
        network = replace(present, **values) if present else PrivateNetwork(id="", **values)
        check_network(network)
        return network

    return _import(world, command, actor, "network", "NET", made)


Import = ImportOrganisations | ImportApplications | ImportMachineRooms | ImportNetworks


def _read(world: World, command: Import, actor: Actor, ledger: str, prefix: str = "ORG") -> Book:
    file, data = file_content(world, command.file_id, actor)
    found = read_rows(data, SHEETS[ledger].columns, name=file.name)
    if len(found.rows) > MAX_ROWS:
        raise bad_file(file.name, f"it has more than {MAX_ROWS} rows; send it in parts")
    if not found.rows and not found.faults:
        raise bad_file(file.name, "it has no rows; fill in the template")
    return Book(ledger, prefix, found.rows, found.faults)


def _import(
    world: World,
    command: Import,
    actor: Actor,
    ledger: str,
    prefix: str,
    made: Callable[[dict[str, Any], Any], Value],
) -> LedgerImported:
    """Read, find each row's record by its code, and let `made` say what becomes of it."""
    book = _read(world, command, actor, ledger, prefix)
    kind: type[Any] = SHEETS[ledger].kind
    present: dict[str, Any] = {each.code: each for each in world.find(kind)}
    departments = _own_departments(world, actor)
    seen: dict[str, int] = {}

    def row_of(row: SheetRow) -> tuple[Value | None, Value]:
        values = dict(row.values)
        code = values["code"]
        if code in seen:
            raise AtColumn("code", f"row {seen[code]} has {code!r} already")
        seen[code] = row.number
        values["department_id"] = _named(departments, values.pop("department"))
        before = present.get(code)
        if before is not None and before.department_id != values["department_id"]:
            raise AtColumn("code", f"{code!r} is another department's; a hand-over moves it")
        return before, made(_filled(kind, values), before)

    for row in book.rows:
        book.take(row, partial(row_of, row))
    return book.put(world, command.check_only)


def _filled(kind: type[Value], values: dict[str, Any]) -> dict[str, Any]:
    """Empty cells as what the record says for "not set": an empty text, no, or nothing."""
    hints = {name: each.type for name, each in kind.__dataclass_fields__.items()}
    empty = {"str": "", "bool": False}
    return {
        name: empty.get(str(hints.get(name))) if value is None else value
        for name, value in values.items()
    }


def _own_departments(world: World, actor: Actor) -> Names:
    """The living departments whose ledgers the actor keeps, by everything they are called."""
    city = actor is SYSTEM or actor.has_for_city(Role.TECHNICAL_REVIEWER)
    own = actor.organisations(Role.DEPARTMENT_USER)
    names = Names("department of yours")
    for each in world.find(Organisation, kind=OrganisationKind.DEPARTMENT):
        if each.ended_at is None and (city or each.id in own):
            names.add(
                each.id,
                each.name_zh,
                each.name_en,
                each.budget_unit_code,
                each.social_credit_code,
            )
    return names


def _named(departments: Names, text: str) -> str:
    try:
        return departments.find(text)
    except CellError as error:
        raise AtColumn("department", str(error)) from error


def _check_on_cloud(state: DeploymentStatus, city: bool) -> None:
    if state is DeploymentStatus.ON_CLOUD and not city:
        raise AtColumn("state", "that a system is on the cloud is the technical office's to say")


def _hundredths(pue: Decimal | None) -> int | None:
    if pue is None:
        return None
    hundredths = pue * 100
    if hundredths != hundredths.to_integral_value():
        raise AtColumn("pue", "a PUE has two decimals")
    return int(hundredths)
