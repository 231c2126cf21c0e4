"""Regions and organisations as commands: registered with checked codes, renamed from a date.

Owns names and codes; merging, splitting and handing over are `reorganisations`, people `parties`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from catalog.period import midnight, shanghai
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value, organisation_ended, taken
from cloudmgr.domain.organisations import (
    check_codes,
    check_region,
    in_force,
    named_at,
    renamed,
)
from cloudmgr.domain.parties import (
    DatedName,
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
)
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRegion(Command):
    """Register a county or city of the tree. Until policy names its payer, the region above it
    pays as it does for its own."""

    name_zh: str
    name_en: str
    level: RegionLevel
    parent_id: str | None
    division_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameOrganisation(Command):
    """Give an organisation another name from a day on; papers issued before keep the old one.

    Today's change counts from now. Codes left out stay as they are.
    """

    organisation_id: str
    name_zh: str
    name_en: str
    effective_from: date
    document_number: str
    budget_unit_code: str | None = None
    social_credit_code: str | None = None


@handles(Role.SYSTEM_ADMIN, Role.AUTHORITY)
def register_region(world: World, command: RegisterRegion, actor: Actor, now: datetime) -> Region:
    """Raises `already_exists` for a division code that another region has."""
    parent = world.get(Region, command.parent_id) if command.parent_id else None
    _check_names(command.name_zh, command.name_en)
    check_region(command.level, command.division_code, parent)
    if command.division_code and any(
        each.division_code == command.division_code for each in world.find(Region)
    ):
        raise taken("Region", ("division_code",))
    return world.put(
        Region(
            id=next_id(world, "REG"),
            name_zh=command.name_zh,
            name_en=command.name_en,
            level=command.level,
            parent_id=command.parent_id,
            division_code=command.division_code,
        )
    )


@handles(Role.SYSTEM_ADMIN, Role.AUTHORITY)
def rename_organisation(
    world: World, command: RenameOrganisation, actor: Actor, now: datetime
) -> Organisation:
    """Raises `bad_value` for a day that is over or not after the last change known, and
    `already_exists` for a code that another organisation has."""
    organisation = world.get(Organisation, command.organisation_id)
    require_living(organisation)
    _check_names(command.name_zh, command.name_en)
    if not command.document_number.strip():
        raise bad_value("document_number", "a change of name has its document (文号)")
    if command.effective_from < shanghai(now).date():
        raise bad_value("effective_from", "what papers show already is not renamed; choose a day")
    last = (organisation.names or (named_at(organisation, now),))[-1]
    budget_unit_code, social_credit_code = (
        held if given is None else given
        for given, held in (
            (command.budget_unit_code, last.budget_unit_code),
            (command.social_credit_code, last.social_credit_code),
        )
    )
    check_free(world, budget_unit_code, social_credit_code, but=organisation.id)
    since = max(midnight(command.effective_from), now)
    changed = renamed(
        organisation,
        DatedName(
            since=since,
            name_zh=command.name_zh,
            name_en=command.name_en,
            budget_unit_code=budget_unit_code,
            social_credit_code=social_credit_code,
            document_number=command.document_number,
        ),
    )
    if since <= now:
        return _shown(world, changed, now)
    timers.schedule(world, "organisation_renamed", organisation.id, since, note=f"{since:%Y%m%d}")
    return world.put(changed)


@timers.on_timer("organisation_renamed")
def name_begins(world: World, timer: Timer, at: datetime) -> None:
    _shown(world, world.get(Organisation, timer.subject_id), at)


def register(
    world: World,
    *,
    kind: OrganisationKind,
    name_zh: str,
    name_en: str,
    region_id: str,
    budget_unit_code: str = "",
    social_credit_code: str = "",
) -> Organisation:
    """A new organisation; raises `not_found`, `bad_value` and, for a code that another living
    organisation has, `already_exists`."""
    world.get(Region, region_id)
    _check_names(name_zh, name_en)
    check_free(world, budget_unit_code, social_credit_code)
    return world.put(
        Organisation(
            id=next_id(world, "ORG"),
            kind=kind,
            name_zh=name_zh,
            name_en=name_en,
            region_id=region_id,
            budget_unit_code=budget_unit_code,
            social_credit_code=social_credit_code,
        )
    )


def check_free(
    world: World, budget_unit_code: str, social_credit_code: str, *, but: str = ""
) -> None:
    """Check the codes and that no other living organisation has them."""
    check_codes(budget_unit_code, social_credit_code)
    for field, code in (
        ("budget_unit_code", budget_unit_code),
        ("social_credit_code", social_credit_code),
    ):
        if not code:
            continue
        world.lock((Organisation, f"{field} {code}"))  # two may bring the same code at once
        where: dict[str, Any] = {field: code}
        for other in world.find(Organisation, **where):
            if other.id != but and other.ended_at is None:
                raise taken("Organisation", (field,))


def require_living(organisation: Organisation) -> None:
    """Raise `organisation_ended` for one that a reorganisation has ended."""
    if organisation.ended_at is not None:
        raise organisation_ended(organisation.id, organisation.successor_id or "")


def living_department(world: World, id: str, field: str = "department_id") -> Organisation:
    """The department; raises `not_found`, `bad_value` for another kind of organisation and
    `organisation_ended`."""
    found = world.get(Organisation, id)
    if found.kind is not OrganisationKind.DEPARTMENT:
        raise bad_value(field, f"{id} is not a department")
    require_living(found)
    return found


def require_ledger(actor: Actor, department_id: str, kind: str, id: str) -> None:
    """Raise `not_found` unless the actor keeps a department's ledgers: its own people, or the
    technical office of the city."""
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, department_id, kind, id, Role.DEPARTMENT_USER)


def papers_of(world: World, organisation_ids: Iterable[str]) -> frozenset[str]:
    """The organisations and the ended ones whose papers they answer for."""
    found = frozenset(organisation_ids)
    more = found
    while more:
        ended = world.find(Organisation, successor_id=tuple(sorted(more)))
        more = frozenset(each.id for each in ended) - found
        found |= more
    return found


def name_on_paper(world: World, organisation_id: str, moment: datetime) -> str:
    """The official name a paper of `moment` shows."""
    return named_at(world.get(Organisation, organisation_id), moment).name_zh


def _shown(world: World, organisation: Organisation, now: datetime) -> Organisation:
    """The name and codes of `now` stand on the record, and people are told."""
    before = organisation.name_zh
    shown = world.put(in_force(organisation, now))
    world.outbox(
        Message(
            topic="organisation_renamed",
            subject=shown.id,
            payload={"organisation_id": shown.id, "before": before, "after": shown.name_zh},
            at=now,
        )
    )
    return shown


def _check_names(name_zh: str, name_en: str) -> None:
    for field, name in (("name_zh", name_zh), ("name_en", name_en)):
        if not name.strip():
            raise bad_value(field, "a name has at least one character")
