"""The approval of a request: who signs which step, what a return voids, what a refusal ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.money import amount
from catalog.tiers import flat
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Reservation, ReservationState
from cloudmgr.domain.approvals import Approval, Decision
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.requests import (
    ResubmitRequest,
    SignRequest,
    SubmitRequest,
)
from tests.support.requests import (
    a_line,
    approved,
    completed,
    drafted,
    resubmitted,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import Town, a_person, a_town

S = RequestState
APPROVE, RETURN, REJECT = Decision.APPROVE, Decision.RETURN, Decision.REJECT


@pytest.fixture
def town() -> Town:
    return a_town()


def sign(request: ResourceRequest, decision: Decision = APPROVE) -> SignRequest:
    return SignRequest(request_id=request.id, decision=decision, opinion="a reason")


def submit(request: ResourceRequest) -> SubmitRequest:
    return SubmitRequest(request_id=request.id)


# --- signing --------------------------------------------------------------------------------


def test_the_last_signature_approves_and_binds(town: Town) -> None:
    request = signed_until(town, submitted(town), "technical")
    assert not town.all(Reservation)
    request = signed(town, request)
    assert (request.state, request.awaiting_step) == (S.APPROVED, "")
    assert [each.state for each in town.all(Reservation)] == [ReservationState.HELD]
    assert [each.step for each in town.all(Approval)] == ["acceptance", "technical", "unit"]
    assert request.placement[0].startswith("line 1: x86: price 900.00")


def test_the_submitter_does_not_approve_even_as_the_lead(town: Town) -> None:
    request = town.give(submit(drafted(town, by="health.both")), "health.both")
    assert town.code(sign(request), "health.both") == "own_submission"
    assert signed(town, request).state is S.SUBMITTED


def test_one_person_does_not_sign_two_steps_of_a_round(town: Town) -> None:
    roles = (Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
    town.keep(*a_person(login="twice", organisation_id="desk", roles=roles))
    request = signed_until(town, submitted(town), "acceptance")
    request = town.give(sign(request), "twice")
    assert request.awaiting_step == "technical"
    assert town.code(sign(request), "twice") == "signed_already"


def test_a_step_is_signed_by_its_role_only(town: Town) -> None:
    request = submitted(town)
    for person in ("centre.a", "treasury.a", "bureau.a", "desk.a"):
        assert town.code(sign(request), person) == "not_your_step"
    assert town.code(sign(request), "health.user") == "forbidden"
    assert town.code(sign(request), "prv.engineer") == "forbidden"


def test_nobody_signs_what_waits_for_nobody(town: Town) -> None:
    draft = drafted(town)
    assert town.code(sign(draft), "health.lead") == "not_your_step"
    finished = completed(town)
    assert town.code(sign(finished), "centre.b") == "not_your_step"


def test_a_countys_request_passes_its_own_reviewer_and_no_other_countys_office(town: Town) -> None:
    request = signed(town, submitted(town, department="county-health"))
    assert (request.state, request.awaiting_step) == (S.FIRST_REVIEW, "county")
    assert town.code(sign(request), "centre.a") == "not_your_step"
    request = signed(town, request)
    assert request.state is S.SUBMITTED


def test_a_countys_offices_sign_nothing_for_the_city(town: Town) -> None:
    theirs = signed_until(town, submitted(town), "technical")
    assert town.code(sign(theirs), "county-centre.a") == "not_found"
    own = signed_until(town, submitted(town, department="county-health"), "technical")
    assert town.code(sign(own), "county-centre.a") == "not_your_step", "it is the city's step"


def test_money_brings_finance_and_the_authoritys_head(town: Town) -> None:
    town.change(_quota(town, "health"), limit_units=400)
    town.change(_quota(town, "city"), limit_units=400)
    request = submitted(town, a_line(quantity=25))  # 23 750 a month
    assert signed_until(town, request, "finance").state is S.IN_REVIEW
    dear = submitted(town, a_line(quantity=110))  # 104 500 a month
    assert signed_until(town, dear, "head").state is S.IN_REVIEW


def _quota(town: Town, scope_id: str) -> Quota:
    found: Quota = town.look(Quota, f"{scope_id}/VCPU")
    return found


def test_splitting_a_request_does_not_get_around_a_step(town: Town) -> None:
    approved(town, a_line(quantity=15))  # 14 250 a month
    second = submitted(town, a_line(quantity=10))  # 9 500, together 23 750
    assert second.threshold_price == Decimal("23750.00")
    assert signed_until(town, second, "finance")


def test_halves_submitted_together_meet_at_the_last_signature(town: Town) -> None:
    first, second = (submitted(town, a_line(quantity=11)) for _ in range(2))
    assert second.threshold_price == Decimal("10450.00")
    while first.awaiting_step:
        first = signed(town, first)
    second = signed(town, signed_until(town, second, "technical"))
    assert (second.state, second.awaiting_step) == (S.IN_REVIEW, "finance")
    assert signed(town, second).state is S.APPROVED


def test_a_price_raised_meanwhile_adds_a_step_before_it_binds(town: Town) -> None:
    request = signed_until(town, submitted(town, a_line(quantity=20)), "technical")
    for id in ("quote-x86-vm", "quote-kunpeng-vm"):
        town.change(town.look(Quote, id), tiers=flat("1000.00"))
    request = signed(town, request)
    assert (request.awaiting_step, request.monthly_price) == ("finance", amount("20000.00"))
    assert not town.all(Reservation)


def test_renewals_are_no_increase_of_the_application(town: Town) -> None:
    allocation = running(town, a_line(quantity=15))
    town.wait("02-10 09:00")
    completed(town, a_line(quantity=15, allocation_id=allocation.id), kind=RequestKind.RENEW)
    request = submitted(town, a_line(quantity=10))
    assert request.threshold_price == Decimal("9500.00")


# --- returning and refusing -----------------------------------------------------------------


def test_the_lead_sends_back_to_a_draft_and_it_can_be_submitted_again(town: Town) -> None:
    request = signed(town, submitted(town), RETURN)
    assert (request.state, request.round, request.outcome) == (S.DRAFT, 2, "a reason")
    again = town.give(submit(request), "health.user")
    assert (again.state, again.awaiting_step) == (S.UNIT_SIGNING, "unit")
    assert signed(town, again).awaiting_step == "acceptance"


def test_a_return_voids_the_rounds_signatures(town: Town) -> None:
    request = signed(town, signed_until(town, submitted(town), "technical"), RETURN)
    assert (request.state, request.due_at, request.round) == (S.RETURNED, None, 2)
    request = resubmitted(town, request, a_line(quantity=2))
    assert (request.state, request.awaiting_step) == (S.SUBMITTED, "acceptance")
    assert request.monthly_price == Decimal("1900.00")
    # Who signed in the first round may and must sign again.
    request = signed(town, request)
    assert request.awaiting_step == "technical"
    assert signed(town, request).state is S.APPROVED


def test_who_resubmits_has_signed_and_is_not_the_submitter(town: Town) -> None:
    request = town.give(submit(drafted(town, by="health.both")), "health.both")
    request = signed(town, signed_until(town, request, "acceptance"), RETURN)
    assert town.code(ResubmitRequest(request_id=request.id), "health.both") == "own_submission"
    request = resubmitted(town, request)
    unit = next(each for each in town.all(Approval, round=2) if each.step == "unit")
    assert (unit.user_id, unit.decision) == ("health.lead", APPROVE)


@pytest.mark.parametrize("step", ["unit", "county", "acceptance", "technical"])
def test_only_what_was_returned_is_resubmitted(town: Town, step: str) -> None:
    """A lead must not lift a request over the county's review by resubmitting it."""
    request = signed_until(town, submitted(town, department="county-health"), step)
    refused = town.refusal(ResubmitRequest(request_id=request.id), "county-health.lead")
    assert refused.code == "illegal_transition"
    assert refused.details == {"state": request.state, "to": "submitted"}


def test_a_resubmission_without_lines_is_no_resubmission_of_the_old_ones(town: Town) -> None:
    request = signed(town, signed_until(town, submitted(town), "acceptance"), RETURN)
    empty = ResubmitRequest(request_id=request.id, lines=())
    assert town.code(empty, "health.lead") == "bad_value"


@pytest.mark.parametrize(
    ("step", "state"),
    [
        ("unit", S.DRAFT),
        ("county", S.NOT_ACCEPTED),
        ("acceptance", S.NOT_ACCEPTED),
        ("technical", S.REJECTED),
    ],
)
def test_a_refusal_ends_the_request_where_it_stands(town: Town, step: str, state: S) -> None:
    request = signed_until(town, submitted(town, department="county-health"), step)
    request = signed(town, request, REJECT)
    assert (request.state, request.outcome, request.awaiting_step) == (state, "a reason", "")
    assert not town.all(Timer, state=TimerState.PENDING)


def test_sending_back_and_refusing_need_a_reason(town: Town) -> None:
    request = submitted(town)
    for decision in (RETURN, REJECT):
        silent = SignRequest(request_id=request.id, decision=decision, opinion=" ")
        assert town.code(silent, "health.lead") == "bad_value"
