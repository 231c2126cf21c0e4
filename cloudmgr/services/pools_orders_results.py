"""What became of an order to a pool: begun, done, refused or not known, and what follows for the
work order it answers.

Each function is one step inside a worker's own transaction. Nothing is taken for a yes or a no
that the pool has not said: an order without an end keeps its request in `provisioning` and holds
what it holds. A refusal reaches the work order only when every order of the request has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.errors import bad_value, pool_order_ended
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.pools_connection import PoolConnection
from cloudmgr.domain.pools_interface import OrderAction
from cloudmgr.domain.pools_orders import OPEN, PoolOrder, PoolOrderState, begin, refuse, succeed
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction, WorkOrderState
from cloudmgr.services.allocations_papers import papers_wanted
from cloudmgr.services.commands import Command, handles, perform, require_city_office
from cloudmgr.services.outbox import receives
from cloudmgr.services.pools_orders import POOL_ORDER, RENEWED, undo
from cloudmgr.services.provisioning import AcceptWorkOrder, CompleteWorkOrder, RefuseWorkOrder
from cloudmgr.services.world import Message, World

_WAITING = (WorkOrderState.OPEN, WorkOrderState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Task:
    """An order to be sent, or asked for; `sent_before` when an earlier attempt may have arrived."""

    order: PoolOrder
    connection: PoolConnection
    sent_before: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """An order that cannot be sent now, and why."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidePoolOrder(Command):
    """Say what became of an order whose pool does not tell, as read in the pool's own console:
    `done` with the resource it made, or not done and never to be done."""

    pool_order_id: str
    done: bool
    reason: str
    resource_id: str = ""


@handles(Role.TECHNICAL_REVIEWER)
def decide_pool_order(
    world: World, command: DecidePoolOrder, actor: Actor, now: datetime
) -> PoolOrder:
    order = _locked(world, command.pool_order_id)
    require_city_office(actor, "PoolOrder", order.id, Role.TECHNICAL_REVIEWER)
    if not order.open:
        raise pool_order_ended(order.id, order.state)
    if not command.reason.strip():
        raise bad_value("reason", "say where you have seen it")
    if command.done and order.action is OrderAction.PROVISION and not command.resource_id:
        raise bad_value("resource_id", "name the resource that the pool made")
    order = world.put(replace(order, decided_by=actor.user_id))
    if command.done:
        record_done(world, order.id, command.resource_id or order.resource_id, now)
    else:
        record_refusal(world, order.id, command.reason, now)
    world.outbox(Message(topic=POOL_ORDER, subject=order.id, payload={}, at=now))
    return world.get(PoolOrder, order.id)


def start(world: World, order_id: str, now: datetime) -> Task | Hold | None:
    """Mark an attempt begun, before anything is sent; None when nothing is left to send."""
    order = _locked(world, order_id)
    if not order.open:
        return None
    if order.unwanted and order.state is PoolOrderState.QUEUED:
        world.put(refuse(order, "it is not wanted any more and was never sent", now))
        return None
    connection = world.seek(PoolConnection, order.pool_id)
    if connection is None or connection.paused:
        return Hold(f"{order.pool_id} is sent nothing now; its connection is paused")
    if order.action is not OrderAction.PROVISION and not order.resource_id:
        record_refusal(world, order.id, f"no resource of {order.allocation_id} is known there", now)
        return None
    sent_before = order.state is PoolOrderState.SENT
    if not sent_before:
        order = world.put(begin(order, now))
        _accept(world, order, now)
    return Task(order, connection, sent_before)


def record_done(world: World, order_id: str, resource_id: str, now: datetime) -> None:
    """The pool did it, and shows it."""
    order = _locked(world, order_id)
    if order.open:
        undo(world, world.put(succeed(order, resource_id, now)), now)


def record_refusal(world: World, order_id: str, why: str, now: datetime) -> None:
    """It was not done and will not be."""
    order = _locked(world, order_id)
    if order.open:
        world.put(refuse(order, why, now))


def record_doubt(world: World, order_id: str, why: str) -> None:
    """Its end is not known; everything is held."""
    order = _locked(world, order_id)
    if order.open and order.problem != why:
        world.put(replace(order, problem=why))


def follow_up(world: World, order_id: str, now: datetime) -> None:
    """Close what the request's orders have answered: work orders whose lines are all done, or,
    once no order is open any more, the one that was refused (and with it the request fails).

    A transaction of its own: what the pool did stays written down when this is refused (because
    the contract has ended, say) and is tried again.
    """
    order = _locked(world, order_id)
    waiting = [
        each
        for each in world.find(WorkOrder, request_id=order.request_id, state=_WAITING)
        if world.find(PoolOrder, work_order_id=each.id, limit=1)
    ]
    for work_order in waiting:
        answers = world.find(PoolOrder, work_order_id=work_order.id)
        done = {each.line for each in answers if each.state is PoolOrderState.SUCCEEDED}
        if done == set(work_order.lines):
            _complete(world, work_order, answers, now)
    if world.find(PoolOrder, request_id=order.request_id, state=OPEN, limit=1):
        return
    for work_order in waiting:
        answers = world.find(PoolOrder, work_order_id=work_order.id, state=PoolOrderState.REFUSED)
        if answers:
            reason = "; ".join(f"line {each.line}: {each.problem}" for each in answers)
            perform(world, RefuseWorkOrder(work_order_id=work_order.id, reason=reason), SYSTEM, now)
            return  # the others of the request were refused with it


@receives(RENEWED, name="renewal")
def close_renewal(world: World, message: OutboxMessage, now: datetime) -> None:
    """A renewal changes nothing in the pool: its work order is done as soon as it is opened."""
    work_order = world.get(WorkOrder, message.subject)
    if work_order.state not in _WAITING or work_order.action is not WorkOrderAction.RENEW:
        return
    if work_order.state is WorkOrderState.OPEN:
        perform(world, AcceptWorkOrder(work_order_id=work_order.id), SYSTEM, now)
    deliveries = tuple(Delivery(line, "") for line in work_order.lines)
    done = CompleteWorkOrder(work_order_id=work_order.id, deliveries=deliveries)
    perform(world, done, SYSTEM, now)


def _locked(world: World, order_id: str) -> PoolOrder:
    """The order, with its request's turn taken: lines that end at once see each other's end."""
    order = world.get(PoolOrder, order_id)
    world.lock((PoolOrder, order_id), (ResourceRequest, order.request_id))
    return world.get(PoolOrder, order_id)


def _accept(world: World, order: PoolOrder, now: datetime) -> None:
    work_order = world.seek(WorkOrder, order.work_order_id) if order.work_order_id else None
    if work_order is not None and work_order.state is WorkOrderState.OPEN:
        perform(world, AcceptWorkOrder(work_order_id=work_order.id), SYSTEM, now)


def _complete(
    world: World, work_order: WorkOrder, answers: tuple[PoolOrder, ...], now: datetime
) -> None:
    if work_order.state is WorkOrderState.OPEN:  # a retry whose lines were all done before
        perform(world, AcceptWorkOrder(work_order_id=work_order.id), SYSTEM, now)
    if papers_wanted(world, work_order, now):  # a machine certifies no erasure
        payload = {"work_order_id": work_order.id, "provider_id": work_order.provider_id}
        topic = "release_papers_wanted"
        world.outbox(Message(topic=topic, subject=work_order.id, payload=payload, at=now))
        return
    deliveries = tuple(
        Delivery(each.line, each.resource_id) for each in sorted(answers, key=lambda a: a.line)
    )
    done = CompleteWorkOrder(work_order_id=work_order.id, deliveries=deliveries)
    perform(world, done, SYSTEM, now)
