"""Incidents as commands: reported, acknowledged and restored by the provider, closed by the
technical reviewer. What their minutes cost is scored and settled elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain import incidents
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.incidents import Incident, Severity
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.services.commands import Command, handles, require_city_office, require_in
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportIncident(Command):
    """Report what interrupts a pool. No `allocation_ids` means all that run there; `opened_at`
    is when it began, now unless given."""

    pool_id: str
    severity: Severity
    description: str
    allocation_ids: tuple[str, ...] = ()
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeIncident(Command):
    """The provider has taken notice and works on it."""

    incident_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreIncident(Command):
    """Service is back; minutes stop counting now."""

    incident_id: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseIncident(Command):
    """The technical reviewer has checked that it is over."""

    incident_id: str
    conclusion: str = ""


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER)
def report_incident(world: World, command: ReportIncident, actor: Actor, now: datetime) -> Incident:
    pool = world.get(ResourcePool, command.pool_id)
    if not actor.has_in(pool.provider_id, Role.PROVIDER):
        require_city_office(actor, "ResourcePool", pool.id, Role.TECHNICAL_REVIEWER)
    opened_at = command.opened_at or now
    if opened_at > now:
        raise bad_value("opened_at", f"{opened_at.isoformat()} lies in the future")
    if not command.description.strip():
        raise bad_value("description", "say what does not work")
    return world.put(
        Incident(
            id=next_id(world, "INC"),
            provider_id=pool.provider_id,
            pool_id=pool.id,
            allocation_ids=_affected(world, pool.id, command.allocation_ids, opened_at),
            severity=command.severity,
            description=command.description,
            reported_by=actor.user_id,
            opened_at=opened_at,
        )
    )


@handles(Role.PROVIDER)
def acknowledge_incident(
    world: World, command: AcknowledgeIncident, actor: Actor, now: datetime
) -> Incident:
    incident = _own(world, command.incident_id, actor)
    return world.put(incidents.acknowledge(incident, now))


@handles(Role.PROVIDER)
def restore_incident(
    world: World, command: RestoreIncident, actor: Actor, now: datetime
) -> Incident:
    incident = _own(world, command.incident_id, actor)
    return world.put(incidents.restore(incident, now, command.cause))


@handles(Role.TECHNICAL_REVIEWER)
def close_incident(world: World, command: CloseIncident, actor: Actor, now: datetime) -> Incident:
    incident = world.get(Incident, command.incident_id)
    require_city_office(actor, "Incident", incident.id, Role.TECHNICAL_REVIEWER)
    return world.put(incidents.close(incident, now, command.conclusion))


def _own(world: World, id: str, actor: Actor) -> Incident:
    incident = world.get(Incident, id)
    require_in(actor, incident.provider_id, "Incident", id, Role.PROVIDER)
    return incident


def _affected(
    world: World, pool_id: str, named: tuple[str, ...], moment: datetime
) -> tuple[str, ...]:
    """The allocations named, each once, or all of the pool; refused unless they ran there then."""
    running = {
        allocation.id
        for allocation in world.find(Allocation, pool_id=pool_id)
        if (life := allocation.life) is not None and life.contains(moment)
    }
    strangers = sorted(set(named) - running)
    if strangers:
        raise bad_value(
            "allocation_ids",
            f"{', '.join(strangers)} did not run in {pool_id} when the incident began",
        )
    return tuple(sorted(set(named) or running))
