"""Requests as commands: draft, edit, submit, withdraw, dispatch. Signatures are `approvals`, what
an approval binds is `binding`, what follows it is `provisioning`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value, not_a_draft, not_found, opened_by_the_city
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.approvals import ResubmitRequest, SignRequest, locked_request
from cloudmgr.services.approvals_steps import await_next, stop_clocks, unasked
from cloudmgr.services.attachments import require_admission
from cloudmgr.services.binding import unbind
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.estimates import priced
from cloudmgr.services.placements import checked_lines
from cloudmgr.services.provisioning import dispatch
from cloudmgr.services.world import World, next_id

__all__ = [
    "DispatchRequest",
    "DraftRequest",
    "EditDraft",
    "ResubmitRequest",
    "SignRequest",
    "SubmitRequest",
    "WithdrawRequest",
    "own_request",
]

DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest(Command):
    """Write a request down; nothing is reserved and nobody is asked yet."""

    department_id: str
    application_id: str
    kind: RequestKind
    reason: str
    lines: tuple[RequestLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDraft(Command):
    """Write a draft anew, as far as given; it stays of its kind and its application."""

    request_id: str
    lines: tuple[RequestLine, ...] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRequest(Command):
    """Hand a draft to the department's lead for the unit's own signature.

    What would be short of quota, capacity or budget today is told in `warnings`, not refused.
    """

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRequest(Command):
    """Take a request back before it is carried out; what it holds is freed. A draft that is given
    up is withdrawn, too: nothing is deleted."""

    request_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRequest(Command):
    """Order an approved request from the providers; also the retry of a failed one."""

    request_id: str


@handles(Role.DEPARTMENT_USER)
def draft_request(
    world: World, command: DraftRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    require_in(
        actor, command.department_id, "Organisation", command.department_id, Role.DEPARTMENT_USER
    )
    application = world.get(Application, command.application_id)
    if application.department_id != command.department_id:
        raise not_found("Application", command.application_id)
    lines = checked_lines(world, command.kind, command.lines, application)
    return world.put(
        ResourceRequest(
            id=next_id(world, "REQ"),
            kind=command.kind,
            department_id=command.department_id,
            region_id=world.get(Organisation, command.department_id).region_id,
            application_id=command.application_id,
            submitter_id=actor.user_id,
            reason=command.reason,
            lines=lines,
            created_at=now,
        )
    )


@handles(Role.DEPARTMENT_USER)
def edit_draft(world: World, command: EditDraft, actor: Actor, now: datetime) -> ResourceRequest:
    """Raises `not_a_draft` once it was submitted: what others sign does not change."""
    request = own_request(world, command.request_id, actor, Role.DEPARTMENT_USER)
    if request.state is not RequestState.DRAFT:
        raise not_a_draft(request.id, request.state)
    if command.lines is None and command.reason is None:
        raise bad_value("lines", "give other lines, another reason, or both")
    lines = request.lines
    if command.lines is not None:
        application = world.get(Application, request.application_id)
        lines = checked_lines(world, request.kind, command.lines, application)
    reason = request.reason if command.reason is None else command.reason
    return world.put(replace(request, lines=lines, reason=reason))


@handles(Role.DEPARTMENT_USER)
def submit_request(
    world: World, command: SubmitRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = own_request(world, command.request_id, actor, Role.DEPARTMENT_USER)
    require_admission(world, world.get(Application, request.application_id), request, now)
    moved = advance(
        priced(world, request, now),
        RequestState.UNIT_SIGNING,
        submitted_at=now,
        submitter_id=actor.user_id,
    )
    return await_next(world, moved, now)


@handles(Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
def withdraw_request(
    world: World, command: WithdrawRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = own_request(world, command.request_id, actor, *DEPARTMENT)
    if request.reclaims:
        raise opened_by_the_city(request.id)
    moved = advance(unasked(request), RequestState.WITHDRAWN, ended_at=now, outcome=command.reason)
    if request.state is RequestState.APPROVED:
        unbind(world, request, now)
    stop_clocks(world, request.id)
    return world.put(moved)


@handles(Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
def dispatch_request(
    world: World, command: DispatchRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = locked_request(world, command.request_id)
    moved = advance_from(
        request,
        (RequestState.APPROVED, RequestState.FAILED),
        RequestState.PROVISIONING,
        dispatched_at=now,
    )
    stop_clocks(world, request.id)
    return dispatch(world, moved, now)


@timers.on_timer("request_expiry")
def expire(world: World, timer: Timer, at: datetime) -> None:
    """Approved and not dispatched in time: what it held is freed."""
    request = locked_request(world, timer.subject_id)
    moved = advance(
        unasked(request), RequestState.EXPIRED, ended_at=at, outcome="not dispatched in time"
    )
    unbind(world, request, at)
    world.put(moved)


def own_request(world: World, id: str, actor: Actor, *roles: Role) -> ResourceRequest:
    """The request, locked, if the actor holds one of `roles` in its department; `not_found`."""
    department_id = world.get(ResourceRequest, id).department_id
    require_in(actor, department_id, "ResourceRequest", id, *roles)
    return locked_request(world, id)
