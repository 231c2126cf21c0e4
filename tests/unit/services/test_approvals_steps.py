"""The clock of a step: who is asked, who steps in once it is overdue, and when it stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from catalog.money import amount
from cloudmgr.domain.access import Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import (
    Approval,
    ChainStep,
    Condition,
    Decision,
    Post,
    Standing,
    Where,
)
from cloudmgr.domain.parties import Organisation, OrganisationKind, User
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.approvals import GoOnWithReview, SignRequest, WaitForQuotes
from cloudmgr.services.approvals_steps import signers_now
from cloudmgr.services.requests import SubmitRequest, WithdrawRequest
from tests.support.assessments import at
from tests.support.plays import the_city
from tests.support.requests import (
    a_line,
    completed,
    drafted,
    look,
    resubmitted,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import CHAIN, Town, a_person, a_policy, a_town

RETURN, REJECT = Decision.RETURN, Decision.REJECT


@pytest.fixture
def town() -> Town:
    return a_town()


def with_chain(town: Town, **steps: object) -> None:
    """The sample chain with some steps altered; a value of None takes a step out."""
    chain = []
    for step in CHAIN:
        changed = steps.get(step.id, {})
        if changed is not None:
            chain.append(replace(step, **changed))  # type: ignore[arg-type]
    town.change(town.look(Policy, "policy"), chain=tuple(chain))


def sign(request: ResourceRequest, decision: Decision = Decision.APPROVE) -> SignRequest:
    return SignRequest(request_id=request.id, decision=decision, opinion="a reason")


def may_sign(town: Town, request: ResourceRequest) -> dict[str, Standing]:
    with town.reading() as world:
        found = signers_now(world, look(town, request), town.now)
    return {each.user_id: each.standing for each in found}


def told(town: Town, topic: str) -> list[tuple[datetime, list[str]]]:
    return [(m.at, m.payload["user_ids"]) for m in town.messages if m.topic == topic]


AUTHORITY = Post(role=Role.AUTHORITY, where=Where.CITY)

# --- who is asked ---------------------------------------------------------------------------


def test_each_steps_people_are_told_when_it_is_their_turn(town: Town) -> None:
    request = signed_until(town, submitted(town), "technical")
    assert told(town, "signature_asked") == [
        (town.now, ["health.both", "health.lead"]),
        (town.now, ["desk.a", "desk.b"]),
        (town.now, ["centre.a", "centre.b"]),
    ]
    assert may_sign(town, request) == {"centre.a": Standing.STEP, "centre.b": Standing.STEP}
    assert may_sign(town, completed(town)) == {}, "nobody's signature is awaited any more"


def test_conditions_of_the_application_and_the_quota_add_steps(town: Town) -> None:
    full = Condition(min_quota_percent=50)
    with_chain(town, finance={"condition": full}, head={"condition": Condition(important=True)})
    small = submitted(town, a_line(quantity=14))  # 28 of the department's 60
    assert small.quota_percent == 46
    assert signed(town, signed_until(town, small, "technical")).state is RequestState.APPROVED
    # Half of it is used now, whatever the second asks for itself.
    large = submitted(town, a_line(quantity=1))
    assert large.quota_percent == 50
    assert signed_until(town, large, "finance").state is RequestState.IN_REVIEW
    town.change(town.look(Application, "transport-app"), important=True, mlps_level=3)
    theirs = submitted(town, department="transport")
    assert signed_until(town, theirs, "head").state is RequestState.IN_REVIEW


def test_a_quota_filled_meanwhile_adds_a_step_before_the_last_signature_binds(town: Town) -> None:
    with_chain(town, finance={"condition": Condition(min_quota_percent=50)})
    first, second = (submitted(town, a_line(quantity=14)) for _ in range(2))
    while first.awaiting_step:
        first = signed(town, first)
    second = signed(town, signed_until(town, second, "technical"))
    assert (second.state, second.awaiting_step) == (RequestState.IN_REVIEW, "finance")
    assert second.quota_percent == 93


# --- overdue --------------------------------------------------------------------------------


def test_being_overdue_adds_signers_and_never_a_signature(town: Town) -> None:
    with_chain(town, technical={"steps_in": AUTHORITY})
    request = signed_until(town, submitted(town), "technical")
    assert town.code(sign(request), "bureau.a") == "not_your_step"
    town.wait("01-08 09:00")
    late = look(town, request)
    assert (late.overdue, late.state, late.awaiting_step) == (
        True,
        RequestState.IN_REVIEW,
        "technical",
    )
    everybody = ["bureau.a", "bureau.b", "centre.a", "centre.b"]
    assert sorted(may_sign(town, late)) == everybody
    assert told(town, "signature_overdue") == [(at("01-08 00:00"), everybody)]
    assert town.give(sign(late), "bureau.a").state is RequestState.APPROVED
    (approval,) = town.all(Approval, step="technical")
    assert (approval.role, approval.standing) == (Role.AUTHORITY, Standing.OVERDUE)


def test_who_is_late_is_reminded_twice_and_no_more(town: Town) -> None:
    request = submitted(town)
    town.wait("02-10 09:00")
    late = at("01-08 00:00")
    assert [moment for moment, _ in told(town, "signature_overdue")] == [late]
    assert [moment for moment, _ in told(town, "signature_reminder")] == [
        at("01-13 00:00"),
        at("01-15 00:00"),
    ]
    assert look(town, request).overdue


def test_a_signature_in_time_leaves_nobody_reminded(town: Town) -> None:
    request = submitted(town)
    town.wait("01-08 09:00")
    signed(town, look(town, request))
    town.wait("01-09 09:00")
    assert not told(town, "signature_reminder")
    assert not look(town, request).overdue, "the next step has its own clock"


# --- nobody eligible ------------------------------------------------------------------------


def test_without_a_lead_the_citys_office_signs_for_the_unit(town: Town) -> None:
    for login in ("health.lead", "health.both"):
        town.change(town.look(User, login), active=False)
    request = submitted(town)
    assert may_sign(town, request) == {
        "bureau.a": Standing.PARENT,
        "bureau.b": Standing.PARENT,
    }
    assert town.give(sign(request), "bureau.a").state is RequestState.SUBMITTED


def test_the_nearest_parent_organisation_with_somebody_signs_first(town: Town) -> None:
    roles = (Role.DEPARTMENT_LEAD,)
    for id, parent in (("group", "ministry"), ("ministry", None)):
        kind = OrganisationKind.DEPARTMENT
        town.keep(
            Organisation(
                id=id, kind=kind, name_zh=id, name_en=id, region_id="city", parent_id=parent
            )
        )
    town.keep(*a_person(login="minister", organisation_id="ministry", roles=roles))
    town.change(town.look(Organisation, "health"), parent_id="group")
    request = submitted(town)
    assert town.code(sign(request), "minister") == "not_found", "there is a lead"
    for login in ("health.lead", "health.both"):
        town.change(town.look(User, login), active=False)
    assert may_sign(town, request) == {"minister": Standing.PARENT}
    assert town.code(sign(request), "bureau.a") == "not_your_step"
    assert town.give(sign(request), "minister").state is RequestState.SUBMITTED
    assert town.code(sign(request), "minister") == "not_found", "it is the desk's turn now"


def test_who_may_not_sign_twice_leaves_the_step_to_the_parent(town: Town) -> None:
    """The only lead submitted it himself."""
    town.change(town.look(User, "health.lead"), active=False)
    request = town.give(SubmitRequest(request_id=drafted(town).id), "health.both")
    assert set(may_sign(town, request)) == {"bureau.a", "bureau.b"}
    assert town.code(sign(request), "health.both") == "own_submission"


def test_a_county_without_a_reviewer_is_reviewed_by_the_city(town: Town) -> None:
    town.change(town.look(User, "county-health.reviewer"), active=False)
    request = signed(town, submitted(town, department="county-health"))
    assert request.state is RequestState.FIRST_REVIEW
    assert set(may_sign(town, request)) == {"bureau.a", "bureau.b"}
    assert town.code(sign(request), "county-centre.a") == "not_your_step"
    assert town.give(sign(request), "bureau.b").state is RequestState.SUBMITTED


def test_nobody_at_all_is_shown_as_nobody(town: Town) -> None:
    with_chain(town, finance=None, head={"condition": Condition(min_monthly_price=amount("1.00"))})
    for login in ("bureau.a", "bureau.b"):
        town.change(town.look(User, login), active=False)
    request = signed_until(town, submitted(town), "head")
    assert may_sign(town, request) == {}


# --- clocks that stand still ----------------------------------------------------------------


def wait_for_quotes(request: ResourceRequest) -> WaitForQuotes:
    return WaitForQuotes(request_id=request.id, reason="GPU servers")


def test_waiting_for_quotes_stops_the_clock_and_keeps_what_was_left(town: Town) -> None:
    request = signed_until(town, submitted(town), "acceptance")
    assert request.due_at == at("01-09 00:00"), "three working days after Monday"
    town.wait("01-06 10:00")
    waiting = town.give(wait_for_quotes(request), "desk.a")
    assert (waiting.due_at, waiting.clock_stopped_at) == (None, town.now)
    town.wait("01-20 10:00")
    assert not look(town, request).overdue
    going = town.give(GoOnWithReview(request_id=request.id), "centre.a")
    assert going.due_at == at("01-23 00:00"), "Wednesday and Thursday were left"
    assert (going.clock_stopped_at, going.clock_stopped_for) == (None, "")
    town.wait("01-23 09:00")
    assert look(town, request).overdue


def test_nobody_approves_while_quotes_are_awaited_but_it_can_be_sent_back(town: Town) -> None:
    request = signed_until(town, submitted(town), "technical")
    town.give(wait_for_quotes(request), "centre.a")
    assert town.code(sign(request), "centre.b") == "waiting_for_quotes"
    other = town.twin()
    returned = other.give(sign(request, RETURN), "centre.b")
    assert (returned.state, returned.clock_stopped_at) == (RequestState.RETURNED, None)
    withdrawn = town.give(WithdrawRequest(request_id=request.id, reason="r"), "health.user")
    assert withdrawn.clock_stopped_at is None
    assert not town.all(Timer, state=TimerState.PENDING)


def test_what_was_overdue_before_the_wait_is_overdue_after_it(town: Town) -> None:
    request = signed_until(town, submitted(town), "technical")
    town.wait("01-09 09:00")
    town.give(wait_for_quotes(request), "desk.a")
    assert town.give(GoOnWithReview(request_id=request.id), "desk.a").overdue


def test_only_the_desk_stops_a_clock_once_and_with_a_reason(town: Town) -> None:
    request = submitted(town)
    assert town.code(wait_for_quotes(request), "desk.a") == "not_your_step", "not at the desk yet"
    request = signed(town, request)
    for login in ("health.user", "prv.engineer", "treasury.a", "county-centre.a"):
        assert town.code(wait_for_quotes(request), login) == "forbidden"
    assert town.code(replace(wait_for_quotes(request), reason=" "), "desk.a") == "bad_value"
    assert town.code(GoOnWithReview(request_id=request.id), "desk.a") == "bad_value"
    town.give(wait_for_quotes(request), "desk.a")
    assert town.code(wait_for_quotes(request), "desk.b") == "waiting_for_quotes"


def test_a_return_stops_the_clock_until_it_comes_back(town: Town) -> None:
    request = signed(town, signed_until(town, submitted(town), "technical"), RETURN)
    town.wait("02-10 09:00")
    assert not look(town, request).overdue
    again = resubmitted(town, request)
    assert (again.due_at, again.overdue) == (at("02-14 00:00"), False)


# --- emergencies ----------------------------------------------------------------------------


def test_a_ratification_that_is_late_adds_signers_too(town: Town) -> None:
    with_chain(town, technical={"steps_in": AUTHORITY})
    request = completed(town, kind=RequestKind.EMERGENCY)
    assert request.state is RequestState.RATIFYING
    assert town.code(sign(request), "bureau.a") == "not_your_step"
    town.wait("01-12 09:00")
    assert town.give(sign(request), "bureau.a").state is RequestState.COMPLETED


def test_the_shipped_policy_is_read_with_who_steps_in() -> None:
    steps: dict[str, ChainStep] = {step.id: step for step in the_city().policy.chain}
    assert steps["technical"].steps_in == AUTHORITY
    assert steps["unit"].steps_in is None
    assert a_policy().chain == CHAIN
