"""The monthly resource list: made by the clock at each month's first instant, and never again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.period import Month
from cloudmgr.domain.access import Actor
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.resource_lists import ResourceList, ResourceListLine, list_line
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services import codec, timers
from cloudmgr.services.policies import pool_rules
from cloudmgr.services.reading import visible
from cloudmgr.services.world import Message, World

SERIES = "resource-lists"


def start_lists(world: World, now: datetime) -> None:
    """Have the list of every month from the next one on made; nothing where that is so already."""
    waiting = world.find(
        Timer, subject_id=SERIES, kind="resource_list", state=TimerState.PENDING, limit=1
    )
    if not waiting:
        timers.schedule(world, "resource_list", SERIES, Month.of(now).next().period.start)


@timers.on_timer("resource_list")
def make_list(world: World, timer: Timer, at: datetime) -> None:
    """Write down what every pool that is not retired has at the month's first instant."""
    month = Month.of(at)
    timers.schedule(world, "resource_list", SERIES, month.next().period.start)
    if world.seek(ResourceList, str(month)) is not None:
        return
    lines = _lines(world, month, at)
    world.put_many(lines)
    made = world.put(
        ResourceList(
            id=str(month),
            month=month,
            as_of=at,
            pools=len({line.pool_id for line in lines}),
            lines=len(lines),
            below_waterline=sum(line.below_waterline for line in lines),
            digest=codec.digest(*lines),
        )
    )
    payload = {"month": made.id, "below_waterline": made.below_waterline}
    world.outbox(Message(topic="resource_list_made", subject=made.id, payload=payload, at=at))


def _lines(world: World, month: Month, at: datetime) -> list[ResourceListLine]:
    rules = pool_rules(world, at)
    pools = {
        pool.id: pool
        for pool in world.find(ResourcePool)
        if pool.state not in (PoolState.REGISTERED, PoolState.RETIRED)
    }
    return [
        list_line(
            str(month),
            pools[inventory.pool_id],
            inventory,
            rules.waterline_percent(inventory.resource_class),
        )
        for inventory in world.find(Inventory)
        if inventory.pool_id in pools
    ]


def lines_to_see(
    world: World, actor: Actor, list_id: str
) -> tuple[ResourceList, tuple[ResourceListLine, ...]]:
    """A list with those of its lines that the actor may see: city offices all, a provider its
    own; raises `not_found` for everybody else."""
    scope: Any = visible(world, actor, ResourceListLine)
    found = world.seek(ResourceList, list_id)
    if scope is None or found is None:
        raise not_found("ResourceList", list_id)
    return found, world.find(ResourceListLine, list_id=list_id, **scope)
