"""Orders to pools at scheduling level: one per line of a work order, written in the transaction
that opens it, and taken back when the request ends otherwise.

Owns which lines are ordered and under which key. What becomes of an order is
`pools_orders_results`; sending it is `cloudmgr.pools.sender`. Renewals and reworks are not in the
pool interface: a renewal changes nothing in the pool, a rework is for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from catalog.quantity import ResourceAmount, scaled, summed
from cloudmgr.domain.access import SYSTEM, Actor
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import pool_order_under_way
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.pools_connection import PoolConnection, ordered_from
from cloudmgr.domain.pools_interface import OrderAction
from cloudmgr.domain.pools_orders import (
    OPEN,
    PoolOrder,
    PoolOrderState,
    move_to,
    order_key,
    standing,
)
from cloudmgr.domain.requests import RequestLine, ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction
from cloudmgr.services.outbox import owed
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.world import Message, World

POOL_ORDER = owed("pool_order")
"""Subject: the id of a `PoolOrder`."""
RENEWED = owed("work_order_renewed")
"""Subject: the id of a work order that a pool need not hear of."""

_ACTIONS = {
    WorkOrderAction.PROVISION: OrderAction.PROVISION,
    WorkOrderAction.RESIZE: OrderAction.RESIZE,
    WorkOrderAction.RELEASE: OrderAction.RELEASE,
}


def order_from_pool(
    world: World, request: ResourceRequest, work_order: WorkOrder, now: datetime
) -> None:
    """Order the lines of a new work order from a pool that takes orders; else people do it.

    Lines that take nothing of the pool (a set-up, traffic) stay with people too.
    """
    connection = _connection(world, work_order.pool_id)
    if connection is None:
        return
    if work_order.action is WorkOrderAction.RENEW:
        _say(world, RENEWED, work_order.id, now)
        return
    action = _ACTIONS.get(work_order.action)
    if action is None:
        return
    earlier = world.find(PoolOrder, request_id=request.id, pool_id=work_order.pool_id)
    for line in request.lines:
        if line.line not in work_order.lines:
            continue
        assert line.allocation_id is not None, f"{request.id} was never bound"
        allocation = world.get(Allocation, line.allocation_id)
        known = standing((each for each in earlier if each.line == line.line), action)
        if known is not None:  # a retry: what was done, or may have been, is not ordered again
            world.put(move_to(known, work_order.id))
            _say(world, POOL_ORDER, known.id, now)
            continue
        amounts = _amounts(world, allocation, line, action, now)
        if amounts:
            fresh = _order(world, connection, request.id, line.line, allocation, action, now)
            sized = replace(
                fresh,
                work_order_id=work_order.id,
                sku_id=line.sku_id,
                quantity=line.quantity,
                amounts=amounts,
            )
            _queue(world, sized, now)


def release_from_pool(
    world: World, request: ResourceRequest, line: int, allocation: Allocation, now: datetime
) -> None:
    """What was relocated away is released where it ran, if that pool takes orders."""
    connection = _connection(world, allocation.pool_id)
    if connection is not None and allocation.provider_resource_id:
        action = OrderAction.RELEASE
        _queue(world, _order(world, connection, request.id, line, allocation, action, now), now)


def resize_in_pool(world: World, allocation: Allocation, now: datetime) -> None:
    """What was scaled inside its bounds is resized where it runs, if that pool takes orders. No
    request stands behind it: the order is the allocation's own."""
    connection = _connection(world, allocation.pool_id)
    if connection is not None and allocation.provider_resource_id:
        action = OrderAction.RESIZE
        _queue(world, _order(world, connection, allocation.id, 1, allocation, action, now), now)


def take_back(world: World, request: ResourceRequest, now: datetime) -> None:
    """The request has ended without its delivery: nothing it ordered may stay behind.

    What was made is released, what was resized gets its size back, and what may still be made is
    followed to its end and taken back then. What was released is gone; drift tells of it.
    """
    for order in world.find(PoolOrder, request_id=request.id, unwanted=False):
        if order.state is PoolOrderState.REFUSED or not order.work_order_id:
            continue
        if order.action is OrderAction.RELEASE:
            continue
        undo(world, world.put(replace(order, unwanted=True)), now)


def undo(world: World, order: PoolOrder, now: datetime) -> None:
    """Order the contrary of an unwanted order that was done; nothing for any other."""
    connection = _connection(world, order.pool_id)
    done = order.unwanted and order.state is PoolOrderState.SUCCEEDED
    if not done or connection is None:
        return
    allocation = world.get(Allocation, order.allocation_id)
    contrary = OrderAction.RELEASE if order.action is OrderAction.PROVISION else OrderAction.RESIZE
    fresh = _order(world, connection, order.request_id, order.line, allocation, contrary, now)
    _queue(world, replace(fresh, resource_id=order.resource_id), now)


def require_by_hand(world: World, work_order: WorkOrder, actor: Actor) -> None:
    """Raise `pool_order_under_way` for a person who would close what the pool's answer closes."""
    if actor is SYSTEM:
        return
    waiting = world.find(PoolOrder, work_order_id=work_order.id, state=OPEN)
    if waiting:
        raise pool_order_under_way(work_order.id, [each.id for each in waiting])


def as_the_pool_told(
    world: World, work_order: WorkOrder, deliveries: Iterable[Delivery]
) -> tuple[Delivery, ...]:
    """A delivery list in which the lines that were ordered carry the pool's own resource ids."""
    ordered = world.find(PoolOrder, work_order_id=work_order.id, state=PoolOrderState.SUCCEEDED)
    told = {each.line: each.resource_id for each in ordered}
    return tuple(
        replace(each, provider_resource_id=told.get(each.line, each.provider_resource_id))
        for each in deliveries
    )


def _connection(world: World, pool_id: str) -> PoolConnection | None:
    connection = world.seek(PoolConnection, pool_id)
    return connection if ordered_from(world.get(ResourcePool, pool_id), connection) else None


def _amounts(
    world: World, allocation: Allocation, line: RequestLine, action: OrderAction, now: datetime
) -> tuple[ResourceAmount, ...]:
    """The whole size that is ordered; a release names what is there now."""
    if action is OrderAction.RELEASE:
        return summed(allocation.resources)
    return summed(scaled(sku_at(world, line.sku_id, now).resources, line.quantity))


def _order(
    world: World,
    connection: PoolConnection,
    request_id: str,
    line: int,
    allocation: Allocation,
    action: OrderAction,
    now: datetime,
) -> PoolOrder:
    """The next order of an action for a line, in the allocation's size, under a key of its own."""
    earlier = world.find(PoolOrder, request_id=request_id)
    number = 1 + sum((each.line, each.action) == (line, action) for each in earlier)
    return PoolOrder(
        id=order_key(connection.key_prefix, request_id, line, action, number),
        pool_id=connection.pool_id,
        provider_id=connection.provider_id,
        request_id=request_id,
        line=line,
        work_order_id="",
        allocation_id=allocation.id,
        action=action,
        sku_id=allocation.sku_id,
        quantity=allocation.quantity,
        amounts=summed(allocation.resources),
        zone=world.get(Application, allocation.application_id).zone,
        created_at=now,
        resource_id=allocation.provider_resource_id,
    )


def _queue(world: World, order: PoolOrder, now: datetime) -> None:
    world.put(order)
    _say(world, POOL_ORDER, order.id, now)


def _say(world: World, topic: str, subject: str, now: datetime) -> None:
    world.outbox(Message(topic=topic, subject=subject, payload={}, at=now))
