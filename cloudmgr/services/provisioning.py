"""From the approved request to its acceptance: work orders, delivery, confirmation, reclamation.

Owns who does what and by when, and what silence does; what a confirmed delivery changes is
`deliveries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from cloudmgr.domain import allocations
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.approvals import Approval, ChainStep, pending_step, steps_of
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction, WorkOrderState
from cloudmgr.services import timers
from cloudmgr.services.allocations_admission import require_unprotected
from cloudmgr.services.allocations_papers import take_papers
from cloudmgr.services.applications import migration_begins
from cloudmgr.services.binding import unbind
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.contracts import require_contracts, take_over
from cloudmgr.services.deliveries import post_delivery, release_all
from cloudmgr.services.policies import policy_now, region_of
from cloudmgr.services.pools_orders import (
    as_the_pool_told,
    order_from_pool,
    require_by_hand,
    take_back,
)
from cloudmgr.services.world import Message, World, next_id

_ACTIONS = {
    RequestKind.CHANGE: WorkOrderAction.RESIZE,
    RequestKind.RENEW: WorkOrderAction.RENEW,
    RequestKind.RELEASE: WorkOrderAction.RELEASE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptWorkOrder(Command):
    """The provider takes a work order on."""

    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteWorkOrder(Command):
    """The provider closes a work order with its delivery list, one entry per line."""

    work_order_id: str
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseWorkOrder(Command):
    """The provider cannot do it; the request has failed and is held for a retry."""

    work_order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDelivery(Command):
    """The department accepts what was delivered, or sends it back with a reason."""

    request_id: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptTrial(Command):
    """The department ends a trial early; billing starts today."""

    allocation_id: str


def dispatch(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """Order from every pool what it has not delivered, for a request that just became
    `provisioning`: at first all of it, at a retry what was refused. Raises `not_covered` when a
    contract has ended since the approval."""
    require_contracts(world, request, now)
    require_unprotected(world, request, now)
    migration_begins(world, request, now)
    orders = world.find(WorkOrder, request_id=request.id)
    latest = {order.pool_id: order for order in orders}
    wanted = {}
    for pool_id in _pools(request):
        last = latest.get(pool_id)
        if last is None:
            wanted[pool_id] = _ACTIONS.get(request.kind, WorkOrderAction.PROVISION)
        elif last.state is WorkOrderState.REFUSED:
            wanted[pool_id] = last.action
    return _ordered(world, request, wanted, now)


def reclaim(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """A ratification was refused: order the release of what the emergency got."""
    return _ordered(world, request, dict.fromkeys(_pools(request), WorkOrderAction.RELEASE), now)


@handles(Role.PROVIDER)
def accept_work_order(
    world: World, command: AcceptWorkOrder, actor: Actor, now: datetime
) -> WorkOrder:
    order = _own_order(world, command.work_order_id, actor)
    return world.put(advance(order, WorkOrderState.ACCEPTED, accepted_at=now))


@handles(Role.PROVIDER)
def complete_work_order(
    world: World, command: CompleteWorkOrder, actor: Actor, now: datetime
) -> WorkOrder:
    order = _own_order(world, command.work_order_id, actor)
    named = {delivery.line for delivery in command.deliveries}
    if named != set(order.lines) or len(command.deliveries) != len(named):
        raise bad_value("deliveries", f"the delivery list must name lines {list(order.lines)} once")
    deliveries = as_the_pool_told(world, order, command.deliveries)
    done = world.put(advance(order, WorkOrderState.DONE, done_at=now, deliveries=deliveries))
    request = world.get(ResourceRequest, order.request_id)
    take_papers(world, order, request, deliveries, actor, now)
    if request.state is RequestState.PROVISIONING:
        require_contracts(world, request, now)
        _mark_delivered(world, request, deliveries, now)
    if not _unfinished(world, request.id):
        _all_done(world, request, now)
    return done


@handles(Role.PROVIDER)
def refuse_work_order(
    world: World, command: RefuseWorkOrder, actor: Actor, now: datetime
) -> WorkOrder:
    order = _own_order(world, command.work_order_id, actor)
    order.LIFECYCLE.require(order.id, order.state, WorkOrderState.REFUSED)
    if not command.reason.strip():
        raise bad_value("reason", "say why it cannot be done, so that it can be done next time")
    request = world.get(ResourceRequest, order.request_id)
    due = add_workdays(now, policy_now(world, now).clocks.failed_hold_workdays)
    world.put(advance(request, RequestState.FAILED, outcome=command.reason, due_at=due))
    timers.schedule(world, "request_failed_hold", request.id, due)
    for other in _unfinished(world, request.id):
        why = command.reason if other.id == order.id else f"{order.id} of the request was refused"
        world.put(advance(other, WorkOrderState.REFUSED, refusal=why, done_at=now))
    return world.get(WorkOrder, order.id)


@handles(Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
def confirm_delivery(
    world: World, command: ConfirmDelivery, actor: Actor, now: datetime
) -> ResourceRequest:
    request = world.get(ResourceRequest, command.request_id)
    require_in(
        actor,
        request.department_id,
        "ResourceRequest",
        request.id,
        Role.DEPARTMENT_USER,
        Role.DEPARTMENT_LEAD,
    )
    if command.accepted:
        return settle_delivery(world, request, now, deemed=False)
    if not command.reason.strip():
        raise bad_value("reason", "say what is wrong with the delivery")
    moved = advance_from(
        request,
        (RequestState.AWAITING_CONFIRMATION,),
        RequestState.PROVISIONING,
        reworks=request.reworks + 1,
        outcome=command.reason,
        delivered_at=None,
    )
    _stop_waiting(world, request.id)
    return _ordered(world, moved, dict.fromkeys(_pools(moved), WorkOrderAction.REWORK), now)


@handles(Role.DEPARTMENT_USER)
def accept_trial(world: World, command: AcceptTrial, actor: Actor, now: datetime) -> Allocation:
    allocation = world.get(Allocation, command.allocation_id)
    require_in(actor, allocation.department_id, "Allocation", allocation.id, Role.DEPARTMENT_USER)
    timers.cancel(world, "trial_end", allocation.id)
    return world.put(allocations.end_trial(allocation, now))


@timers.on_timer("delivery_reminder")
def remind_of_delivery(world: World, timer: Timer, at: datetime) -> None:
    world.outbox(Message(topic="delivery_reminder", subject=timer.subject_id, payload={}, at=at))


@timers.on_timer("delivery_deemed")
def deem_delivery(world: World, timer: Timer, at: datetime) -> None:
    """Silence does not block: unanswered counts as confirmed and is marked so. It confirms nothing
    that no contract covers any more; then people are told and decide."""
    request = world.get(ResourceRequest, timer.subject_id)
    try:
        require_contracts(world, request, at)
    except CloudmgrError as error:
        if error.code != "not_covered":
            raise
        payload = {"request_id": request.id, "department_id": request.department_id}
        world.outbox(
            Message(topic="delivery_uncovered", subject=request.id, payload=payload, at=at)
        )
        return
    settle_delivery(world, request, at, deemed=True)


@timers.on_timer("request_failed_hold")
def cancel_failed(world: World, timer: Timer, at: datetime) -> None:
    """A failed request kept its reservation long enough."""
    request = world.get(ResourceRequest, timer.subject_id)
    unbind(world, request, at)
    take_back(world, request, at)
    world.put(advance(request, RequestState.CANCELLED, ended_at=at, due_at=None))


def settle_delivery(
    world: World, request: ResourceRequest, now: datetime, *, deemed: bool
) -> ResourceRequest:
    """Accepted, or deemed so: post every line; an emergency goes on to its ratification."""
    emergency = request.kind is RequestKind.EMERGENCY
    to = RequestState.RATIFYING if emergency else RequestState.COMPLETED
    moved = advance_from(request, (RequestState.AWAITING_CONFIRMATION,), to, deemed=deemed)
    take_over(world, request, now)
    _stop_waiting(world, request.id)
    post_delivery(world, request, now)
    if not emergency:
        return world.put(replace(moved, ended_at=now, due_at=None))
    due = add_workdays(now, policy_now(world, now).clocks.ratification_workdays)
    timers.schedule(world, "request_overdue", request.id, due)
    step = _ratifying_step(world, request, now)
    return world.put(
        replace(moved, due_at=due, awaiting_step=step.id, awaiting_role=str(step.role))
    )


def _ratifying_step(world: World, request: ResourceRequest, now: datetime) -> ChainStep:
    """The first signature an emergency gets afterwards."""
    level = region_of(world, request.department_id).level
    steps = steps_of(policy_now(world, now).chain, request, level)
    signed = world.find(Approval, request_id=request.id)
    step = pending_step(steps, signed, request.round)
    if step is None:
        raise bad_value("chain", "the approval chain has no step that ratifies an emergency")
    return step


def _pools(request: ResourceRequest) -> tuple[str, ...]:
    return tuple(sorted({line.pool_id for line in request.lines if line.pool_id}))


def _ordered(
    world: World,
    request: ResourceRequest,
    wanted: Mapping[str, WorkOrderAction],
    now: datetime,
) -> ResourceRequest:
    """Open one work order per pool, due by the provisioning clock."""
    due = add_workdays(now, policy_now(world, now).clocks.provisioning_workdays)
    for pool_id, action in wanted.items():
        order = WorkOrder(
            id=next_id(world, "WO"),
            request_id=request.id,
            pool_id=pool_id,
            provider_id=world.get(ResourcePool, pool_id).provider_id,
            action=action,
            lines=tuple(line.line for line in request.lines if line.pool_id == pool_id),
            opened_at=now,
            due_at=due,
        )
        order_from_pool(world, request, world.put(order), now)
    return world.put(replace(request, due_at=due))


def _unfinished(world: World, request_id: str) -> tuple[WorkOrder, ...]:
    states = (WorkOrderState.OPEN, WorkOrderState.ACCEPTED)
    return world.find(WorkOrder, request_id=request_id, state=states)


def _own_order(world: World, id: str, actor: Actor) -> WorkOrder:
    order = world.get(WorkOrder, id)
    require_in(actor, order.provider_id, "WorkOrder", id, Role.PROVIDER)
    require_by_hand(world, order, actor)
    return order


def _mark_delivered(
    world: World, request: ResourceRequest, deliveries: tuple[Delivery, ...], now: datetime
) -> None:
    """Readings may come from the delivery on, before the department has confirmed it."""
    if not (request.kind.creates or request.kind is RequestKind.RELOCATE):
        return
    lines = {line.line: line for line in request.lines}
    for delivery in deliveries:
        target = lines[delivery.line].allocation_id
        assert target is not None
        world.put(
            replace(
                world.get(Allocation, target),
                delivered_at=now,
                provider_resource_id=delivery.provider_resource_id,
            )
        )


def _all_done(world: World, request: ResourceRequest, now: datetime) -> None:
    if request.state is RequestState.RECLAIMING:
        release_all(world, request, now)
        world.put(advance(request, RequestState.CANCELLED, ended_at=now, due_at=None))
        return
    if request.state is not RequestState.PROVISIONING:
        return
    clocks = policy_now(world, now).clocks
    for index, days in enumerate(clocks.reminder_workdays):
        due = add_workdays(now, days)
        timers.schedule(world, "delivery_reminder", request.id, due, note=str(index))
    deemed = add_workdays(now, clocks.silence_workdays)
    timers.schedule(world, "delivery_deemed", request.id, deemed)
    world.put(advance(request, RequestState.AWAITING_CONFIRMATION, delivered_at=now, due_at=deemed))


def _stop_waiting(world: World, request_id: str) -> None:
    """Somebody answered: no reminders, no silence to be counted."""
    timers.cancel(world, "delivery_reminder", request_id)
    timers.cancel(world, "delivery_deemed", request_id)
