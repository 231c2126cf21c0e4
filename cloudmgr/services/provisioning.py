"""From the approved request to what runs: work orders, delivery, confirmation, reclamation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catalog.period import local_day, midnight, utc
from catalog.quantity import scaled
from cloudmgr.domain import allocations, capacity, quota
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation, Reservation, ReservationState
from cloudmgr.domain.approvals import Approval, ChainStep, pending_step, steps_of
from cloudmgr.domain.contracts import BillingStart, Contract
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction, WorkOrderState
from cloudmgr.services import timers
from cloudmgr.services.binding import (
    lock_pools_and_quotas,
    post_reservation,
    step_pool,
    step_quota,
    unbind,
)
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.commitments import release_from
from cloudmgr.services.placements import increase
from cloudmgr.services.policies import policy_now, region_of
from cloudmgr.services.pricing import sku_at
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
    """Open one work order per pool for a request that just became `provisioning`."""
    clocks = policy_now(world, now).clocks
    due = add_workdays(now, clocks.provisioning_workdays)
    action = _ACTIONS.get(request.kind, WorkOrderAction.PROVISION)
    done = world.find(WorkOrder, request_id=request.id, state=WorkOrderState.DONE)
    _open_orders(world, request, action, due, now, but={order.pool_id for order in done})
    return world.put(replace(request, due_at=due))


def reclaim(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """A ratification was refused: order the release of what the emergency got."""
    clocks = policy_now(world, now).clocks
    due = add_workdays(now, clocks.provisioning_workdays)
    _open_orders(world, request, WorkOrderAction.RELEASE, due, now)
    return world.put(replace(request, due_at=due))


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
    done = world.put(
        advance(order, WorkOrderState.DONE, done_at=now, deliveries=command.deliveries)
    )
    request = world.get(ResourceRequest, order.request_id)
    if request.state is RequestState.PROVISIONING:
        _mark_delivered(world, request, command.deliveries, now)
    if not _unfinished(world, request.id):
        _all_done(world, request, now)
    return done


@handles(Role.PROVIDER)
def refuse_work_order(
    world: World, command: RefuseWorkOrder, actor: Actor, now: datetime
) -> WorkOrder:
    order = _own_order(world, command.work_order_id, actor)
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
    moved = advance(
        request,
        RequestState.PROVISIONING,
        reworks=request.reworks + 1,
        outcome=command.reason,
        delivered_at=None,
    )
    _cancel_silence(world, request.id, now)
    due = add_workdays(now, policy_now(world, now).clocks.provisioning_workdays)
    _open_orders(world, moved, WorkOrderAction.REWORK, due, now)
    return world.put(replace(moved, due_at=due))


@handles(Role.DEPARTMENT_USER)
def accept_trial(world: World, command: AcceptTrial, actor: Actor, now: datetime) -> Allocation:
    allocation = world.get(Allocation, command.allocation_id)
    require_in(actor, allocation.department_id, "Allocation", allocation.id, Role.DEPARTMENT_USER)
    timers.cancel(world, "trial_end", allocation.id)
    return world.put(allocations.end_trial(allocation, now))


@timers.on_timer("trial_end")
def trial_ends(world: World, timer: Timer, at: datetime) -> None:
    """A trial ends by itself after its days."""
    world.put(allocations.end_trial(world.get(Allocation, timer.subject_id), at))


@timers.on_timer("delivery_reminder")
def remind_of_delivery(world: World, timer: Timer, at: datetime) -> None:
    world.outbox(Message(topic="delivery_reminder", subject=timer.subject_id, payload={}, at=at))


@timers.on_timer("delivery_deemed")
def deem_delivery(world: World, timer: Timer, at: datetime) -> None:
    """Silence does not block: unanswered counts as confirmed and is marked so."""
    settle_delivery(world, world.get(ResourceRequest, timer.subject_id), at, deemed=True)


@timers.on_timer("request_failed_hold")
def cancel_failed(world: World, timer: Timer, at: datetime) -> None:
    """A failed request kept its reservation long enough."""
    request = world.get(ResourceRequest, timer.subject_id)
    unbind(world, request)
    world.put(advance(request, RequestState.CANCELLED, ended_at=at))


def settle_delivery(
    world: World, request: ResourceRequest, now: datetime, *, deemed: bool
) -> ResourceRequest:
    """Accepted, or deemed so: post every line; an emergency goes on to its ratification."""
    emergency = request.kind is RequestKind.EMERGENCY
    to = RequestState.RATIFYING if emergency else RequestState.COMPLETED
    request.LIFECYCLE.require(request.id, request.state, to)
    _cancel_silence(world, request.id, now)
    lock_pools_and_quotas(world, request)
    held = {r.line: r for r in world.find(Reservation, request_id=request.id)}
    for line in request.lines:
        reservation = held.get(line.line)
        if reservation is not None and reservation.state is ReservationState.HELD:
            post_reservation(world, reservation)
        _POST[request.kind](world, request, line, now)
    if emergency:
        due = add_workdays(now, policy_now(world, now).clocks.ratification_workdays)
        timers.schedule(world, "request_overdue", request.id, due)
        step = _ratifying_step(world, request, now)
        return world.put(
            advance(
                request,
                to,
                deemed=deemed,
                due_at=due,
                awaiting_step=step.id,
                awaiting_role=str(step.role),
            )
        )
    return complete(world, request, now, deemed=deemed)


def _ratifying_step(world: World, request: ResourceRequest, now: datetime) -> ChainStep:
    """The first signature an emergency gets afterwards."""
    level = region_of(world, request.department_id).level
    steps = steps_of(policy_now(world, now).chain, request, level)
    signed = world.find(Approval, request_id=request.id)
    step = pending_step(steps, signed, request.round)
    if step is None:
        raise bad_value("chain", "the approval chain has no step that ratifies an emergency")
    return step


def complete(
    world: World, request: ResourceRequest, now: datetime, *, deemed: bool
) -> ResourceRequest:
    return world.put(
        advance(request, RequestState.COMPLETED, ended_at=now, deemed=deemed, due_at=None)
    )


def release_allocation(
    world: World, allocation: Allocation, billing_end: datetime, *, keep_quota: bool = False
) -> None:
    """End an allocation: capacity and quota free, readings after `billing_end` count no more."""
    timers.cancel(world, "trial_end", allocation.id)
    step_pool(world, allocation.pool_id, allocation.resources, capacity.free)
    if not keep_quota:
        step_quota(world, allocation, allocation.resources, quota.release)
    world.put(allocations.release(allocation, billing_end))
    release_from(world, allocation.id, billing_end)


def _post_new(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> None:
    assert line.allocation_id is not None
    allocation = world.get(Allocation, line.allocation_id)
    sku = sku_at(world, line.sku_id, now)
    started = allocation.delivered_at or now
    term = _plus_months(started, line.term_months)
    clocks = policy_now(world, now).clocks
    if request.kind is RequestKind.TEMPORARY:
        term = midnight(local_day(started) + timedelta(days=clocks.temporary_days))
    sized = replace(
        allocation,
        resources=scaled(sku.resources, line.quantity),
        term_end=allocation.term_end or term,
    )
    if not request.kind.has_trial:
        world.put(allocations.begin_charged(sized))
        return
    until = midnight(local_day(started) + timedelta(days=clocks.trial_days))
    contract = world.get(Contract, allocation.contract_id)
    charged = contract.billing_start is BillingStart.DELIVERY
    world.put(allocations.begin_trial(sized, until, charged=charged))
    timers.schedule(world, "trial_end", allocation.id, until)


def _post_change(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> None:
    assert line.allocation_id is not None
    allocation = world.get(Allocation, line.allocation_id)
    wanted = scaled(sku_at(world, line.sku_id, now).resources, line.quantity)
    less = increase(allocation.resources, wanted)
    step_pool(world, allocation.pool_id, less, capacity.free)
    step_quota(world, allocation, less, quota.release)
    at = request.delivered_at or now
    world.put(
        replace(
            allocations.resize(allocation, line.sku_id, line.quantity, wanted, at),
            estimate_units=line.estimate_units or allocation.estimate_units,
        )
    )


def _post_relocation(
    world: World, request: ResourceRequest, line: RequestLine, now: datetime
) -> None:
    """The new allocation runs from its delivery; the old one ends there and its quota passes on."""
    assert line.allocation_id is not None
    new = world.get(Allocation, line.allocation_id)
    assert new.relocated_from is not None
    old = world.get(Allocation, new.relocated_from)
    _post_new(world, request, line, now)
    release_allocation(world, old, new.delivered_at or now, keep_quota=True)


def _post_renewal(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> None:
    assert line.allocation_id is not None
    allocation = world.get(Allocation, line.allocation_id)
    end = _plus_months(allocation.term_end or now, line.term_months)
    world.put(replace(allocation, term_end=end))


def _post_release(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> None:
    """Billing stops at the earlier of completion and approval + the provisioning clock."""
    assert line.allocation_id is not None
    assert request.approved_at is not None
    clock = policy_now(world, now).clocks.provisioning_workdays
    latest = add_workdays(request.approved_at, clock)
    release_allocation(world, world.get(Allocation, line.allocation_id), min(now, latest))


_POST = {
    RequestKind.NEW: _post_new,
    RequestKind.MIGRATE_IN: _post_new,
    RequestKind.TEMPORARY: _post_new,
    RequestKind.EMERGENCY: _post_new,
    RequestKind.CHANGE: _post_change,
    RequestKind.RELOCATE: _post_relocation,
    RequestKind.RENEW: _post_renewal,
    RequestKind.RELEASE: _post_release,
}


def _open_orders(
    world: World,
    request: ResourceRequest,
    action: WorkOrderAction,
    due: datetime,
    now: datetime,
    *,
    but: Collection[str] = (),
) -> None:
    pools = {line.pool_id for line in request.lines if line.pool_id}
    for pool_id in sorted(pools.difference(but)):
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
        world.put(order)


def _unfinished(world: World, request_id: str) -> tuple[WorkOrder, ...]:
    states = (WorkOrderState.OPEN, WorkOrderState.ACCEPTED)
    return world.find(WorkOrder, request_id=request_id, state=states)


def _own_order(world: World, id: str, actor: Actor) -> WorkOrder:
    order = world.get(WorkOrder, id)
    require_in(actor, order.provider_id, "WorkOrder", id, Role.PROVIDER)
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
        lock_pools_and_quotas(world, request)
        for line in request.lines:
            if line.allocation_id:
                release_allocation(world, world.get(Allocation, line.allocation_id), now)
        world.put(advance(request, RequestState.CANCELLED, ended_at=now))
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


def _cancel_silence(world: World, request_id: str, now: datetime) -> None:
    for index in range(len(policy_now(world, now).clocks.reminder_workdays)):
        timers.cancel(world, "delivery_reminder", request_id, note=str(index))
    timers.cancel(world, "delivery_deemed", request_id)


def _plus_months(moment: datetime, months: int) -> datetime:
    """The same Shanghai day `months` later (the month's last day where it has none), midnight."""
    day = local_day(moment)
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    for last in range(day.day, 0, -1):
        try:
            return utc(midnight(day.replace(year=year, month=month, day=last)))
        except ValueError:
            continue
    raise AssertionError("a month has a first day")
