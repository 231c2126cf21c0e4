"""Requests as commands: draft, submit, sign, return, withdraw. What an approval binds is
`binding`, what follows it is `provisioning`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cloudmgr.domain import approvals
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Approval, ChainStep, Decision
from cloudmgr.domain.errors import bad_value, not_found, not_your_step, own_submission
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.requests import (
    RequestKind,
    RequestLine,
    RequestState,
    ResourceRequest,
    check_admission,
)
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.binding import bind, lock_pools_and_quotas, unbind
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.estimates import estimate, require_candidates
from cloudmgr.services.placements import checked_lines
from cloudmgr.services.policies import policy_now, region_of
from cloudmgr.services.provisioning import dispatch, reclaim
from cloudmgr.services.world import World, next_id

DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
SIGNERS = (
    Role.DEPARTMENT_LEAD,
    Role.COUNTY_REVIEWER,
    Role.OPERATING_COMPANY,
    Role.TECHNICAL_REVIEWER,
    Role.FINANCE,
    Role.AUTHORITY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest(Command):
    """Write a request down; nothing is reserved and nobody is asked yet."""

    department_id: str
    application_id: str
    kind: RequestKind
    reason: str
    lines: tuple[RequestLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRequest(Command):
    """Hand a draft to the department's lead for the unit's own signature."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest(Command):
    """Sign the step the request waits for. The last approval binds quota, capacity and budget."""

    request_id: str
    decision: Decision
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResubmitRequest(Command):
    """The lead sends a returned request again, with other lines if given, and thereby signs."""

    request_id: str
    lines: tuple[RequestLine, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRequest(Command):
    """Take a request back before it is carried out; what it holds is freed."""

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
def submit_request(
    world: World, command: SubmitRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = own_request(world, command.request_id, actor, Role.DEPARTMENT_USER)
    check_admission(world.get(Application, request.application_id), request.kind)
    priced = _priced(world, request, now)
    moved = advance(priced, RequestState.UNIT_SIGNING, submitted_at=now, submitter_id=actor.user_id)
    return _await_next(world, moved, now)


@handles(*SIGNERS, counties=True)
def sign_request(
    world: World, command: SignRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = _visible_to_signer(world, command.request_id, actor)
    steps = _steps(world, request, now)
    if command.decision is not Decision.APPROVE and not command.opinion.strip():
        raise bad_value("opinion", "say what is missing or why not")
    signed = world.find(Approval, request_id=request.id)
    step = approvals.pending_step(steps, signed, request.round)
    if step is None or request.state is not approvals.signing_state(step, request):
        waiting = step.id if step else "none"
        raise not_your_step(waiting, step.role if step else "nobody")
    approvals.check_signer(step, request, signed, actor)
    approval = world.put(
        Approval(
            id=f"{request.id}/{request.round}/{step.id}",
            request_id=request.id,
            round=request.round,
            step=step.id,
            role=step.role,
            user_id=actor.user_id,
            decision=command.decision,
            opinion=command.opinion,
            at=now,
        )
    )
    if command.decision is Decision.APPROVE:
        return _approved(world, request, (*signed, approval), now)
    if command.decision is Decision.RETURN:
        return _returned(world, request, command.opinion, now)
    return _refused(world, request, command.opinion, now)


@handles(Role.DEPARTMENT_LEAD)
def resubmit_request(
    world: World, command: ResubmitRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = own_request(world, command.request_id, actor, Role.DEPARTMENT_LEAD)
    if actor.user_id == request.submitter_id:
        raise own_submission(actor.user_id)
    lines = request.lines if command.lines is None else command.lines
    application = world.get(Application, request.application_id)
    check_admission(application, request.kind)
    moved = advance_from(
        request,
        (RequestState.RETURNED,),
        RequestState.SUBMITTED,
        lines=checked_lines(world, request.kind, lines, application),
        outcome="",
    )
    world.put(
        Approval(
            id=f"{request.id}/{request.round}/unit",
            request_id=request.id,
            round=request.round,
            step="unit",
            role=Role.DEPARTMENT_LEAD,
            user_id=actor.user_id,
            decision=Decision.APPROVE,
            opinion="resubmitted",
            at=now,
        )
    )
    return _await_next(world, _priced(world, moved, now), now)


@handles(Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
def withdraw_request(
    world: World, command: WithdrawRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = own_request(world, command.request_id, actor, *DEPARTMENT)
    moved = advance(_unasked(request), RequestState.WITHDRAWN, ended_at=now, outcome=command.reason)
    if request.state is RequestState.APPROVED:
        unbind(world, request, now)
    _stop_clocks(world, request.id)
    return world.put(moved)


@handles(Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
def dispatch_request(
    world: World, command: DispatchRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    request = world.get(ResourceRequest, command.request_id)
    moved = advance_from(
        request,
        (RequestState.APPROVED, RequestState.FAILED),
        RequestState.PROVISIONING,
        dispatched_at=now,
    )
    _stop_clocks(world, request.id)
    return dispatch(world, moved, now)


@timers.on_timer("request_overdue")
def mark_overdue(world: World, timer: Timer, at: datetime) -> None:
    """Being overdue adds signers, never a signature: it is marked and told."""
    request = world.get(ResourceRequest, timer.subject_id)
    world.put(replace(request, overdue=True))


@timers.on_timer("request_expiry")
def expire(world: World, timer: Timer, at: datetime) -> None:
    """Approved and not dispatched in time: what it held is freed."""
    request = world.get(ResourceRequest, timer.subject_id)
    moved = advance(
        _unasked(request), RequestState.EXPIRED, ended_at=at, outcome="not dispatched in time"
    )
    unbind(world, request, at)
    world.put(moved)


def own_request(world: World, id: str, actor: Actor, *roles: Role) -> ResourceRequest:
    """The request if the actor holds one of `roles` in its department, else `not_found`."""
    request = world.get(ResourceRequest, id)
    require_in(actor, request.department_id, "ResourceRequest", id, *roles)
    return request


def _approved(
    world: World, request: ResourceRequest, signed: tuple[Approval, ...], now: datetime
) -> ResourceRequest:
    """A step was approved: ask for the next, or carry out what the last signature says."""
    following = approvals.pending_step(_steps(world, request, now), signed, request.round)
    if request.state is RequestState.RATIFYING:
        if following is not None:
            return _clocked(world, request, following, now)
        _stop_clocks(world, request.id)
        return world.put(advance(_unasked(request), RequestState.COMPLETED, ended_at=now))
    if request.kind is RequestKind.EMERGENCY and request.state is RequestState.SUBMITTED:
        return _carried_out_at_once(world, request, following, now)
    if following is None:
        request, following = _looked_at_again(world, request, signed, now)
    if following is not None:
        moved = request
        if following.state is not request.state:
            moved = advance(request, following.state)
        return _clocked(world, moved, following, now)
    bound = bind(world, _unasked(request), now)
    _stop_clocks(world, request.id)
    clocks = policy_now(world, now).clocks
    due = add_workdays(now, clocks.approved_expiry_workdays)
    timers.schedule(world, "request_expiry", request.id, due)
    return world.put(advance(bound, RequestState.APPROVED, approved_at=now, due_at=due))


def _looked_at_again(
    world: World, request: ResourceRequest, signed: tuple[Approval, ...], now: datetime
) -> tuple[ResourceRequest, ChainStep | None]:
    """Prices, pools and the application's other requests since the submission may add a step
    before the last signature binds; they never remove one."""
    lock_pools_and_quotas(world, request)  # two halves signed at once shall see each other
    found = estimate(world, request, now)
    again = replace(
        request,
        monthly_price=max(request.monthly_price, found.monthly_price),
        threshold_price=max(request.threshold_price, found.threshold_price),
        over_budget=request.over_budget or found.over_budget,
    )
    more = [each for each in _steps(world, again, now) if each.state is request.state]
    return again, approvals.pending_step(more, signed, request.round)


def _carried_out_at_once(
    world: World, request: ResourceRequest, following: ChainStep | None, now: datetime
) -> ResourceRequest:
    """An accepted emergency is ordered at once; its review is signed afterwards."""
    if following is None:
        raise bad_value("chain", "the approval chain has no step that ratifies an emergency")
    bound = bind(world, _unasked(request), now)
    _stop_clocks(world, request.id)
    moved = advance(bound, RequestState.PROVISIONING, approved_at=now, dispatched_at=now)
    return dispatch(world, moved, now)


def _returned(
    world: World, request: ResourceRequest, opinion: str, now: datetime
) -> ResourceRequest:
    to = RequestState.RETURNED
    if request.state is RequestState.UNIT_SIGNING:
        to = RequestState.DRAFT
    _stop_clocks(world, request.id)
    return world.put(
        advance(
            _unasked(request),
            to,
            round=request.round + 1,
            resubmitted=to is RequestState.RETURNED,
            outcome=opinion,
        )
    )


def _refused(
    world: World, request: ResourceRequest, opinion: str, now: datetime
) -> ResourceRequest:
    _stop_clocks(world, request.id)
    if request.state is RequestState.RATIFYING:
        moved = advance(_unasked(request), RequestState.RECLAIMING, outcome=opinion)
        return reclaim(world, moved, now)
    if request.state is RequestState.UNIT_SIGNING:
        return _returned(world, request, opinion, now)
    in_review = request.state is RequestState.IN_REVIEW
    to = RequestState.REJECTED if in_review else RequestState.NOT_ACCEPTED
    return world.put(advance(_unasked(request), to, ended_at=now, outcome=opinion))


def _priced(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    found = estimate(world, request, now)
    require_candidates(request, found)
    return replace(
        request,
        monthly_price=found.monthly_price,
        threshold_price=found.threshold_price,
        over_budget=found.over_budget,
    )


def _await_next(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    step = approvals.pending_step(
        _steps(world, request, now), world.find(Approval, request_id=request.id), request.round
    )
    if step is None:
        raise bad_value("chain", "the approval chain has no step for this request")
    return _clocked(world, request, step, now)


def _clocked(
    world: World, request: ResourceRequest, step: ChainStep, now: datetime
) -> ResourceRequest:
    due = add_workdays(now, step.limit_workdays)
    timers.schedule(world, "request_overdue", request.id, due)
    return world.put(
        replace(
            request,
            due_at=due,
            overdue=False,
            awaiting_step=step.id,
            awaiting_role=str(step.role),
        )
    )


def _steps(world: World, request: ResourceRequest, now: datetime) -> tuple[ChainStep, ...]:
    level = region_of(world, request.department_id).level
    return approvals.steps_of(policy_now(world, now).chain, request, level)


def _visible_to_signer(world: World, id: str, actor: Actor) -> ResourceRequest:
    request = world.get(ResourceRequest, id)
    mine = request.department_id in actor.organisations()
    if actor.city_wide or mine or request.region_id in actor.counties:
        return request
    raise not_found("ResourceRequest", id)


def _unasked(request: ResourceRequest) -> ResourceRequest:
    """Nobody's signature is awaited any more."""
    return replace(request, awaiting_step="", awaiting_role="", overdue=False, due_at=None)


def _stop_clocks(world: World, request_id: str) -> None:
    timers.cancel(world, "request_overdue", request_id)
    timers.cancel(world, "request_expiry", request_id)
    timers.cancel(world, "request_failed_hold", request_id)
