"""Sends orders to pools: one message of the outbox is one order, followed to its end.

Owns the steps and what an answer is taken for. The attempt is marked begun in a commit of its own
before anything is sent; from then on every attempt, by whichever worker, begins by asking the pool
what became of the key. An order counts as done when the pool says so *and* shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx

from catalog.quantity import summed
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.pools_interface import (
    UNKNOWN_RESOURCE_CODE,
    OperationStatus,
    OrderAction,
    PoolOperation,
    ProvisionOrder,
    ResizeOrder,
)
from cloudmgr.domain.pools_orders import PoolOrder
from cloudmgr.pools.client import PoolClient
from cloudmgr.pools.errors import PoolAnswerUnknown, PoolError, PoolRefused
from cloudmgr.pools.outside import Limits, Pools
from cloudmgr.services.leases import Held
from cloudmgr.services.outbox import Later, sends
from cloudmgr.services.pools_orders import POOL_ORDER
from cloudmgr.services.pools_orders_results import (
    Hold,
    Task,
    follow_up,
    record_done,
    record_doubt,
    record_refusal,
    start,
)
from cloudmgr.services.world import World

_REFUSES_THE_ORDER = (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY)
"""A pool that says 401 or 404 has not looked at the order; people mend that, and it is held."""
_ASK_EVERY_SECONDS = 0.2


class _Contradicted(Exception):
    """The pool says that it is done and does not show it."""


@sends(POOL_ORDER, name="pool", patient=True)
def send_order(held: Held[OutboxMessage], pools: Pools) -> Later | None:
    """One attempt; whatever is not known at its end is asked for again later."""
    id = held.record.subject
    with held.transaction() as world:
        task = start(world, id, held.shop.now(world))
    if isinstance(task, Hold):
        return Later(pools.limits.longest_poll_seconds, task.why)
    if task is not None and (put_off := _attempt(held, pools, task)) is not None:
        return put_off
    with held.transaction() as world:
        follow_up(world, id, held.shop.now(world))
    return None


def _attempt(held: Held[OutboxMessage], pools: Pools, task: Task) -> Later | None:
    """Send or ask, and write down what became of it. An unknown end is written down and raised,
    so that the rest until the next attempt grows."""
    try:
        with pools.client(task.connection) as client:
            operation = _ordered(client, task)
            operation = _waited_for(client, operation, pools.limits)
            record = _ending(client, task.order, operation)
    except PoolRefused as error:
        if error.details["pool_status"] not in _REFUSES_THE_ORDER:
            _doubt(held, task.order, error.message)
            raise
        record = partial(_refused, why=error.message)
    except PoolError as error:
        _doubt(held, task.order, error.message)
        raise
    except _Contradicted as error:
        _doubt(held, task.order, str(error))
        return Later(pools.limits.longest_poll_seconds, str(error))
    if record is None:
        return _asked_again(held, pools.limits)
    with held.transaction() as world:
        record(world, task.order, held)
    return None


def _ordered(client: PoolClient, task: Task) -> PoolOperation:
    order, before = task.order, task.sent_before
    if order.action is OrderAction.PROVISION:
        body = ProvisionOrder(
            reference=order.allocation_id,
            sku_id=order.sku_id,
            quantity=order.quantity,
            amounts=order.amounts,
            zone=order.zone,
        )
        return client.provision(order.id, body, sent_before=before)
    if order.action is OrderAction.RESIZE:
        size = ResizeOrder(sku_id=order.sku_id, quantity=order.quantity, amounts=order.amounts)
        return client.resize(order.id, order.resource_id, size, sent_before=before)
    return client.release(order.id, order.resource_id, sent_before=before)


def _waited_for(client: PoolClient, operation: PoolOperation, limits: Limits) -> PoolOperation:
    """The end of the operation, if it comes soon; else the operation as it stands."""
    if operation.status.final:
        return operation
    try:
        return client.settled(
            operation.key,
            within_seconds=limits.wait_seconds,
            every_seconds=_ASK_EVERY_SECONDS,
        )
    except PoolAnswerUnknown:
        return operation


Record = Callable[[World, PoolOrder, Held[OutboxMessage]], None]


def _ending(client: PoolClient, order: PoolOrder, operation: PoolOperation) -> Record | None:
    """How to write down the end; None while there is none. Raises `_Contradicted`."""
    if not operation.status.final:
        return None
    gone = operation.code == UNKNOWN_RESOURCE_CODE and order.action is OrderAction.RELEASE
    if operation.status is OperationStatus.FAILED and not gone:
        return partial(_refused, why=f"{operation.code}: {operation.detail}")
    resource_id = operation.resource_id or order.resource_id
    if why := _contradiction(client, order, resource_id):
        raise _Contradicted(f"the pool reports {operation.id} as {operation.status}, but {why}")
    return partial(_done, resource_id=resource_id)


def _contradiction(client: PoolClient, order: PoolOrder, resource_id: str) -> str:
    """What the pool shows instead of what it says that it did; empty when it shows it."""
    if not resource_id:
        return "it names no resource"
    shown = client.resource(resource_id)
    if order.action is OrderAction.RELEASE:
        return "" if shown is None else f"it still shows {resource_id}"
    if shown is None:
        return f"it does not show {resource_id}"
    if shown.reference != order.allocation_id:
        return f"{resource_id} carries the reference {shown.reference!r}"
    if summed(shown.amounts) != summed(order.amounts):
        return f"{resource_id} has another size than was ordered"
    return ""


def _done(world: World, order: PoolOrder, held: Held[OutboxMessage], *, resource_id: str) -> None:
    record_done(world, order.id, resource_id, held.shop.now(world))


def _refused(world: World, order: PoolOrder, held: Held[OutboxMessage], *, why: str) -> None:
    record_refusal(world, order.id, why, held.shop.now(world))


def _doubt(held: Held[OutboxMessage], order: PoolOrder, why: str) -> None:
    with held.transaction() as world:
        record_doubt(world, order.id, why)


def _asked_again(held: Held[OutboxMessage], limits: Limits) -> Later:
    """A pool that takes its time is asked less and less often."""
    seconds = limits.poll_seconds * 2 ** min(held.record.attempts - 1, 10)
    return Later(min(seconds, limits.longest_poll_seconds), "the pool works on it")
