"""What a confirmed delivery changes, by the kind of its request: allocations begin, change, move,
are renewed or end, and the counters of pool and quota follow.

Owns posting; who may confirm and when silence confirms is `provisioning`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from catalog.period import local_day, midnight
from catalog.quantity import scaled
from cloudmgr.domain import allocations, capacity, quota
from cloudmgr.domain.allocations import (
    Allocation,
    Reservation,
    ReservationState,
    SegmentMode,
)
from cloudmgr.domain.commitments import months_after, renewed_end
from cloudmgr.domain.contracts import BillingStart, Contract
from cloudmgr.domain.requests import ParallelPayer, RequestKind, RequestLine, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.allocations_elastic import plan_week
from cloudmgr.services.allocations_papers import billing_ends, complete_record
from cloudmgr.services.allocations_terms import TERM_WATCH, watch_term
from cloudmgr.services.applications import migration_ends
from cloudmgr.services.binding import (
    lock_pools_and_quotas,
    post_reservation,
    step_pool,
    step_quota,
)
from cloudmgr.services.commitments import pass_on, release_from
from cloudmgr.services.continuity import declare_delivered
from cloudmgr.services.placements import increase
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pools_orders import release_from_pool
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.world import World

Post = Callable[[World, ResourceRequest, RequestLine, Allocation, datetime], None]


def post_delivery(world: World, request: ResourceRequest, now: datetime) -> None:
    """The delivery of every line was accepted: what was held runs, as the kind says."""
    lock_pools_and_quotas(world, request)
    held = {each.line: each for each in world.find(Reservation, request_id=request.id)}
    for line in request.lines:
        reservation = held.get(line.line)
        if reservation is not None and reservation.state is ReservationState.HELD:
            post_reservation(world, reservation)
        assert line.allocation_id is not None, f"{request.id} was never bound"
        allocation = world.get(Allocation, line.allocation_id)
        _POST[request.kind](world, request, line, allocation, now)
        declare_delivered(world, line, allocation, request.submitter_id, now)
    migration_ends(world, request, now)


def release_all(world: World, request: ResourceRequest, now: datetime) -> None:
    """An emergency that was not ratified: what it got ends now."""
    lock_pools_and_quotas(world, request)
    for line in request.lines:
        if line.allocation_id:
            _release(world, world.get(Allocation, line.allocation_id), now)
            release_from(world, line.allocation_id, now)
            complete_record(world, request, line.line, now, now)


@timers.on_timer("parallel_end")
def parallel_ends(world: World, timer: Timer, at: datetime) -> None:
    """The days beside its successor are over: what was relocated ends."""
    old = world.get(Allocation, timer.subject_id)
    assert old.relocated_to is not None
    successor = world.get(Allocation, old.relocated_to)
    assert successor.request_id is not None
    request = world.get(ResourceRequest, successor.request_id)
    lock_pools_and_quotas(world, request)
    line = next(each for each in request.lines if each.allocation_id == successor.id)
    _leave(world, request, line, world.get(Allocation, old.id), at, at)


@timers.on_timer("trial_end")
def trial_ends(world: World, timer: Timer, at: datetime) -> None:
    """A trial ends by itself after its days."""
    world.put(allocations.end_trial(world.get(Allocation, timer.subject_id), at))


def _post_new(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    allocation: Allocation,
    now: datetime,
) -> None:
    started = allocation.delivered_at or now
    clocks = policy_now(world, now).clocks
    term = months_after(started, line.term_months)
    if request.kind is RequestKind.TEMPORARY:
        term = midnight(local_day(started) + timedelta(days=clocks.temporary_days))
    sized = replace(
        allocation,
        resources=scaled(sku_at(world, line.sku_id, now).resources, line.quantity),
        term_end=allocation.term_end or term,
        weekly=allocation.weekly or (line.elastic.weekly if line.elastic else ()),
    )
    watch_term(world, sized, now)
    plan_week(world, sized, now)
    if not request.kind.has_trial:
        world.put(allocations.begin_charged(sized))
        return
    until = midnight(local_day(started) + timedelta(days=clocks.trial_days))
    contract = world.get(Contract, allocation.contract_id)
    charged = contract.billing_start is BillingStart.DELIVERY
    world.put(allocations.begin_trial(sized, until, charged=charged))
    timers.schedule(world, "trial_end", allocation.id, until)


def _post_change(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    allocation: Allocation,
    now: datetime,
) -> None:
    """The increase was posted from its reservation; a decrease frees here."""
    wanted = scaled(sku_at(world, line.sku_id, now).resources, line.quantity)
    less = increase(allocation.resources, wanted)
    step_pool(world, allocation.pool_id, less, capacity.free)
    step_quota(world, allocation, less, quota.release)
    at = request.delivered_at or now
    resized = allocations.resize(allocation, line.sku_id, line.quantity, wanted, at)
    weekly = allocation.weekly
    if line.elastic is not None and line.elastic != allocation.elastic:
        weekly = line.elastic.weekly
    changed = replace(
        resized, estimate_units=line.estimate_units, elastic=line.elastic, weekly=weekly
    )
    plan_week(world, world.put(changed), now)


def _post_relocation(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    allocation: Allocation,
    now: datetime,
) -> None:
    """The new allocation runs from its delivery, and the old one's quota and what is committed for
    it pass on. The old one ends there, or after the days that both were approved to run."""
    assert allocation.relocated_from is not None
    old = world.get(Allocation, allocation.relocated_from)
    _post_new(world, request, line, replace(allocation, weekly=old.weekly), now)
    pass_on(world, old.id, allocation.id)
    began = allocation.delivered_at or now
    if not line.parallel_days:
        _leave(world, request, line, old, began, now)
        return
    until = midnight(local_day(began) + timedelta(days=line.parallel_days))
    mode = _BORNE_BY[line.parallel_payer or ParallelPayer.DEPARTMENT]
    _stop_timers(world, old.id)
    beside = world.put(allocations.run_beside(old, allocation.id, began, until, mode))
    if until <= now:  # confirmed so late that the days are over
        _leave(world, request, line, beside, until, now)
    else:
        timers.schedule(world, "parallel_end", old.id, until)


_BORNE_BY = {
    ParallelPayer.DEPARTMENT: SegmentMode.CHARGED,
    ParallelPayer.PAYER: SegmentMode.PARALLEL_WAIVED,
    ParallelPayer.PROVIDER: SegmentMode.PARALLEL_DISCOUNTED,
}


def _leave(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    old: Allocation,
    billing_end: datetime,
    now: datetime,
) -> None:
    """What was relocated ends where it ran; its successor has its quota."""
    _release(world, old, billing_end, keep_quota=True)
    release_from_pool(world, request, line.line, old, now)


def _post_renewal(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    allocation: Allocation,
    now: datetime,
) -> None:
    end = renewed_end(allocation, line.term_months, now, policy_now(world, now))
    renewed = replace(allocation, term_end=end, renewals=allocation.renewals + 1)
    watch_term(world, world.put(renewed), now)


def _post_release(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    allocation: Allocation,
    now: datetime,
) -> None:
    """Billing stops at the earlier of completion and approval + the provisioning clock."""
    billing_end = billing_ends(world, request, line.line, now)
    _release(world, allocation, billing_end)
    release_from(world, allocation.id, billing_end)


def _release(
    world: World, allocation: Allocation, billing_end: datetime, *, keep_quota: bool = False
) -> None:
    """End an allocation: capacity and quota free, readings after `billing_end` count no more."""
    _stop_timers(world, allocation.id)
    step_pool(world, allocation.pool_id, allocation.resources, capacity.free)
    if not keep_quota:
        step_quota(world, allocation, allocation.resources, quota.release)
    world.put(allocations.release(allocation, billing_end))


def _stop_timers(world: World, allocation_id: str) -> None:
    for kind in ("trial_end", TERM_WATCH, "elastic_schedule", "parallel_end"):
        timers.cancel(world, kind, allocation_id)


_POST: dict[RequestKind, Post] = {
    RequestKind.NEW: _post_new,
    RequestKind.MIGRATE_IN: _post_new,
    RequestKind.TEMPORARY: _post_new,
    RequestKind.EMERGENCY: _post_new,
    RequestKind.CHANGE: _post_change,
    RequestKind.RELOCATE: _post_relocation,
    RequestKind.RENEW: _post_renewal,
    RequestKind.RELEASE: _post_release,
}
