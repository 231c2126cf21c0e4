"""How a pool is connected, and what it reports of itself: health, figures, incidents, alarms.

Each `take_…` is one step inside a worker's own transaction; what was fetched is handed in. Asking
the pool is `cloudmgr.pools.pulls`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cloudmgr.domain import incidents
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.incidents import Incident, IncidentState
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.pools_connection import (
    PULLS,
    Contact,
    PoolAlarm,
    PoolConnection,
    check_connection,
)
from cloudmgr.domain.pools_interface import OccurrenceKind, PoolInventory, PoolOccurrence
from cloudmgr.services.commands import Command, handles, perform
from cloudmgr.services.incidents import ReportIncident
from cloudmgr.services.jobs import enqueue
from cloudmgr.services.pools import SetInventory
from cloudmgr.services.world import Message, World


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectPool(Command):
    """Say where a pool's interface stands; from then on the node asks it, and at scheduling level
    orders from it.

    `credential` names a file in the node's secrets folder. Giving the same again changes nothing.
    """

    pool_id: str
    url: str
    credential: str = ""
    key_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePool(Command):
    """Send a connected pool nothing and ask it nothing, or go on; what is open stays held."""

    pool_id: str
    paused: bool


@handles(Role.TECHNICAL_REVIEWER)
def connect_pool(world: World, command: ConnectPool, actor: Actor, now: datetime) -> PoolConnection:
    pool = world.get(ResourcePool, command.pool_id)
    present = world.seek(PoolConnection, pool.id) or PoolConnection(
        id=pool.id, pool_id=pool.id, provider_id=pool.provider_id, url=""
    )
    connection = replace(
        present,
        url=command.url.rstrip("/"),
        credential=command.credential,
        key_prefix=command.key_prefix,
        paused=False,
    )
    check_connection(pool, connection)
    for kind in PULLS:
        enqueue(world, kind, pool.id, recurring=True)
    return world.put(connection)


@handles(Role.TECHNICAL_REVIEWER)
def pause_pool(world: World, command: PausePool, actor: Actor, now: datetime) -> PoolConnection:
    connection = world.get(PoolConnection, command.pool_id)
    return world.put(replace(connection, paused=command.paused))


# --- what a pool reports --------------------------------------------------------------------


def take_contact(world: World, pool_id: str, contact: Contact, problem: str, now: datetime) -> None:
    """Note a change of a pool's health, and tell of it."""
    connection = world.get(PoolConnection, pool_id)
    if (connection.contact, connection.problem) == (contact, problem):
        return
    if connection.contact is not contact:
        payload = {"pool_id": pool_id, "provider_id": connection.provider_id, "contact": contact}
        world.outbox(Message(topic="pool_contact", subject=pool_id, payload=payload, at=now))
    since = connection.contact_since if connection.contact is contact else now
    world.put(replace(connection, contact=contact, contact_since=since, problem=problem))


def take_inventory(world: World, pool_id: str, told: PoolInventory, now: datetime) -> int:
    """State what the pool reports, class by class where it changed; returns how many did.

    The over-commit ratio is the city's decision and stays.
    """
    changed = 0
    for each in told.classes:
        present = world.seek(Inventory, inventory_id(pool_id, each.resource_class))
        figures = (each.total_units, each.reserved_units)
        if figures == ((present.total, present.reserved) if present else (0, 0)):
            continue
        ratio = present.allocation_ratio_percent if present else 100
        perform(
            world,
            SetInventory(
                pool_id=pool_id,
                resource_class=each.resource_class,
                total=each.total_units,
                reserved=each.reserved_units,
                allocation_ratio_percent=ratio,
                reason="reported by the pool's interface",
            ),
            SYSTEM,
            now,
        )
        changed += 1
    return changed


def take_occurrences(
    world: World, pool_id: str, told: Iterable[PoolOccurrence], now: datetime
) -> int:
    """Keep incidents and alarms; the same told twice changes nothing. Returns how many changed."""
    changed = 0
    for each in told:
        take = _take_alarm if each.kind is OccurrenceKind.ALARM else _take_incident
        changed += take(world, world.get(ResourcePool, pool_id), each, now)
    return changed


def occurrence_id(pool_id: str, external_id: str) -> str:
    """An id of ours for what a pool calls its own way; theirs may hold anything."""
    return f"{pool_id}/{hashlib.sha256(external_id.encode()).hexdigest()[:16]}"


def _take_alarm(world: World, pool: ResourcePool, told: PoolOccurrence, now: datetime) -> bool:
    id = occurrence_id(pool.id, told.id)
    known = world.seek(PoolAlarm, id)
    alarm = PoolAlarm(
        id=id,
        version=known.version if known else 0,
        pool_id=pool.id,
        provider_id=pool.provider_id,
        external_id=told.id,
        severity=told.severity,
        description=told.description,
        opened_at=told.opened_at,
        changed_at=told.changed_at,
        restored_at=told.restored_at,
    )
    if alarm == known:
        return False
    world.put(alarm)
    if known is None:
        payload = {"pool_id": pool.id, "provider_id": pool.provider_id, "alarm_id": id}
        world.outbox(Message(topic="pool_alarm", subject=id, payload=payload, at=now))
    return True


def _take_incident(world: World, pool: ResourcePool, told: PoolOccurrence, now: datetime) -> bool:
    """An incident that touches something of ours, as if the provider had reported it."""
    known = world.find(Incident, pool_id=pool.id, external_id=told.id, limit=1)
    incident = known[0] if known else _reported(world, pool, told, now)
    if incident is None:
        return False
    if told.restored_at is None or incident.restored_at is not None:
        return not known
    if told.restored_at > now:
        raise bad_value("restored_at", f"{told.id} was restored at {told.restored_at}, after now")
    if incident.state is IncidentState.OPEN:
        incident = world.put(incidents.acknowledge(incident, incident.opened_at))
    at = max(told.restored_at, incident.acknowledged_at or incident.opened_at)
    restored = world.put(incidents.restore(incident, at, told.description))
    world.audit(
        at=now,
        user_id=SYSTEM.user_id,
        role="system",
        command="restore_incident",
        subject=f"Incident/{restored.id}",
        request_id="",
    )
    return True


def _reported(
    world: World, pool: ResourcePool, told: PoolOccurrence, now: datetime
) -> Incident | None:
    """None for one that touches nothing of ours: no minutes are lost to anybody here."""
    touched = [
        each
        for each in world.find(Allocation, pool_id=pool.id)
        if (life := each.life) is not None
        and life.contains(told.opened_at)
        and (not told.resource_ids or each.provider_resource_id in told.resource_ids)
    ]
    if not touched:
        return None
    command = ReportIncident(
        pool_id=pool.id,
        severity=told.severity,
        description=told.description or told.id,
        allocation_ids=tuple(each.id for each in touched),
        opened_at=told.opened_at,
    )
    incident: Incident = perform(world, command, SYSTEM, now)
    return world.put(replace(incident, external_id=told.id))
