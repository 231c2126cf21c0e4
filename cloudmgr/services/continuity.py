"""Continuity as commands: declare replicas, record agreements; and the list of gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation, AllocationState
from cloudmgr.domain.applications import Application
from cloudmgr.domain.continuity import (
    BackupAgreement,
    Gap,
    Replica,
    ReplicaRole,
    Standing,
    agreed,
    check_agreement,
    gaps_of,
    place_of,
)
from cloudmgr.domain.errors import bad_value, not_found
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.placement import Apart
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.requests import RequestLine
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import continuity_rules
from cloudmgr.services.reading import open_to_all, read, visible
from cloudmgr.services.world import Message, World, next_id

open_to_all(BackupAgreement)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareReplica(Command):
    """Declare a running allocation the copy of another one of the same application."""

    primary_id: str
    allocation_id: str
    role: ReplicaRole
    rto_minutes: int | None = None
    rpo_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawReplica(Command):
    """Say that an allocation is no copy any more."""

    replica_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBackupAgreement(Command):
    """Record an agreement with a partner city about a site of theirs, or its renewal."""

    number: str
    partner_city: str
    site_id: str
    starts_at: datetime
    ends_at: datetime
    scope: str
    mutual: bool = True
    file_id: str | None = None


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def declare_replica(world: World, command: DeclareReplica, actor: Actor, now: datetime) -> Replica:
    primary = _own_allocation(world, command.primary_id, actor)
    copy = _own_allocation(world, command.allocation_id, actor)
    if primary.application_id != copy.application_id:
        raise bad_value("allocation_id", f"{copy.id} is of another application than {primary.id}")
    for allocation in (primary, copy):
        if allocation.state not in RUNNING:
            raise bad_value("allocation_id", f"{allocation.id} is {allocation.state}")
    for field in ("rto_minutes", "rpo_minutes"):
        minutes = getattr(command, field)
        if minutes is not None and minutes < 0:
            raise bad_value(field, "minutes are 0 or more")
    return declare(
        world,
        primary,
        copy,
        command.role,
        by=actor.user_id,
        now=now,
        rto_minutes=command.rto_minutes,
        rpo_minutes=command.rpo_minutes,
    )


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def withdraw_replica(
    world: World, command: WithdrawReplica, actor: Actor, now: datetime
) -> Replica:
    found = world.get(Replica, command.replica_id)
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, found.department_id, "Replica", found.id, Role.DEPARTMENT_USER)
    if found.withdrawn_at is not None:
        raise bad_value("replica_id", f"{found.id} is withdrawn already")
    if not command.reason.strip():
        raise bad_value("reason", "say why it is no copy any more")
    return world.put(replace(found, withdrawn_at=now, withdrawal=command.reason))


@handles(Role.AUTHORITY, Role.TECHNICAL_REVIEWER)
def record_backup_agreement(
    world: World, command: RecordBackupAgreement, actor: Actor, now: datetime
) -> BackupAgreement:
    if command.file_id is not None:
        read(world, actor, StoredFile, command.file_id)
    agreement = BackupAgreement(
        id=next_id(world, "AGR"),
        number=command.number,
        partner_city=command.partner_city,
        site_id=command.site_id,
        starts_at=utc(command.starts_at),
        ends_at=utc(command.ends_at),
        scope=command.scope,
        mutual=command.mutual,
        file_id=command.file_id,
        recorded_by=actor.user_id,
    )
    check_agreement(agreement, world.get(Site, command.site_id))
    if agreement.ends_at > now:
        timers.schedule(world, "agreement_ends", agreement.id, agreement.ends_at)
    return world.put(agreement)


@timers.on_timer("agreement_ends")
def tell_of_end(world: World, timer: Timer, at: datetime) -> None:
    ended = world.get(BackupAgreement, timer.subject_id)
    site = world.get(Site, ended.site_id)
    if not agreed(site, world.find(BackupAgreement, site_id=site.id), at):
        payload = {"site_id": site.id, "partner_city": ended.partner_city}
        world.outbox(
            Message(topic="backup_agreement_expired", subject=ended.id, payload=payload, at=at)
        )


def declare(
    world: World,
    primary: Allocation,
    copy: Allocation,
    role: ReplicaRole,
    *,
    by: str,
    now: datetime,
    rto_minutes: int | None = None,
    rpo_minutes: int | None = None,
) -> Replica:
    """Put a replica; an allocation is one copy of one primary."""
    if primary.id == copy.id:
        raise bad_value("allocation_id", "nothing is its own copy")
    for other in world.find(Replica, allocation_id=copy.id):
        if other.withdrawn_at is None:
            raise bad_value("allocation_id", f"{copy.id} is the copy {other.id} already")
    return world.put(
        Replica(
            id=next_id(world, "REP"),
            primary_id=primary.id,
            allocation_id=copy.id,
            role=role,
            application_id=copy.application_id,
            department_id=copy.department_id,
            declared_by=by,
            declared_at=now,
            rto_minutes=rto_minutes,
            rpo_minutes=rpo_minutes,
        )
    )


def declare_delivered(
    world: World, line: RequestLine, copy: Allocation, by: str, now: datetime
) -> None:
    """A line that asked for a copy was delivered: what runs is declared as such."""
    if line.primary_id is None or line.replica_role is None:
        return
    primary = world.get(Allocation, line.primary_id)
    declare(world, primary, copy, line.replica_role, by=by, now=now)


def apart_from(
    world: World, application: Application, line: RequestLine, now: datetime
) -> tuple[Apart, ...]:
    """The sites a line's pool has to keep its distance to: of the primary it asks a copy of, and
    where it moves a primary or a copy, of the others."""
    rules = continuity_rules(world, now)
    wanted = list(_wanted(world, application, line))
    found = []
    for other, role in wanted:
        place = place_of(role, application, rules)
        if place is not None:
            found.append(Apart(_site_of(world, other), place))
    return tuple(found)


def _wanted(
    world: World, application: Application, line: RequestLine
) -> Iterator[tuple[Allocation, ReplicaRole]]:
    if line.primary_id is not None and line.replica_role is not None:
        primary = world.seek(Allocation, line.primary_id)
        if primary is None or primary.application_id != application.id:
            raise not_found("Allocation", line.primary_id)
        yield primary, line.replica_role
    if line.allocation_id is None:
        return
    follow = _Successors(world, application.id)
    for replica in world.find(Replica, application_id=application.id):
        if replica.withdrawn_at is not None:
            continue
        primary = follow.now(replica.primary_id)
        copy = follow.now(replica.allocation_id)
        if primary is None or copy is None:
            continue
        if copy.id == line.allocation_id:
            yield primary, replica.role
        elif primary.id == line.allocation_id:
            yield copy, replica.role


class _Successors:
    """An application's allocations, and what took the place of those that were relocated."""

    def __init__(self, world: World, application_id: str) -> None:
        allocations = world.find(Allocation, application_id=application_id)
        self._by_id = {each.id: each for each in allocations}
        self._next = {
            each.relocated_from: each.id
            for each in allocations
            if each.relocated_from and each.state is not AllocationState.RESERVED
        }

    def now(self, id: str) -> Allocation | None:
        """The running allocation that `id` is or became; None when it has ended."""
        seen = {id}
        while id in self._next and self._next[id] not in seen:
            id = self._next[id]
            seen.add(id)
        found = self._by_id.get(id)
        return found if found is not None and found.state in RUNNING else None


def find_gaps(
    world: World, actor: Actor, now: datetime, department_id: str | None = None
) -> tuple[Gap, ...]:
    """The gaps of every application the actor may see, in the order of the applications."""
    scope: Any = visible(world, actor, Replica)
    if scope is None or ("department_id" in scope and not scope["department_id"]):
        return ()
    if department_id is not None:
        if "department_id" in scope and department_id not in scope["department_id"]:
            return ()
        scope = {"department_id": (department_id,)}
    rules = continuity_rules(world, now)
    declared = defaultdict(list)
    for replica in world.find(Replica, **scope):
        if replica.withdrawn_at is None:
            declared[replica.application_id].append(replica)
    return tuple(
        gap
        for application in world.find(Application, **scope)
        for gap in gaps_of(
            application, _standings(world, application.id, declared[application.id], now), rules
        )
    )


def _standings(
    world: World, application_id: str, replicas: list[Replica], now: datetime
) -> Iterator[Standing]:
    if not replicas:
        return
    follow = _Successors(world, application_id)
    for replica in replicas:
        primary, copy = follow.now(replica.primary_id), follow.now(replica.allocation_id)
        if primary is None or copy is None:
            continue
        site = _site_of(world, copy)
        yield Standing(
            replica=replica,
            primary_site=_site_of(world, primary),
            site=site,
            agreed=agreed(site, world.find(BackupAgreement, site_id=site.id), now),
        )


def _site_of(world: World, allocation: Allocation) -> Site:
    return world.get(Site, world.get(ResourcePool, allocation.pool_id).site_id)


def _own_allocation(world: World, id: str, actor: Actor) -> Allocation:
    allocation = world.get(Allocation, id)
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, allocation.department_id, "Allocation", id, Role.DEPARTMENT_USER)
    return allocation
