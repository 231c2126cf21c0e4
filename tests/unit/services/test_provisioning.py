"""Work orders, delivery, confirmation, silence, failure and retry."""

from __future__ import annotations

import pytest

from cloudmgr.domain.allocations import Allocation, AllocationState, Reservation, ReservationState
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction, WorkOrderState
from cloudmgr.services.provisioning import (
    AcceptTrial,
    AcceptWorkOrder,
    CompleteWorkOrder,
    ConfirmDelivery,
    RefuseWorkOrder,
)
from cloudmgr.services.requests import SignRequest
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    accepted,
    allocation_of,
    approved,
    check_conserved,
    completed,
    confirmed,
    delivered,
    dispatched,
    done,
    look,
    orders,
    refused,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import Town, a_town

S = RequestState
BOTH_POOLS = (a_line(), a_line(line=2, sku_id="vm-kp"))


@pytest.fixture
def town() -> Town:
    return a_town()


def confirm(request: ResourceRequest, *, ok: bool = True, reason: str = "") -> ConfirmDelivery:
    return ConfirmDelivery(request_id=request.id, accepted=ok, reason=reason)


def pending(town: Town) -> list[str]:
    return [timer.kind for timer in town.all(Timer, state=TimerState.PENDING)]


# --- orders ---------------------------------------------------------------------------------


def test_every_pool_gets_one_order_with_its_own_lines(town: Town) -> None:
    lines = (*BOTH_POOLS, a_line(line=3, sku_id="setup"))
    request = dispatched(town, approved(town, *lines))
    found = {order.pool_id: order for order in orders(town, request)}
    assert {id: order.lines for id, order in found.items()} == {"kunpeng": (2,), "x86": (1, 3)}
    assert found["kunpeng"].provider_id == "rival"
    assert {order.due_at for order in found.values()} == {at("01-13 00:00")}, "5 working days"


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (RequestKind.CHANGE, WorkOrderAction.RESIZE),
        (RequestKind.RENEW, WorkOrderAction.RENEW),
        (RequestKind.RELEASE, WorkOrderAction.RELEASE),
        (RequestKind.RELOCATE, WorkOrderAction.PROVISION),
    ],
)
def test_an_order_says_what_is_to_be_done(
    town: Town, kind: RequestKind, action: WorkOrderAction
) -> None:
    allocation = running(town)
    request = dispatched(town, approved(town, a_line(allocation_id=allocation.id), kind=kind))
    (order,) = orders(town, request)
    assert order.action is action
    assert order.pool_id == ("kunpeng" if kind is RequestKind.RELOCATE else "x86")


def test_a_provider_works_on_its_own_orders_only(town: Town) -> None:
    (order,) = orders(town, dispatched(town, approved(town)))
    foreign = (
        AcceptWorkOrder(work_order_id=order.id),
        CompleteWorkOrder(work_order_id=order.id, deliveries=(Delivery(1, "x"),)),
        RefuseWorkOrder(work_order_id=order.id, reason="r"),
    )
    for command in foreign:
        assert town.code(command, "rival.engineer") == "not_found"


def test_an_order_is_accepted_before_it_is_done(town: Town) -> None:
    (order,) = orders(town, dispatched(town, approved(town)))
    close = CompleteWorkOrder(work_order_id=order.id, deliveries=(Delivery(1, "x"),))
    assert town.code(close, "prv.engineer") == "illegal_transition"


@pytest.mark.parametrize("lines", [(), (1, 1), (2,), (1, 2)])
def test_the_delivery_list_names_every_line_once(town: Town, lines: tuple[int, ...]) -> None:
    (order,) = orders(town, dispatched(town, approved(town)))
    accepted(town, order)
    list_ = tuple(Delivery(line, "x") for line in lines)
    close = CompleteWorkOrder(work_order_id=order.id, deliveries=list_)
    assert town.code(close, "prv.engineer") == "bad_value"


def test_a_request_is_delivered_when_its_last_pool_is_done(town: Town) -> None:
    request = dispatched(town, approved(town, *BOTH_POOLS))
    first, second = orders(town, request)
    done(town, first)
    assert look(town, request).state is S.PROVISIONING
    town.wait("01-06 11:00")
    done(town, second)
    request = look(town, request)
    assert (request.state, request.delivered_at) == (S.AWAITING_CONFIRMATION, at("01-06 11:00"))


def test_readings_may_come_from_the_delivery_on(town: Town) -> None:
    request = approved(town)
    assert allocation_of(town, request).life is None
    request = dispatched(town, request)
    town.wait("01-06 11:00")
    done(town, *orders(town, request))
    allocation = allocation_of(town, request)
    assert (allocation.state, allocation.delivered_at) == (
        AllocationState.RESERVED,
        at("01-06 11:00"),
    )
    assert allocation.provider_resource_id == "x86-WO-00000001-1"


# --- confirmation ---------------------------------------------------------------------------


def test_a_confirmed_delivery_runs(town: Town) -> None:
    request = completed(town, a_line(quantity=3))
    assert (request.state, request.deemed, request.awaiting_step) == (S.COMPLETED, False, "")
    assert allocation_of(town, request).state is AllocationState.TRIAL
    assert pending(town) == ["term_watch", "trial_end"]
    check_conserved(town)


def test_a_foreign_department_neither_accepts_nor_sends_back(town: Town) -> None:
    request = delivered(town)
    for ok in (True, False):
        assert town.code(confirm(request, ok=ok, reason="r"), "transport.user") == "not_found"
    assert town.code(confirm(request), "desk.a") == "forbidden"


@pytest.mark.parametrize("ok", [True, False])
@pytest.mark.parametrize("step", ["acceptance", "technical"])
def test_nothing_is_confirmed_or_sent_back_that_was_not_approved(
    town: Town, step: str, ok: bool
) -> None:
    """Sending back leads to `provisioning`: it must not be a way around the chain."""
    request = signed_until(town, submitted(town, a_line(pool_id="x86")), step)
    refusal = town.refusal(confirm(request, ok=ok, reason="r"), "health.user")
    assert refusal.code == "illegal_transition"
    assert refusal.details["state"] == request.state
    assert not town.all(WorkOrder)


@pytest.mark.parametrize("ok", [True, False])
def test_nothing_is_confirmed_before_it_is_delivered_nor_twice(town: Town, ok: bool) -> None:
    waiting = approved(town)
    failed = dispatched(town, approved(town))
    refused(town, orders(town, failed)[0])
    finished = completed(town)
    for request in (waiting, failed, finished):
        code = town.code(confirm(request, ok=ok, reason="r"), "health.user")
        assert code == "illegal_transition"


def test_what_is_sent_back_is_ordered_again_and_nothing_is_freed(town: Town) -> None:
    request = delivered(town)
    assert town.code(confirm(request, ok=False), "health.user") == "bad_value", "without a reason"
    request = town.give(confirm(request, ok=False, reason="too small"), "health.user")
    assert (request.state, request.reworks, request.outcome) == (S.PROVISIONING, 1, "too small")
    assert pending(town) == [], "nobody is reminded of what was sent back"
    assert [each.state for each in town.all(Reservation)] == [ReservationState.HELD]
    (order,) = orders(town, request)
    assert order.action is WorkOrderAction.REWORK
    done(town, order)
    assert confirmed(town, look(town, request)).state is S.COMPLETED
    check_conserved(town)


def test_silence_is_reminded_of_twice_and_then_counts_as_a_yes(town: Town) -> None:
    request = delivered(town)
    assert not [m for m in town.messages if m.topic.startswith("delivery")]
    town.wait("02-02 09:00")
    assert [
        (m.topic, m.subject, m.at) for m in town.messages if m.topic.startswith("delivery")
    ] == [
        ("delivery_reminder", request.id, at("01-08 00:00")),
        ("delivery_reminder", request.id, at("01-10 00:00")),
    ]
    request = look(town, request)
    # Five working days after Monday 5 January, whenever the clock was moved.
    assert (request.state, request.deemed) == (S.COMPLETED, True)
    assert request.ended_at == at("01-13 00:00")


def test_who_answers_is_not_reminded(town: Town) -> None:
    confirmed(town, delivered(town))
    town.wait("01-20 09:00")
    assert not [each for each in town.messages if each.topic.startswith("delivery")]


# --- trials ---------------------------------------------------------------------------------


def test_a_trial_ends_by_itself_after_its_days(town: Town) -> None:
    allocation = running(town)
    assert allocation.trial_until == at("02-04 00:00"), "30 days from the day of delivery"
    town.wait("02-20 09:00")
    ended = town.look(Allocation, allocation.id)
    assert ended.state is AllocationState.ACTIVE
    assert ended.segments[-1].start == at("02-04 00:00")


def test_a_trial_accepted_early_is_charged_from_then_on_and_ends_once(town: Town) -> None:
    allocation = running(town)
    town.wait("01-20 15:00")
    accept = AcceptTrial(allocation_id=allocation.id)
    assert town.code(accept, "transport.user") == "not_found"
    active = town.give(accept, "health.user")
    assert active.segments[-1].start == at("01-20 15:00")
    assert town.code(accept, "health.user") == "illegal_transition"
    town.wait("03-01 00:00")
    assert len(town.look(Allocation, allocation.id).segments) == 2


def test_what_was_not_delivered_has_no_trial_to_accept(town: Town) -> None:
    request = approved(town)
    accept = AcceptTrial(allocation_id=allocation_of(town, request).id)
    assert town.code(accept, "health.user") == "illegal_transition"


# --- failure --------------------------------------------------------------------------------


def test_a_refused_order_fails_the_request_and_holds_everything(town: Town) -> None:
    request = dispatched(town, approved(town, *BOTH_POOLS))
    first, second = orders(town, request)
    refused(town, first, "no image")
    request = look(town, request)
    assert (request.state, request.outcome) == (S.FAILED, "no image")
    assert request.due_at == at("01-20 00:00"), "held for ten working days"
    assert {each.state for each in town.all(Reservation)} == {ReservationState.HELD}
    other = town.look(WorkOrder, second.id)
    assert (other.state, other.refusal) == (
        WorkOrderState.REFUSED,
        f"{first.id} of the request was refused",
    )


def test_a_refusal_has_a_reason(town: Town) -> None:
    (order,) = orders(town, dispatched(town, approved(town)))
    silent = RefuseWorkOrder(work_order_id=order.id, reason=" ")
    assert town.code(silent, "prv.engineer") == "bad_value"


def test_a_failed_request_is_cancelled_when_its_hold_ends_and_everything_is_freed(
    town: Town,
) -> None:
    request = dispatched(town, approved(town, *BOTH_POOLS))
    first, second = orders(town, request)
    done(town, first)
    refused(town, second)
    town.wait("02-02 09:00")
    request = look(town, request)
    assert (request.state, request.ended_at) == (S.CANCELLED, at("01-20 00:00"))
    assert {each.state for each in town.all(Reservation)} == {ReservationState.RELEASED}
    check_conserved(town)
    # What one pool had delivered already takes no readings any more.
    life = allocation_of(town, request, line=2).life
    assert life is not None
    assert life.end == at("01-20 00:00")


def test_a_retry_orders_what_was_refused_and_not_what_was_delivered(town: Town) -> None:
    request = dispatched(town, approved(town, *BOTH_POOLS))
    first, second = orders(town, request)
    done(town, first)
    refused(town, second)
    request = dispatched(town, request)
    (again,) = orders(town, request)
    assert (again.pool_id, again.action) == (second.pool_id, WorkOrderAction.PROVISION)
    assert pending(town) == []
    done(town, again)
    assert confirmed(town, look(town, request)).state is S.COMPLETED
    check_conserved(town)


def test_a_refused_rework_can_be_retried(town: Town) -> None:
    request = town.give(confirm(delivered(town), ok=False, reason="too small"), "health.user")
    refused(town, orders(town, request)[0])
    request = dispatched(town, look(town, request))
    (again,) = orders(town, request)
    assert again.action is WorkOrderAction.REWORK
    done(town, again)
    assert confirmed(town, look(town, request)).state is S.COMPLETED


def test_an_order_is_answered_once(town: Town) -> None:
    request = dispatched(town, approved(town))
    (order,) = orders(town, request)
    done(town, order)
    late = RefuseWorkOrder(work_order_id=order.id, reason="r")
    refusal = town.refusal(late, "prv.engineer")
    assert refusal.details == {"state": "done", "to": "refused"}


# --- emergencies ----------------------------------------------------------------------------


def emergency(town: Town) -> ResourceRequest:
    """Delivered and confirmed; its ratification is awaited."""
    return completed(town, kind=RequestKind.EMERGENCY)


def test_an_emergency_is_ordered_when_the_desk_accepts_it(town: Town) -> None:
    request = signed_until(town, submitted(town, kind=RequestKind.EMERGENCY), "acceptance")
    request = signed(town, request)
    assert (request.state, request.approved_at) == (S.PROVISIONING, town.now)
    assert len(orders(town, request)) == 1


def test_an_emergency_runs_before_it_is_ratified(town: Town) -> None:
    request = emergency(town)
    assert (request.state, request.awaiting_step) == (S.RATIFYING, "technical")
    assert request.due_at == at("01-09 00:00"), "three working days"
    assert allocation_of(town, request).state is AllocationState.ACTIVE
    town.wait("01-09 00:00")
    assert look(town, request).overdue
    request = signed(town, look(town, request))
    assert (request.state, request.ended_at) == (S.COMPLETED, at("01-09 00:00"))
    check_conserved(town)


def test_an_unanswered_emergency_is_deemed_delivered_and_still_ratified(town: Town) -> None:
    request = delivered(town, kind=RequestKind.EMERGENCY)
    town.wait("01-13 00:00")
    request = look(town, request)
    assert (request.state, request.deemed) == (S.RATIFYING, True)
    assert signed(town, request).deemed


def test_an_emergency_that_is_not_ratified_is_reclaimed(town: Town) -> None:
    request = signed(town, emergency(town), Decision.REJECT)
    assert (request.state, request.awaiting_step) == (S.RECLAIMING, "")
    (order,) = orders(town, request)
    assert order.action is WorkOrderAction.RELEASE
    refuse = RefuseWorkOrder(work_order_id=order.id, reason="r")
    assert town.code(refuse, "prv.engineer") == "illegal_transition"
    town.wait("01-07 10:00")
    done(town, order)
    request = look(town, request)
    assert (request.state, request.ended_at) == (S.CANCELLED, at("01-07 10:00"))
    allocation = allocation_of(town, request)
    assert (allocation.state, allocation.ended_at) == (
        AllocationState.RELEASED,
        at("01-07 10:00"),
    )
    assert pending(town) == []
    check_conserved(town)


def test_a_ratification_is_not_returned(town: Town) -> None:
    request = emergency(town)
    back = SignRequest(request_id=request.id, decision=Decision.RETURN, opinion="r")
    assert town.refusal(back, "centre.a").details == {"state": "ratifying", "to": "returned"}
