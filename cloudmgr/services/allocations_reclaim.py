"""Reclaiming an overdue temporary resource: a person's decision, carried out as a release.

The release passes the chain like any other, but for the signatures of the department it is taken
from; its state table is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.errors import allocation_busy, bad_value, not_overdue
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.services.allocations_admission import require_unprotected
from cloudmgr.services.approvals_steps import await_next, steps_for
from cloudmgr.services.binding import require_not_busy
from cloudmgr.services.commands import Command, handles, require_city_office
from cloudmgr.services.estimates import priced
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimTemporary(Command):
    """Take back a temporary resource that has outlived its term and its notices: opens a release
    that the department does not sign."""

    allocation_id: str
    reason: str


@handles(Role.TECHNICAL_REVIEWER)
def reclaim_temporary(
    world: World, command: ReclaimTemporary, actor: Actor, now: datetime
) -> ResourceRequest:
    """Raises `not_overdue`, `allocation_busy` or `protected_period`. Somebody else signs it: nobody
    approves what they opened."""
    allocation = world.get(Allocation, command.allocation_id)
    require_city_office(actor, "Allocation", allocation.id, Role.TECHNICAL_REVIEWER)
    if not command.reason.strip():
        raise bad_value("reason", "say why it is taken back now")
    _require_overdue(allocation, now)
    require_not_busy(world, allocation)
    _require_no_other(world, allocation)
    request = _drafted(world, allocation, command.reason, actor, now)
    require_unprotected(world, request, now)
    return _handed_in(world, world.put(request), now)


def _require_overdue(allocation: Allocation, now: datetime) -> None:
    if not allocation.temporary:
        raise not_overdue(allocation.id, "it is not a temporary resource")
    if allocation.state not in RUNNING:
        raise not_overdue(allocation.id, f"it is {allocation.state}")
    if allocation.term_end is None or allocation.term_end > now:
        raise not_overdue(allocation.id, f"its term runs until {allocation.term_end}")


def _require_no_other(world: World, allocation: Allocation) -> None:
    """One reclamation at a time, also while nothing is bound yet."""
    for other in world.find(ResourceRequest, application_id=allocation.application_id):
        same = any(line.allocation_id == allocation.id for line in other.lines)
        if same and other.reclaims and not other.LIFECYCLE.final(other.state):
            raise allocation_busy(allocation.id, other.id)


def _drafted(
    world: World, allocation: Allocation, reason: str, actor: Actor, now: datetime
) -> ResourceRequest:
    department = world.get(Organisation, allocation.department_id)
    line = RequestLine(
        line=1,
        sku_id=allocation.sku_id,
        quantity=allocation.quantity,
        allocation_id=allocation.id,
        elastic=allocation.elastic,
    )
    return ResourceRequest(
        id=next_id(world, "REQ"),
        kind=RequestKind.RELEASE,
        department_id=allocation.department_id,
        region_id=department.region_id,
        application_id=allocation.application_id,
        submitter_id=actor.user_id,
        reason=reason,
        lines=(line,),
        reclaims=True,
        created_at=now,
    )


def _handed_in(world: World, draft: ResourceRequest, now: datetime) -> ResourceRequest:
    """Along the table to the first step of the city's offices."""
    unit = world.put(
        advance(priced(world, draft, now), RequestState.UNIT_SIGNING, submitted_at=now)
    )
    request = advance(unit, RequestState.SUBMITTED)
    steps = steps_for(world, request, now)
    if steps and steps[0].state is not RequestState.SUBMITTED:
        request = advance(world.put(request), steps[0].state)
    waiting = await_next(world, request, now)
    payload = {
        "request_id": waiting.id,
        "allocation_id": waiting.lines[0].allocation_id,
        "department_id": waiting.department_id,
    }
    world.outbox(
        Message(topic="temporary_reclaim_opened", subject=waiting.id, payload=payload, at=now)
    )
    return waiting
