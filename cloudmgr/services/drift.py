"""Findings of drift: kept from one comparison to the next, resolved by people or by themselves.

Comparing is `cloudmgr.pools.drift`, on what `expectations` says should be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain import drift
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.drift import Difference, DriftFinding
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.pools_orders import OPEN, PoolOrder
from cloudmgr.domain.requests import WORKING, ResourceRequest
from cloudmgr.services.commands import Command, handles, require_city_office
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDrift(Command):
    """Say how a difference was dealt with, or why it may stay."""

    finding_id: str
    reason: str


@handles(Role.TECHNICAL_REVIEWER, Role.PROVIDER)
def resolve_drift(world: World, command: ResolveDrift, actor: Actor, now: datetime) -> DriftFinding:
    finding = world.get(DriftFinding, command.finding_id)
    if not actor.has_in(finding.provider_id, Role.PROVIDER):
        require_city_office(actor, "DriftFinding", finding.id, Role.TECHNICAL_REVIEWER)
    if not command.reason.strip():
        raise bad_value("reason", "say how it was dealt with, or why it may stay")
    return world.put(drift.resolve(finding, actor.user_id, command.reason, now))


@dataclass(frozen=True, slots=True)
class Expectations:
    """Allocations of a pool, and the ids of those that somebody works on just now."""

    allocations: tuple[Allocation, ...]
    under_way: frozenset[str]


def expectations(world: World, pool_id: str) -> Expectations:
    """What a pool should have. Nothing can be said of what is reserved, of what an open request
    works on, and of what was ordered and not answered."""
    allocations = world.find(Allocation, pool_id=pool_id)
    reserved = {each.id for each in allocations if each.state is AllocationState.RESERVED}
    ordered = {each.allocation_id for each in world.find(PoolOrder, pool_id=pool_id, state=OPEN)}
    working = {
        line.allocation_id
        for request in world.find(ResourceRequest, state=WORKING)
        for line in request.lines
        if line.allocation_id
    }
    return Expectations(allocations, frozenset(reserved | ordered | working))


def keep_findings(
    world: World, pool_id: str, seen: Iterable[Difference], now: datetime
) -> tuple[DriftFinding, ...]:
    """Open what is new, end what is gone; returns what is open now."""
    pool = world.get(ResourcePool, pool_id)
    present = world.find(DriftFinding, pool_id=pool_id, gone_at=None)
    change = drift.change(present, seen)
    for finding in change.gone:
        world.put(drift.end(finding, now))
    for each in change.fresh:
        finding = world.put(
            DriftFinding(
                id=next_id(world, "DRF"),
                pool_id=pool.id,
                provider_id=pool.provider_id,
                kind=each.kind,
                reference=each.reference,
                resource_id=each.resource_id,
                ours=each.ours,
                theirs=each.theirs,
                found_at=now,
            )
        )
        payload = {"pool_id": pool.id, "provider_id": pool.provider_id, "kind": str(each.kind)}
        world.outbox(Message(topic="drift_found", subject=finding.id, payload=payload, at=now))
    return open_findings(world, pool_id)


def open_findings(world: World, pool_id: str) -> tuple[DriftFinding, ...]:
    return world.find(DriftFinding, pool_id=pool_id, state=drift.DriftState.OPEN)
