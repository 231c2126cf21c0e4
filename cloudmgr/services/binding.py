"""The last approval: quota, pool capacity and budget are reserved together or not at all.

Owns reserve -> post -> release across the three counters; each counter's own rule is the domain's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain import capacity, quota
from cloudmgr.domain.allocations import (
    Allocation,
    AllocationState,
    Reservation,
    ReservationState,
)
from cloudmgr.domain.applications import Application
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.errors import allocation_busy
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id
from cloudmgr.domain.requests import WORKING, RequestKind, RequestLine, ResourceRequest
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services.allocations_admission import require_admitted
from cloudmgr.services.applications import migration_fails
from cloudmgr.services.commitments import commit_line, release_commitments
from cloudmgr.services.off_catalog import approve_agreement
from cloudmgr.services.placements import (
    check_targets,
    choose,
    pool_amounts,
    quota_amounts,
    require_sold,
)
from cloudmgr.services.policies import policy_now
from cloudmgr.services.quotas import scopes_above
from cloudmgr.services.world import Scope, World, next_id

Step = Callable[[Inventory, int], Inventory]
QuotaStep = Callable[[Quota, int], Quota]


def bind(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """Choose pools and reserve everything the request needs; returns it with its choices.

    Raises `allocation_busy`, `no_pool`, `quota_not_set`, `quota_exceeded`, `budget_not_set` or
    `budget_exceeded`; then nothing is reserved, because the caller's transaction is undone.
    """
    lock_pools_and_quotas(world, request)
    _check_still_fits(world, request)
    require_admitted(world, request, now)
    lines, reasons = [], []
    for line in request.lines:
        bound, why = _bind_line(world, request, line, now)
        lines.append(bound)
        reasons.append(why)
    return replace(request, lines=tuple(lines), placement=tuple(reasons))


def lock_pools_and_quotas(world: World, request: ResourceRequest) -> None:
    """Take every counter a request may touch, in one sorted go.

    Quotas by their names, those nobody has set included: one that is being set meanwhile would
    else begin without what is bound here.
    """
    scopes: list[Scope] = [(Inventory, each.id) for each in world.find(Inventory)]
    scopes.extend(
        (Quota, quota_id(scope_id, resource_class))
        for scope_id in quota_scopes(world, request.application_id, request.department_id)
        for resource_class in ResourceClass
    )
    world.lock(*scopes)


def quota_scopes(world: World, application_id: str, department_id: str) -> tuple[str, ...]:
    """Application, department and the regions above it: own scope first, root last."""
    above = scopes_above(world, QuotaScope.DEPARTMENT, department_id)
    return (application_id, department_id, *above)


def unbind(world: World, request: ResourceRequest, at: datetime) -> None:
    """Free all an approved request still holds: it will not be carried out. What a provider had
    delivered of it already ends `at`."""
    lock_pools_and_quotas(world, request)
    for reservation in world.find(Reservation, request_id=request.id, state=ReservationState.HELD):
        step_pool(world, reservation.pool_id, reservation.pool_amounts, capacity.unhold)
        step_quota(world, reservation, reservation.quota_amounts, quota.unreserve)
        world.put(advance(reservation, ReservationState.RELEASED))
    for allocation in world.find(Allocation, request_id=request.id, state=AllocationState.RESERVED):
        world.put(advance(allocation, AllocationState.RELEASED, ended_at=at))
    release_commitments(world, request.id)
    migration_fails(world, request, at)


def post_reservation(world: World, reservation: Reservation) -> None:
    """Delivered: what was held now runs."""
    step_pool(world, reservation.pool_id, reservation.pool_amounts, capacity.post)
    step_quota(world, reservation, reservation.quota_amounts, quota.post)
    world.put(advance(reservation, ReservationState.POSTED))


def step_pool(world: World, pool_id: str, amounts: Iterable[ResourceAmount], step: Step) -> None:
    """Apply one step of the capacity counter to each class of a pool."""
    for amount in amounts:
        counter = world.get(Inventory, inventory_id(pool_id, amount.resource_class))
        world.put(step(counter, amount.units))


def step_quota(
    world: World,
    owner: Reservation | Allocation,
    amounts: Iterable[ResourceAmount],
    step: QuotaStep,
) -> None:
    """Apply one step of the quota counter on every ancestor that keeps one."""
    scopes = quota_scopes(world, owner.application_id, owner.department_id)
    for amount in amounts:
        for scope_id in scopes:
            counter = world.seek(Quota, quota_id(scope_id, amount.resource_class))
            if counter is not None:
                world.put(step(counter, amount.units))


def _check_still_fits(world: World, request: ResourceRequest) -> None:
    """What a request works on may have changed since it was drafted. Two requests never work on
    one allocation: each would count its own difference from the same size."""
    check_targets(
        world, request.kind, request.lines, world.get(Application, request.application_id)
    )
    mine = {line.allocation_id for line in request.lines if line.allocation_id}
    if not mine:
        return
    _require_not_busy(world, request.application_id, mine, request.id)


def require_not_busy(world: World, allocation: Allocation) -> None:
    """Raise `allocation_busy` while a bound request works on it: both would count their own
    difference from the same size."""
    _require_not_busy(world, allocation.application_id, {allocation.id}, "")


def _require_not_busy(
    world: World, application_id: str, allocation_ids: Collection[str], request_id: str
) -> None:
    for other in world.find(ResourceRequest, application_id=application_id, state=WORKING):
        for allocation_id in _targets(world, other):
            if other.id != request_id and allocation_id in allocation_ids:
                raise allocation_busy(allocation_id, other.id)


def _targets(world: World, request: ResourceRequest) -> Iterator[str]:
    """The allocations a bound request works on; a relocation on the one it leaves, too."""
    for line in request.lines:
        if line.allocation_id is None:
            continue
        yield line.allocation_id
        if request.kind is RequestKind.RELOCATE:
            left = world.get(Allocation, line.allocation_id).relocated_from
            if left is not None:
                yield left


def _bind_line(
    world: World, request: ResourceRequest, line: RequestLine, now: datetime
) -> tuple[RequestLine, str]:
    sku = require_sold(world, line, request.kind, now)
    held = world.get(Allocation, line.allocation_id) if line.allocation_id else None
    if held is not None and held.elastic is not None and request.kind is not RequestKind.CHANGE:
        line = replace(line, quantity=held.quantity)  # it may have been scaled since
    if request.kind is RequestKind.RELEASE and held is not None:
        bound = replace(line, pool_id=held.pool_id, contract_id=held.contract_id)
        return bound, f"line {line.line}: released from {held.pool_id}"
    chosen = choose(world, request, line, now)
    assert chosen.contract_id is not None
    bound = replace(line, pool_id=chosen.pool_id, contract_id=chosen.contract_id)
    taken = pool_amounts(sku, line, request.kind, held)
    counted = quota_amounts(sku, line, request.kind, held)
    scopes = quota_scopes(world, request.application_id, request.department_id)
    for amount in counted:
        chain = [world.seek(Quota, quota_id(s, amount.resource_class)) for s in scopes]
        quota.check(
            [each for each in chain if each is not None],
            amount.resource_class,
            amount.units,
            scopes[0],
        )
    reservation = Reservation(
        id=f"{request.id}/{line.line}",
        request_id=request.id,
        line=line.line,
        pool_id=chosen.pool_id,
        application_id=request.application_id,
        department_id=request.department_id,
        pool_amounts=taken,
        quota_amounts=counted,
    )
    step_pool(world, chosen.pool_id, taken, capacity.hold)
    step_quota(world, reservation, counted, quota.reserve)
    world.put(reservation)
    if held is None or request.kind is RequestKind.RELOCATE:
        bound = replace(bound, allocation_id=_reserve(world, request, bound, held).id)
    approve_agreement(world, request, bound)
    _commit(world, request, bound, held, now)
    return bound, f"line {line.line}: {chosen.pool_id}: " + "; ".join(chosen.reasons)


def _reserve(
    world: World, request: ResourceRequest, line: RequestLine, held: Allocation | None
) -> Allocation:
    assert line.pool_id is not None
    assert line.contract_id is not None
    return world.put(
        Allocation(
            id=next_id(world, "ALC"),
            request_id=request.id,
            department_id=request.department_id,
            application_id=request.application_id,
            pool_id=line.pool_id,
            provider_id=world.get(ResourcePool, line.pool_id).provider_id,
            contract_id=line.contract_id,
            sku_id=line.sku_id,
            quantity=line.quantity,
            resources=(),
            estimate_units=line.estimate_units,
            temporary=request.kind is RequestKind.TEMPORARY,
            relocated_from=held.id if held else None,
            term_end=held.term_end if held else None,
            renewals=held.renewals if held else 0,
            elastic=line.elastic,
        )
    )


def _commit(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    held: Allocation | None,
    now: datetime,
) -> None:
    clocks = policy_now(world, now).clocks
    commit_line(
        world,
        request=request,
        line=line,
        held=held,
        start=add_workdays(now, clocks.provisioning_workdays),
        now=now,
    )
