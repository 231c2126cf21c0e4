"""Business systems as commands: the ledger 系统台账, kept up to date, and what is not on the cloud.

The status follows migrations; by hand it is set for what happened outside the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.applications import (
    Application,
    DeploymentStatus,
    DrMode,
    Outstanding,
    Zone,
    check_application,
    moved_to,
    outstanding,
)
from cloudmgr.domain.errors import bad_value, not_found, still_running
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.organisations import living_department, require_ledger
from cloudmgr.services.reading import visible
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterApplication(Command):
    """Enter a business system into the ledger (系统台账). `off_cloud`: it runs outside the cloud;
    without it the system is planned."""

    code: str
    name_zh: str
    name_en: str
    department_id: str
    mlps_level: int
    zone: Zone
    dr_level: int
    dr_mode: DrMode
    xinchuang: bool
    important: bool
    classified: bool = False
    approval_document: str = ""
    fund_source: str = ""
    security_check_passed: bool = False
    filing_proof: str = ""
    responsible_person: str = ""
    responsible_contact: str = ""
    wave: str = ""
    planned_on: date | None = None
    off_cloud: bool = False
    off_cloud_reason: str = ""
    exemption_document: str = ""
    exempt_until: date | None = None
    deadline: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateApplication(Command):
    """Say anew what is known of a system; what is left out is taken to be not set. Whose it is
    and whether it is on the cloud have commands of their own."""

    application_id: str
    code: str
    name_zh: str
    name_en: str
    mlps_level: int
    zone: Zone
    dr_level: int
    dr_mode: DrMode
    xinchuang: bool
    important: bool
    classified: bool = False
    approval_document: str = ""
    fund_source: str = ""
    security_check_passed: bool = False
    filing_proof: str = ""
    responsible_person: str = ""
    responsible_contact: str = ""
    wave: str = ""
    planned_on: date | None = None
    off_cloud_reason: str = ""
    exemption_document: str = ""
    exempt_until: date | None = None
    deadline: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeApplicationStatus(Command):
    """Set the status of what happened outside the node. That a system is on the cloud is the
    technical office's to say; a system leaves the cloud once nothing of it runs there."""

    application_id: str
    to: DeploymentStatus
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireApplication(Command):
    """The system is no more; nothing of it runs or is asked for."""

    application_id: str
    reason: str


_KEPT_BY_COMMANDS = ("application_id",)
OWNERS = (Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)


@handles(*OWNERS)
def register_application(
    world: World, command: RegisterApplication, actor: Actor, now: datetime
) -> Application:
    """Raises `already_exists` for a code that another system has."""
    require_ledger(actor, command.department_id, "Organisation", command.department_id)
    living_department(world, command.department_id)
    state = DeploymentStatus.OFF_CLOUD if command.off_cloud else DeploymentStatus.PLANNED
    fresh = Application(
        id=next_id(world, "APP"),
        state=state,
        registered_at=now,
        **_said(command, but=("off_cloud",)),
    )
    check_application(fresh)
    return world.put(fresh)


@handles(*OWNERS)
def update_application(
    world: World, command: UpdateApplication, actor: Actor, now: datetime
) -> Application:
    """Raises `already_exists` for a code that another system has."""
    present = own_application(world, command.application_id, actor)
    changed = replace(present, **_said(command, but=_KEPT_BY_COMMANDS))
    check_application(changed)
    return world.put(changed)


@handles(*OWNERS)
def change_application_status(
    world: World, command: ChangeApplicationStatus, actor: Actor, now: datetime
) -> Application:
    """Raises `still_running` where a system would leave the cloud that it still uses."""
    present = own_application(world, command.application_id, actor)
    if command.to is DeploymentStatus.RETIRED:
        raise bad_value("to", "retiring a system has a command of its own")
    if command.to is DeploymentStatus.ON_CLOUD and not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        raise bad_value(
            "to", "a migration that is completed says so; else ask the technical office"
        )
    if present.state is DeploymentStatus.ON_CLOUD:
        require_idle(world, present)
    changed = moved_to(present, command.to, now)
    reason = command.reason.strip() or present.off_cloud_reason
    return world.put(replace(changed, off_cloud_reason=reason))


@handles(*OWNERS)
def retire_application(
    world: World, command: RetireApplication, actor: Actor, now: datetime
) -> Application:
    """Raises `still_running` naming what is left."""
    present = own_application(world, command.application_id, actor)
    if not command.reason.strip():
        raise bad_value("reason", "say why the system is no more")
    require_idle(world, present)
    return world.put(moved_to(present, DeploymentStatus.RETIRED, now))


def migration_begins(world: World, request: ResourceRequest, now: datetime) -> None:
    """A migration was ordered: the system is on its way."""
    application = _locked(world, request)
    waiting = (DeploymentStatus.PLANNED, DeploymentStatus.OFF_CLOUD)
    if request.kind is RequestKind.MIGRATE_IN and application.state in waiting:
        world.put(moved_to(application, DeploymentStatus.MIGRATING, now))


def migration_ends(world: World, request: ResourceRequest, now: datetime) -> None:
    """A migration was completed, or the first resources of a new system: it is on the cloud."""
    application = _locked(world, request)
    coming = (DeploymentStatus.PLANNED, DeploymentStatus.OFF_CLOUD, DeploymentStatus.MIGRATING)
    arrives = request.kind is RequestKind.MIGRATE_IN and application.state in coming
    begins = request.kind is RequestKind.NEW and application.state is DeploymentStatus.PLANNED
    if arrives or begins:
        world.put(moved_to(application, DeploymentStatus.ON_CLOUD, now))


def migration_fails(world: World, request: ResourceRequest, now: datetime) -> None:
    """What was ordered will not be carried out: the system waits again."""
    application = _locked(world, request)
    moving = application.state is DeploymentStatus.MIGRATING
    if request.kind is RequestKind.MIGRATE_IN and moving:
        world.put(moved_to(application, DeploymentStatus.PLANNED, now))


def _locked(world: World, request: ResourceRequest) -> Application:
    """The request's system, whose status nobody else changes meanwhile."""
    world.lock((Application, request.application_id))
    return world.get(Application, request.application_id)


def own_application(world: World, id: str, actor: Actor) -> Application:
    """The system, if the actor keeps its ledger; raises `not_found`."""
    found = world.get(Application, id)
    require_ledger(actor, found.department_id, "Application", id)
    return found


def not_on_cloud(
    world: World,
    actor: Actor,
    on: date,
    *,
    department_id: str | None = None,
    overdue: bool | None = None,
) -> Iterator[Outstanding]:
    """应上未上清单 of a day, of the systems the actor sees, in the order of their ids."""
    scope = visible(world, actor, Application)
    if scope is None:
        return
    if department_id is not None:
        if department_id not in scope.get("department_id", (department_id,)):
            raise not_found("Organisation", department_id)
        scope = {**scope, "department_id": (department_id,)}
    where: dict[str, Any] = scope
    for application in world.stream(Application, **where):
        line = outstanding(application, on)
        if line is not None and overdue in (None, line.overdue):
            yield line


def require_idle(world: World, application: Application) -> None:
    """Raise `still_running` naming what runs and which requests are open."""
    running = [
        each.id
        for each in world.find(Allocation, application_id=application.id)
        if each.state is not AllocationState.RELEASED
    ]
    under_way = tuple(
        each
        for each in RequestState
        if each is not RequestState.DRAFT and not ResourceRequest.LIFECYCLE.final(each)
    )
    asked = world.find(ResourceRequest, application_id=application.id, state=under_way)
    left = (*running, *(each.id for each in asked))
    if left:
        raise still_running(application.id, left)


def _said(command: RegisterApplication | UpdateApplication, but: tuple[str, ...]) -> dict[str, Any]:
    """What a command says of a system, by the names of its fields."""
    return {
        name: getattr(command, name)
        for name in type(command).__dataclass_fields__
        if name not in but
    }
