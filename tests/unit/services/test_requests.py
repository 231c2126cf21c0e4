"""Requests from draft to order, without their signatures: what they are, cost and when they end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Reservation, ReservationState
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import MAX_LINES, RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.pools import SetInventory
from cloudmgr.services.requests import (
    DispatchRequest,
    EditDraft,
    ResubmitRequest,
    SignRequest,
    SubmitRequest,
    WithdrawRequest,
)
from tests.support.assessments import at
from tests.support.requests import (
    a_draft,
    a_line,
    approved,
    check_conserved,
    completed,
    dispatched,
    drafted,
    look,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.supply import VCPU
from tests.support.worlds import Town, a_town

S = RequestState
APPROVE, RETURN, REJECT = Decision.APPROVE, Decision.RETURN, Decision.REJECT


@pytest.fixture
def town() -> Town:
    return a_town()


def sign(request: ResourceRequest, decision: Decision = APPROVE) -> SignRequest:
    return SignRequest(request_id=request.id, decision=decision, opinion="a reason")


def submit(request: ResourceRequest) -> SubmitRequest:
    return SubmitRequest(request_id=request.id)


# --- drafting -------------------------------------------------------------------------------


def test_a_draft_reserves_nothing_and_asks_nobody(town: Town) -> None:
    request = drafted(town)
    assert (request.state, request.awaiting_step, request.submitter_id) == (
        S.DRAFT,
        "",
        "health.user",
    )
    assert not town.all(Reservation)
    assert not town.all(Timer)


def test_nobody_drafts_for_another_department_or_its_systems(town: Town) -> None:
    assert town.code(a_draft(), "transport.user") == "not_found"
    foreign = replace(a_draft(), application_id="transport-app")
    assert town.code(foreign, "health.user") == "not_found"
    assert town.code(a_draft(), "health.lead") == "forbidden"


def test_work_on_anothers_allocation_or_on_none_is_refused(town: Town) -> None:
    theirs = running(town, department="transport")
    for id in (theirs.id, "ALC-99999999"):
        command = a_draft(a_line(allocation_id=id), kind=RequestKind.RELEASE)
        assert town.code(command, "health.user") == "not_found"


def test_only_a_change_alters_what_runs(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    other_sku = a_line(sku_id="vm-large", quantity=2, allocation_id=allocation.id)
    more = a_line(quantity=3, allocation_id=allocation.id)
    for kind in (RequestKind.RENEW, RequestKind.RELEASE, RequestKind.RELOCATE):
        for line in (other_sku, more):
            assert town.code(a_draft(line, kind=kind), "health.user") == "bad_value"
    drafted(town, more, kind=RequestKind.CHANGE)


def test_work_on_what_ended_is_refused(town: Town) -> None:
    allocation = running(town)
    line = a_line(allocation_id=allocation.id)
    completed(town, line, kind=RequestKind.RELEASE)
    assert town.code(a_draft(line, kind=RequestKind.RENEW), "health.user") == "bad_value"


# --- submitting -----------------------------------------------------------------------------


def test_submitting_prices_the_request_and_asks_the_departments_lead(town: Town) -> None:
    request = submitted(town, a_line(quantity=3))
    assert (request.state, request.awaiting_step) == (S.UNIT_SIGNING, "unit")
    assert request.awaiting_role == Role.DEPARTMENT_LEAD
    assert request.due_at == at("01-08 00:00"), "two working days after Monday"
    # Three machines at the dearer of the two pools, 950 yuan in kunpeng.
    assert request.monthly_price == request.threshold_price == Decimal("2850.00")
    assert not town.all(Reservation)


def test_submitting_twice_is_illegal_and_names_both_states(town: Town) -> None:
    request = submitted(town)
    refused = town.refusal(submit(request), "health.user")
    assert refused.code == "illegal_transition"
    assert refused.details == {"state": "unit_signing", "to": "unit_signing"}


def test_a_foreign_department_cannot_submit_withdraw_or_resubmit(town: Town) -> None:
    request = drafted(town)
    withdraw = WithdrawRequest(request_id=request.id, reason="r")
    assert town.code(submit(request), "transport.user") == "not_found"
    assert town.code(withdraw, "transport.user") == "not_found"
    assert town.code(ResubmitRequest(request_id=request.id), "transport.lead") == "not_found"
    assert town.code(sign(request), "transport.lead") == "not_found"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"classified": True}, "too_secret_for_cloud"),
        ({"mlps_level": 1}, "mlps_too_low"),
        ({"security_check_passed": False}, "security_check_missing"),
        ({"approval_document": ""}, "project_approval_missing"),
    ],
)
def test_a_system_out_of_order_is_not_admitted(
    town: Town, changed: dict[str, object], code: str
) -> None:
    request = drafted(town)
    town.change(_application(town), **changed)
    assert town.code(submit(request), "health.user") == code


def _application(town: Town) -> Application:
    found: Application = town.look(Application, "health-app")
    return found


def test_a_need_no_pool_could_meet_is_refused_with_the_reason_of_each_pool(town: Town) -> None:
    town.change(town.look(ResourcePool, "x86"), state=PoolState.RETIRING)
    town.change(_application(town), mlps_level=3, important=True)
    town.change(town.look(ResourcePool, "kunpeng"), mlps_level=2)
    refused = town.refusal(submit(drafted(town)), "health.user")
    assert refused.code == "no_pool"
    assert "kunpeng refused by mlps, x86 refused by life" in refused.message


def test_growth_in_a_restricted_pool_is_refused_and_shrinking_is_not(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    town.change(town.look(ResourcePool, "x86"), state=PoolState.RESTRICTED)
    grow = a_line(quantity=3, allocation_id=allocation.id)
    shrink = a_line(quantity=1, allocation_id=allocation.id)
    request = drafted(town, grow, kind=RequestKind.CHANGE)
    assert town.code(submit(request), "health.user") == "no_pool"
    assert completed(town, shrink, kind=RequestKind.CHANGE).state is S.COMPLETED


def test_pools_that_are_full_today_do_not_stop_a_submission_nor_hide_its_price(town: Town) -> None:
    request = submitted(town, a_line(quantity=45))  # 90 vCPU of kunpeng's 100 would be left
    assert request.monthly_price == Decimal("42750.00")
    crowded = submitted(town, a_line(quantity=60))  # 120 vCPU: in neither pool
    assert crowded.monthly_price == Decimal("57000.00")


def test_what_is_billed_by_use_says_how_much_is_expected(town: Town) -> None:
    silent = drafted(town, a_line(sku_id="traffic"))
    assert town.code(submit(silent), "health.user") == "bad_value"
    told = submitted(town, a_line(sku_id="traffic", estimate_units=1000))
    assert told.monthly_price == Decimal("600.00")


def test_an_item_that_is_not_sold_is_refused(town: Town) -> None:
    assert town.code(submit(drafted(town, a_line(sku_id="gold"))), "health.user") == "unknown_sku"


def test_over_budget_is_what_the_year_would_commit_and_not_one_month(town: Town) -> None:
    """500 000 yuan are there; 46 machines at 950 yuan are 43 700 a month, from 13 January on."""
    request = submitted(town, a_line(quantity=46))
    assert request.over_budget
    assert not submitted(town, a_line(quantity=40, term_months=2)).over_budget


# --- withdrawing, expiring, dispatching -----------------------------------------------------


@pytest.mark.parametrize("step", ["acceptance", "technical"])
def test_a_request_is_withdrawn_while_it_is_looked_at(town: Town, step: str) -> None:
    request = signed_until(town, submitted(town), step)
    withdraw = WithdrawRequest(request_id=request.id, reason="no money")
    request = town.give(withdraw, "health.lead")
    assert (request.state, request.outcome, request.due_at) == (S.WITHDRAWN, "no money", None)
    assert not town.all(Timer, state=TimerState.PENDING)


def test_withdrawing_after_the_approval_frees_everything(town: Town) -> None:
    request = approved(town, a_line(quantity=5))
    town.give(WithdrawRequest(request_id=request.id, reason="r"), "health.user")
    assert [each.state for each in town.all(Reservation)] == [ReservationState.RELEASED]
    assert not town.all(Timer, state=TimerState.PENDING)
    check_conserved(town)
    _nothing_is_taken(town)


def _nothing_is_taken(town: Town) -> None:
    fresh = a_town()
    for kind in (Inventory, Quota, Budget):
        before = {each.id: replace(each, version=0) for each in fresh.all(kind)}
        assert {each.id: replace(each, version=0) for each in town.all(kind)} == before


def test_what_is_carried_out_cannot_be_withdrawn(town: Town) -> None:
    request = dispatched(town, approved(town))
    refused = town.refusal(WithdrawRequest(request_id=request.id, reason="r"), "health.user")
    assert refused.details == {"state": "provisioning", "to": "withdrawn"}


def test_an_approval_nobody_dispatches_expires_after_fifteen_working_days(town: Town) -> None:
    request = approved(town)
    assert request.due_at == at("01-27 00:00")
    town.wait("01-26 23:59")
    assert look(town, request).state is S.APPROVED
    town.wait("01-28 12:00")
    expired = look(town, request)
    assert (expired.state, expired.ended_at) == (S.EXPIRED, at("01-27 00:00"))
    _nothing_is_taken(town)


def test_a_dispatched_request_does_not_expire(town: Town) -> None:
    request = dispatched(town, approved(town))
    town.wait("02-13 09:00")
    assert look(town, request).state is S.PROVISIONING


@pytest.mark.parametrize("step", ["unit", "acceptance", "technical"])
def test_nothing_is_dispatched_that_was_not_approved(town: Town, step: str) -> None:
    request = signed_until(town, submitted(town, a_line(pool_id="x86")), step)
    refused = town.refusal(DispatchRequest(request_id=request.id), "desk.a")
    assert refused.code == "illegal_transition"
    assert refused.details == {"state": request.state, "to": "provisioning"}


def test_an_overdue_step_is_marked_and_not_signed(town: Town) -> None:
    request = submitted(town)
    town.wait("01-08 00:00")
    request = look(town, request)
    assert (request.state, request.overdue) == (S.UNIT_SIGNING, True)
    request = signed(town, request)
    assert not request.overdue, "the next step has a clock of its own"
    assert request.due_at == at("01-14 00:00"), "three working days after Thursday"


# --- editing and giving up a draft ----------------------------------------------------------


def test_a_draft_is_written_anew_as_far_as_given(town: Town) -> None:
    draft = drafted(town, a_line(quantity=2))
    other = EditDraft(request_id=draft.id, lines=(a_line(sku_id="vm-large", quantity=3),))
    edited = town.give(other, "health.user")
    assert [(each.sku_id, each.quantity) for each in edited.lines] == [("vm-large", 3)]
    assert (edited.reason, edited.application_id) == (draft.reason, draft.application_id)
    edited = town.give(EditDraft(request_id=draft.id, reason="another"), "health.user")
    assert (edited.reason, edited.lines[0].sku_id) == ("another", "vm-large")


def test_only_a_draft_is_edited_by_its_own_department_and_never_to_nothing(town: Town) -> None:
    draft = drafted(town)
    edit = EditDraft(request_id=draft.id, reason="another")
    assert town.code(edit, "transport.user") == "not_found"
    assert town.code(edit, "health.lead") == "forbidden"
    assert town.code(EditDraft(request_id=draft.id), "health.user") == "bad_value"
    assert town.code(EditDraft(request_id=draft.id, lines=()), "health.user") == "bad_value"
    town.give(submit(draft), "health.user")
    assert town.code(edit, "health.user") == "not_a_draft"
    signed(town, look(town, draft), RETURN)
    assert town.give(edit, "health.user").state is S.DRAFT, "the lead sent it back to one"


def test_a_draft_is_given_up_by_withdrawing_it(town: Town) -> None:
    draft = drafted(town)
    withdrawn = town.give(WithdrawRequest(request_id=draft.id, reason="no need"), "health.user")
    assert (withdrawn.state, withdrawn.outcome) == (S.WITHDRAWN, "no need")
    assert town.code(submit(draft), "health.user") == "illegal_transition"


def test_submitting_warns_of_what_would_refuse_the_last_signature_and_refuses_nothing(
    town: Town,
) -> None:
    town.change(town.look(Budget, "treasury/health/2026"), approved=Decimal("10.00"))
    town.give(SetInventory(pool_id="kunpeng", resource_class=VCPU, total=1), "centre.a")
    request = submitted(town, a_line(quantity=60))  # 120 vCPU of 60, and of 100 in the larger pool
    assert request.state is S.UNIT_SIGNING
    assert [each.code for each in request.warnings] == [
        "quota_exceeded",
        "no_pool",
        "budget_exceeded",
    ]
    assert not submitted(town, department="transport").warnings


def test_a_request_has_no_more_lines_than_one_approval_binds(town: Town) -> None:
    lines = [a_line(line=number) for number in range(1, MAX_LINES + 2)]
    assert town.code(a_draft(*lines), "health.user") == "bad_value"
    drafted(town, *lines[:-1])
