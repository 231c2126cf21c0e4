"""The steps a request passes and the clock of the one it waits for: asking, waiting, overdue.

Owns that clock; what a signature does is `approvals`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cloudmgr.domain import approvals
from cloudmgr.domain.approvals import Approval, ChainStep, Signer
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays, workdays_between
from cloudmgr.services import timers
from cloudmgr.services.approvals_signers import asked, signers
from cloudmgr.services.policies import policy_now, region_of
from cloudmgr.services.world import Message, World

_INSTANT = timedelta(microseconds=1)


def steps_for(world: World, request: ResourceRequest, now: datetime) -> tuple[ChainStep, ...]:
    """The steps of the chain in force that the request passes in its round, in order."""
    level = region_of(world, request.department_id).level
    return approvals.steps_of(policy_now(world, now).chain, request, level)


def signatures(world: World, request: ResourceRequest) -> tuple[Approval, ...]:
    return world.find(Approval, request_id=request.id)


def pending(
    world: World, request: ResourceRequest, signed: tuple[Approval, ...], now: datetime
) -> ChainStep | None:
    """The step the request waits for in its present state; None when it waits for nobody."""
    step = approvals.pending_step(steps_for(world, request, now), signed, request.round)
    if step is None or request.state is not approvals.signing_state(step, request):
        return None
    return step


def signers_now(world: World, request: ResourceRequest, now: datetime) -> tuple[Signer, ...]:
    """Who may sign what the request waits for; nobody when it waits for no signature."""
    signed = signatures(world, request)
    step = pending(world, request, signed, now)
    return signers(asked(world, request, step, signed, now)) if step else ()


def await_next(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    step = approvals.pending_step(
        steps_for(world, request, now), signatures(world, request), request.round
    )
    if step is None:
        raise bad_value("chain", "the approval chain has no step for this request")
    return clocked(world, request, step, now)


def clocked(
    world: World, request: ResourceRequest, step: ChainStep, now: datetime
) -> ResourceRequest:
    """Ask for a step's signature: its clock begins and its people are told."""
    due = add_workdays(now, step.limit_workdays)
    timers.cancel(world, "signature_reminder", request.id)
    timers.schedule(world, "request_overdue", request.id, due)
    waiting = world.put(
        replace(
            request,
            due_at=due,
            overdue=False,
            awaiting_step=step.id,
            awaiting_role=str(step.role),
        )
    )
    _tell(world, "signature_asked", waiting, now)
    return waiting


def stop_waiting(
    world: World, request: ResourceRequest, why: str, now: datetime
) -> ResourceRequest:
    """The clock of the present step stands still; what is left of it is kept."""
    timers.cancel(world, "request_overdue", request.id)
    timers.cancel(world, "signature_reminder", request.id)
    due = request.due_at
    left = workdays_between(now, due - _INSTANT) if due is not None and due > now else 0
    return replace(
        request,
        clock_stopped_at=now,
        clock_stopped_for=why,
        clock_left_workdays=left,
        due_at=due if request.overdue else None,
    )


def go_on(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """The clock goes on with the working days it had left; what was overdue stays so."""
    due = request.due_at
    if not request.overdue:
        due = add_workdays(now, request.clock_left_workdays)
        timers.schedule(world, "request_overdue", request.id, due)
    return replace(
        request, clock_stopped_at=None, clock_stopped_for="", clock_left_workdays=0, due_at=due
    )


def unasked(request: ResourceRequest) -> ResourceRequest:
    """Nobody's signature is awaited any more."""
    return replace(
        request,
        awaiting_step="",
        awaiting_role="",
        overdue=False,
        due_at=None,
        clock_stopped_at=None,
        clock_stopped_for="",
        clock_left_workdays=0,
    )


def stop_clocks(world: World, request_id: str) -> None:
    for kind in (
        "request_overdue",
        "signature_reminder",
        "request_expiry",
        "request_failed_hold",
    ):
        timers.cancel(world, kind, request_id)


@timers.on_timer("request_overdue")
def mark_overdue(world: World, timer: Timer, at: datetime) -> None:
    """Being overdue adds signers, never a signature: it is marked, told, and told again."""
    request = world.get(ResourceRequest, timer.subject_id)
    late = world.put(replace(request, overdue=True))
    for index, days in enumerate(policy_now(world, at).clocks.reminder_workdays):
        due = add_workdays(at, days)
        timers.schedule(world, "signature_reminder", late.id, due, note=str(index))
    _tell(world, "signature_overdue", late, at)


@timers.on_timer("signature_reminder")
def remind(world: World, timer: Timer, at: datetime) -> None:
    _tell(world, "signature_reminder", world.get(ResourceRequest, timer.subject_id), at)


def _tell(world: World, topic: str, request: ResourceRequest, at: datetime) -> None:
    """A message to everybody who may sign now."""
    payload = {
        "request_id": request.id,
        "department_id": request.department_id,
        "step": request.awaiting_step,
        "role": request.awaiting_role,
        "user_ids": [each.user_id for each in signers_now(world, request, at)],
    }
    world.outbox(Message(topic=topic, subject=request.id, payload=payload, at=at))
