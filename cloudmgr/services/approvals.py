"""Signatures as commands: sign, resubmit, and wait for quotes meanwhile.

Owns what a signature does to its request. Who may give it is `approvals_signers`, when it is due
`approvals_steps`, what the last one binds `binding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain import approvals
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import (
    RESUBMITTED,
    SIGNING,
    Approval,
    ChainStep,
    Decision,
    Signer,
    Standing,
)
from cloudmgr.domain.errors import (
    bad_value,
    forbidden,
    illegal_transition,
    not_found,
    not_your_step,
    own_submission,
    waiting_for_quotes,
)
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.approvals_signers import asked, signer_of, signers
from cloudmgr.services.approvals_steps import (
    await_next,
    clocked,
    go_on,
    pending,
    signatures,
    steps_for,
    stop_clocks,
    stop_waiting,
    unasked,
)
from cloudmgr.services.attachments import require_admission
from cloudmgr.services.binding import bind, lock_pools_and_quotas
from cloudmgr.services.commands import Command, handles, require_city_office
from cloudmgr.services.delegations import stood_for
from cloudmgr.services.estimates import looked_at_again, priced
from cloudmgr.services.placements import checked_lines
from cloudmgr.services.policies import policy_now
from cloudmgr.services.provisioning import dispatch, reclaim
from cloudmgr.services.world import World

_DESK = (Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
_OF_A_DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
_DELEGATES = (Role.DEPARTMENT_USER, Role.PLANNER)
"""Roles that sign nothing themselves, but whose holders may stand for a colleague who does."""
_WAITABLE = (RequestState.SUBMITTED, RequestState.IN_REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest(Command):
    """Sign the step the request waits for, in the own name or for whom one stands in.

    The last approval binds quota, capacity and budget.
    """

    request_id: str
    decision: Decision
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResubmitRequest(Command):
    """The lead sends a returned request again, with other lines or another reason if given, and
    thereby signs."""

    request_id: str
    lines: tuple[RequestLine, ...] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForQuotes(Command):
    """The desk asks providers for quotes before it can go on; the clock of the step stands
    still."""

    request_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOnWithReview(Command):
    """The quotes are there: the clock goes on with the working days it had left."""

    request_id: str


@handles(*SIGNING, *_DELEGATES, counties=True, deputies=_DELEGATES)
def sign_request(
    world: World, command: SignRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    """Raises `not_your_step` when the request waits for somebody else, or for nobody; two who sign
    the same step at once are let in one after the other, so the second is told the same."""
    if not actor.has(*SIGNING) and not stood_for(world, actor.user_id, now):
        raise forbidden("sign_request", SIGNING)
    request = locked_request(world, command.request_id)
    signed = signatures(world, request)
    step = pending(world, request, signed, now)
    signer = _signer(world, request, step, signed, actor, now)
    assert step is not None
    if command.decision is not Decision.APPROVE and not command.opinion.strip():
        raise bad_value("opinion", "say what is missing or why not")
    if command.decision is Decision.APPROVE and request.clock_stopped_at is not None:
        raise waiting_for_quotes(request.id, request.clock_stopped_for)
    approval = _signed(world, request, step.id, signer, command.decision, command.opinion, now)
    if command.decision is Decision.APPROVE:
        return _approved(world, request, (*signed, approval), now)
    if command.decision is Decision.RETURN and not request.reclaims:  # nobody would complete it
        return send_back(world, request, command.opinion, now)
    return _refused(world, request, command.opinion, now)


@handles(Role.DEPARTMENT_LEAD, Role.DEPARTMENT_USER, deputies=(Role.DEPARTMENT_USER,))
def resubmit_request(
    world: World, command: ResubmitRequest, actor: Actor, now: datetime
) -> ResourceRequest:
    if not actor.has(Role.DEPARTMENT_LEAD) and not stood_for(world, actor.user_id, now):
        raise forbidden("resubmit_request", (Role.DEPARTMENT_LEAD,))
    request = locked_request(world, command.request_id)
    signer = _lead(world, request, actor, now)
    if request.state is not RequestState.RETURNED:
        moves = request.LIFECYCLE.moves[request.state] - {str(RequestState.SUBMITTED)}
        to = RequestState.SUBMITTED
        raise illegal_transition("ResourceRequest", request.id, request.state, to, moves)
    lines = request.lines if command.lines is None else command.lines
    application = world.get(Application, request.application_id)
    require_admission(world, application, request, now)
    moved = advance_from(
        request,
        (RequestState.RETURNED,),
        RequestState.SUBMITTED,
        lines=checked_lines(world, request.kind, lines, application),
        reason=request.reason if command.reason is None else command.reason,
        outcome="",
    )
    _signed(world, request, "unit", signer, Decision.APPROVE, RESUBMITTED, now)
    return await_next(world, priced(world, moved, now), now)


@handles(*_DESK)
def wait_for_quotes(
    world: World, command: WaitForQuotes, actor: Actor, now: datetime
) -> ResourceRequest:
    request = _at_the_desk(world, command.request_id, actor)
    if not command.reason.strip():
        raise bad_value("reason", "say which quotes are asked for")
    if request.clock_stopped_at is not None:
        raise waiting_for_quotes(request.id, request.clock_stopped_for)
    return world.put(stop_waiting(world, request, command.reason, now))


@handles(*_DESK)
def go_on_with_review(
    world: World, command: GoOnWithReview, actor: Actor, now: datetime
) -> ResourceRequest:
    request = _at_the_desk(world, command.request_id, actor)
    if request.clock_stopped_at is None:
        raise bad_value("request_id", f"{request.id} does not wait for quotes; its clock runs")
    return world.put(go_on(world, request, now))


def locked_request(world: World, id: str) -> ResourceRequest:
    """The request as it is now, and nobody else's to change until the transaction ends."""
    world.get(ResourceRequest, id)
    world.lock((ResourceRequest, id))
    return world.get(ResourceRequest, id)


def _signer(
    world: World,
    request: ResourceRequest,
    step: ChainStep | None,
    signed: tuple[Approval, ...],
    actor: Actor,
    now: datetime,
) -> Signer:
    """As what the actor signs; who neither may sign nor sees the request is told that there is
    none."""
    if step is None:
        _require_sight(request, actor)
        steps = steps_for(world, request, now)
        waiting = approvals.pending_step(steps, signed, request.round)
        raise not_your_step(waiting.id if waiting else "none", waiting.role if waiting else "-")
    ask = asked(world, request, step, signed, now)
    if all(each.user_id != actor.user_id for each in signers(ask)):
        _require_sight(request, actor)
    return signer_of(ask, actor)


def _require_sight(request: ResourceRequest, actor: Actor) -> None:
    mine = request.department_id in actor.organisations(*_OF_A_DEPARTMENT)
    if not (actor.city_wide or mine or request.region_id in actor.counties):
        raise not_found("ResourceRequest", request.id)


def _lead(world: World, request: ResourceRequest, actor: Actor, now: datetime) -> Signer:
    """The department's lead, or who stands in for him; the round's other signatures are void."""
    own = actor.has_in(request.department_id, Role.DEPARTMENT_LEAD)
    given = stood_for(world, actor.user_id, now)
    principals = [
        each.principal_id
        for each in given
        if (each.role, each.organisation_id) == (Role.DEPARTMENT_LEAD, request.department_id)
    ]
    if not own and not principals:
        raise not_found("ResourceRequest", request.id)
    people = {actor.user_id, *(each.principal_id for each in given)}
    if request.submitter_id in people:
        raise own_submission(request.submitter_id)
    return Signer(
        user_id=actor.user_id,
        role=Role.DEPARTMENT_LEAD,
        organisation_id=request.department_id,
        standing=Standing.STEP,
        on_behalf_of=None if own else principals[0],
    )


def _at_the_desk(world: World, id: str, actor: Actor) -> ResourceRequest:
    require_city_office(actor, "ResourceRequest", id, *_DESK)
    request = locked_request(world, id)
    if request.state not in _WAITABLE:
        raise not_your_step("none", "the desk")
    return request


def _signed(
    world: World,
    request: ResourceRequest,
    step: str,
    signer: Signer,
    decision: Decision,
    opinion: str,
    now: datetime,
) -> Approval:
    return world.put(
        Approval(
            id=f"{request.id}/{request.round}/{step}",
            request_id=request.id,
            round=request.round,
            step=step,
            role=signer.role,
            user_id=signer.user_id,
            decision=decision,
            opinion=opinion,
            at=now,
            on_behalf_of=signer.on_behalf_of,
            standing=signer.standing,
        )
    )


def _approved(
    world: World, request: ResourceRequest, signed: tuple[Approval, ...], now: datetime
) -> ResourceRequest:
    """A step was approved: ask for the next, or carry out what the last signature says."""
    steps = steps_for(world, request, now)
    following = approvals.pending_step(steps, signed, request.round)
    if request.state is RequestState.RATIFYING:
        if following is not None:
            return clocked(world, request, following, now)
        stop_clocks(world, request.id)
        return world.put(advance(unasked(request), RequestState.COMPLETED, ended_at=now))
    if request.kind is RequestKind.EMERGENCY and request.state is RequestState.SUBMITTED:
        return _carried_out_at_once(world, request, following, now)
    if following is None:
        request, following = _looked_at_again(world, request, signed, now)
    if following is not None:
        moved = request
        if following.state is not request.state:
            moved = advance(request, following.state)
        return clocked(world, moved, following, now)
    bound = bind(world, unasked(request), now)
    stop_clocks(world, request.id)
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
    again = looked_at_again(world, request, now)
    more = [each for each in steps_for(world, again, now) if each.state is request.state]
    return again, approvals.pending_step(more, signed, request.round)


def _carried_out_at_once(
    world: World, request: ResourceRequest, following: ChainStep | None, now: datetime
) -> ResourceRequest:
    """An accepted emergency is ordered at once; its review is signed afterwards."""
    if following is None:
        raise bad_value("chain", "the approval chain has no step that ratifies an emergency")
    bound = bind(world, unasked(request), now)
    stop_clocks(world, request.id)
    moved = advance(bound, RequestState.PROVISIONING, approved_at=now, dispatched_at=now)
    return dispatch(world, moved, now)


def send_back(
    world: World, request: ResourceRequest, opinion: str, now: datetime
) -> ResourceRequest:
    to = RequestState.RETURNED
    if request.state is RequestState.UNIT_SIGNING:
        to = RequestState.DRAFT
    stop_clocks(world, request.id)
    return world.put(
        advance(
            unasked(request),
            to,
            round=request.round + 1,
            resubmitted=to is RequestState.RETURNED,
            outcome=opinion,
        )
    )


def _refused(
    world: World, request: ResourceRequest, opinion: str, now: datetime
) -> ResourceRequest:
    stop_clocks(world, request.id)
    if request.state is RequestState.RATIFYING:
        moved = advance(unasked(request), RequestState.RECLAIMING, outcome=opinion)
        return reclaim(world, moved, now)
    if request.state is RequestState.UNIT_SIGNING:
        return send_back(world, request, opinion, now)
    in_review = request.state is RequestState.IN_REVIEW
    to = RequestState.REJECTED if in_review else RequestState.NOT_ACCEPTED
    return world.put(advance(unasked(request), to, ended_at=now, outcome=opinion))
