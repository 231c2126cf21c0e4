"""Elastic resources: scaled inside approved bounds without a new request, and week by week.

Owns what scaling takes of pool and quota, and the timer of the week. A refusal of something planned
is told to people; the week goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.quantity import ResourceAmount, ResourceClass, scaled
from cloudmgr.domain import allocations, capacity, quota
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation, AllocationState, require_staying
from cloudmgr.domain.allocations_elastic import (
    ScheduleAction,
    ScheduleEntry,
    check_week,
    entry_at,
    next_due,
    require_inside,
)
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.errors import bad_value, capacity_exceeded, pool_closed
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.quota import Quota, quota_id
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.allocations import own_allocation, started, stopped, tell_provider
from cloudmgr.services.binding import (
    quota_scopes,
    require_not_busy,
    step_pool,
    step_quota,
)
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.placements import increase
from cloudmgr.services.pools_orders import resize_in_pool
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.protected_periods import protection_of
from cloudmgr.services.world import Message, Scope, World


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleAllocation(Command):
    """Scale inside the approved bounds, as the department wants it or its provider has done it."""

    allocation_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAllocation(Command):
    """Plan the week of a running resource: scaling inside its bounds, stopping and starting. It
    replaces the plan there was; an empty one ends it."""

    allocation_id: str
    weekly: tuple[ScheduleEntry, ...]


@handles(Role.DEPARTMENT_USER, Role.PROVIDER)
def scale_allocation(
    world: World, command: ScaleAllocation, actor: Actor, now: datetime
) -> Allocation:
    """Raises `outside_bounds`, `quota_exceeded`, `capacity_exceeded`, `pool_closed`,
    `allocation_busy`, `allocation_leaving` or `protected_period`; then nothing has changed."""
    allocation = world.get(Allocation, command.allocation_id)
    if actor.has_in(allocation.provider_id, Role.PROVIDER):
        return _scaled(world, allocation, command.quantity, now)
    require_in(actor, allocation.department_id, "Allocation", allocation.id, Role.DEPARTMENT_USER)
    done = _scaled(world, allocation, command.quantity, now)
    if done != allocation:
        resize_in_pool(world, done, now)
    return done


@handles(Role.DEPARTMENT_USER)
def schedule_allocation(
    world: World, command: ScheduleAllocation, actor: Actor, now: datetime
) -> Allocation:
    allocation = own_allocation(world, command.allocation_id, actor)
    _require_running(allocation)
    require_staying(allocation)
    check_week(command.weekly, allocation.elastic, "weekly")
    planned = world.put(replace(allocation, weekly=command.weekly))
    plan_week(world, planned, now)
    return planned


def plan_week(world: World, allocation: Allocation, now: datetime) -> None:
    """Have the next entry of the allocation's week run at its instant."""
    timers.cancel(world, "elastic_schedule", allocation.id)
    due = next_due(allocation.weekly, now)
    if due is not None:
        timers.schedule(world, "elastic_schedule", allocation.id, due)


@timers.on_timer("elastic_schedule")
def run_entry(world: World, timer: Timer, at: datetime) -> None:
    """What the week says of this minute. Every rule holds as for a command; what is refused is
    told, and the next entry waits for its turn."""
    allocation = world.get(Allocation, timer.subject_id)
    if allocation.state not in RUNNING or allocation.parallel_until is not None:
        return
    plan_week(world, allocation, at)
    entry = entry_at(allocation.weekly, at)
    if entry is None:
        return
    try:
        _act(world, allocation, entry, at)
    except CloudmgrError as refusal:
        payload = {
            "allocation_id": allocation.id,
            "department_id": allocation.department_id,
            "action": str(entry.action),
            "code": refusal.code,
            "why": refusal.message,
        }
        message = Message(topic="schedule_refused", subject=allocation.id, payload=payload, at=at)
        world.outbox(message)


def _act(world: World, allocation: Allocation, entry: ScheduleEntry, at: datetime) -> None:
    """Stopping what is not running and starting what is asks for nothing."""
    if entry.action is ScheduleAction.START:
        if allocation.state is AllocationState.STOPPED:
            started(world, allocation, at)
    elif entry.action is ScheduleAction.STOP:
        if allocation.state is AllocationState.ACTIVE:
            _require_unprotected(world, allocation, at)
            stopped(world, allocation, at)
    else:
        assert entry.quantity is not None
        done = _scaled(world, allocation, entry.quantity, at)
        if done != allocation:
            resize_in_pool(world, done, at)


def _scaled(world: World, allocation: Allocation, quantity: int, at: datetime) -> Allocation:
    """Checks first and changes last, so that a refusal leaves everything as it was."""
    _lock(world, allocation)
    allocation = world.get(Allocation, allocation.id)
    _require_running(allocation)
    require_staying(allocation)
    require_inside(allocation.elastic, quantity, allocation.id)
    require_not_busy(world, allocation)
    if quantity == allocation.quantity:
        return allocation
    wanted = scaled(sku_at(world, allocation.sku_id, at).resources, quantity)
    more, less = increase(wanted, allocation.resources), increase(allocation.resources, wanted)
    if less:
        _require_unprotected(world, allocation, at)
    _require_room(world, allocation, more)
    step_pool(world, allocation.pool_id, more, _take)
    step_pool(world, allocation.pool_id, less, capacity.free)
    step_quota(world, allocation, more, _count)
    step_quota(world, allocation, less, quota.release)
    resized = world.put(allocations.resize(allocation, allocation.sku_id, quantity, wanted, at))
    tell_provider(world, "allocation_scaled", resized, at)
    return resized


def _take(inventory: Inventory, units: int) -> Inventory:
    return capacity.post(capacity.hold(inventory, units), units)


def _count(counter: Quota, units: int) -> Quota:
    return quota.post(quota.reserve(counter, units), units)


def _lock(world: World, allocation: Allocation) -> None:
    """The counters an approval would take for the same allocation, in the same order."""
    scopes: list[Scope] = [
        (Inventory, each.id) for each in world.find(Inventory, pool_id=allocation.pool_id)
    ]
    scopes.extend(
        (Quota, quota_id(scope_id, resource_class))
        for scope_id in quota_scopes(world, allocation.application_id, allocation.department_id)
        for resource_class in ResourceClass
    )
    world.lock(*scopes)


def _require_running(allocation: Allocation) -> None:
    if allocation.state not in RUNNING:
        raise bad_value("allocation_id", f"{allocation.id} is {allocation.state} and does not run")


def _require_unprotected(world: World, allocation: Allocation, at: datetime) -> None:
    refusal = protection_of(
        world, allocation.department_id, allocation.application_id, at, "scaling down or stopping"
    )
    if refusal is not None:
        raise refusal


def _require_room(world: World, allocation: Allocation, more: Iterable[ResourceAmount]) -> None:
    """Growth needs an open pool, free capacity and quota on every ancestor, in every class."""
    scopes = quota_scopes(world, allocation.application_id, allocation.department_id)
    for amount in more:
        pool = world.get(ResourcePool, allocation.pool_id)
        if pool.state is not PoolState.ONBOARDED:
            raise pool_closed(pool.id, pool.state, "growth")
        chain = [world.seek(Quota, quota_id(each, amount.resource_class)) for each in scopes]
        known = [each for each in chain if each is not None]
        quota.check(known, amount.resource_class, amount.units, scopes[0])
        room = world.get(Inventory, inventory_id(pool.id, amount.resource_class)).free
        if amount.units > room:
            raise capacity_exceeded(amount.resource_class, pool.id, max(room, 0), amount.units)
