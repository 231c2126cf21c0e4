"""What refuses a request for the sake of what it works on: protected periods, temporary resources
renewed often enough, parallel days beyond the policy. Asked at the submission, at the last approval
and, for protected periods, before anything is ordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.quantity import scaled
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.errors import bad_value, temporary_renewed_already
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.placements import increase
from cloudmgr.services.policies import allocation_rules
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.protected_periods import protection_of
from cloudmgr.services.world import World


def running_refusals(
    world: World, request: ResourceRequest, now: datetime
) -> Iterator[CloudmgrError]:
    """Every rule about what already runs that refuses the request now."""
    rules = allocation_rules(world, now)
    for line in request.lines:
        if line.parallel_days > rules.parallel_days_most:
            yield bad_value(
                f"lines[{line.line}].parallel_days",
                f"policy allows at most {rules.parallel_days_most} parallel days",
            )
        if request.kind is RequestKind.RENEW and line.allocation_id:
            held = world.get(Allocation, line.allocation_id)
            if held.temporary and held.renewals >= rules.temporary_renewals:
                yield temporary_renewed_already(held.id, held.renewals)
    yield from protected_refusals(world, request, now)


def protected_refusals(
    world: World, request: ResourceRequest, now: datetime
) -> Iterator[CloudmgrError]:
    """Nothing is made smaller, relocated or taken back in a protected period; who wants to give
    something back may."""
    what = _lessens(world, request, now)
    if what is None:
        return
    refusal = protection_of(world, request.department_id, request.application_id, now, what)
    if refusal is not None:
        yield refusal


def require_admitted(world: World, request: ResourceRequest, now: datetime) -> None:
    """Raise the first of `running_refusals`."""
    for refusal in running_refusals(world, request, now):
        raise refusal


def require_unprotected(world: World, request: ResourceRequest, now: datetime) -> None:
    """Raise `protected_period`."""
    for refusal in protected_refusals(world, request, now):
        raise refusal


def _lessens(world: World, request: ResourceRequest, now: datetime) -> str | None:
    """What the request does that a protected period forbids."""
    if request.kind is RequestKind.RELOCATE:
        return "a relocation"
    if request.reclaims:
        return "reclaiming"
    smaller = any(_is_smaller(world, line, now) for line in request.lines)
    return "downsizing" if request.kind is RequestKind.CHANGE and smaller else None


def _is_smaller(world: World, line: RequestLine, now: datetime) -> bool:
    if line.allocation_id is None:
        return False
    held = world.get(Allocation, line.allocation_id)
    wanted = scaled(sku_at(world, line.sku_id, now).resources, line.quantity)
    return bool(increase(held.resources, wanted))
