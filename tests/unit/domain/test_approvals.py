"""The chain is data: which steps a request passes, and who may not sign them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.access import Grant, Role
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.approvals import (
    Approval,
    ChainStep,
    Condition,
    Decision,
    Post,
    Standing,
    Where,
    counts,
    dearest,
    pending_step,
    posts_of,
    refusal_of,
    signing_state,
    steps_of,
)
from cloudmgr.domain.approvals_chain import check_chain
from cloudmgr.domain.parties import RegionLevel
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from tests.support.assessments import at
from tests.support.judged import a_request
from tests.support.worlds import CHAIN

CITY, COUNTY = RegionLevel.CITY, RegionLevel.COUNTY
STEPS = {step.id: step for step in CHAIN}


def request(*, threshold: str = "0.00", **changed: Any) -> ResourceRequest:
    made = a_request(state=RequestState.IN_REVIEW)
    return replace(made, threshold_price=amount(threshold), **changed)


def ids(request: ResourceRequest, level: RegionLevel = CITY) -> list[str]:
    return [step.id for step in steps_of(CHAIN, request, level)]


def approval(step: str, by: str = "someone", **changed: Any) -> Approval:
    fields: dict[str, Any] = {
        "id": f"REQ-1/1/{step}",
        "request_id": "REQ-1",
        "round": 1,
        "step": step,
        "role": Role.AUTHORITY,
        "user_id": by,
        "decision": Decision.APPROVE,
        "opinion": "",
        "at": at("01-05 09:00"),
    }
    return Approval(**(fields | changed))


def test_a_small_request_of_the_city_passes_the_unit_the_desk_and_the_technicians() -> None:
    assert ids(request()) == ["unit", "acceptance", "technical"]


def test_a_countys_request_is_reviewed_in_the_county_first() -> None:
    assert ids(request(), COUNTY) == ["unit", "county", "acceptance", "technical"]


def test_money_adds_signers_from_exactly_the_threshold_on() -> None:
    assert "finance" not in ids(request(threshold="19999.99"))
    assert ids(request(threshold="20000.00"))[-1] == "finance"
    assert "head" not in ids(request(threshold="99999.99"))
    assert ids(request(threshold="100000.00"))[-2:] == ["finance", "head"]


def test_over_budget_opens_the_finance_step_whatever_the_price() -> None:
    assert ids(request(over_budget=True))[-1] == "finance"


def test_all_parts_of_a_condition_must_hold() -> None:
    condition = Condition(
        kinds=(RequestKind.NEW,), region_levels=(CITY,), min_monthly_price=amount("10.00")
    )
    assert condition.holds(request(threshold="10.00"), CITY)
    assert not condition.holds(request(threshold="10.00"), COUNTY)
    assert not condition.holds(request(threshold="10.00", kind=RequestKind.RENEW), CITY)
    over = replace(condition, or_over_budget=True)
    assert over.holds(request(over_budget=True), CITY)
    assert not over.holds(request(over_budget=True), COUNTY), "it replaces the price only"


@pytest.mark.parametrize(
    ("condition", "fits", "does_not"),
    [
        (Condition(zones=(Zone.VIDEO,)), {"zone": Zone.VIDEO}, {"zone": Zone.EXTRANET}),
        (Condition(xinchuang=True), {"xinchuang": True}, {"xinchuang": False}),
        (Condition(important=True), {"important": True}, {"important": False}),
        (Condition(over_budget=True), {"over_budget": True}, {"over_budget": False}),
        (Condition(min_quota_percent=80), {"quota_percent": 80}, {"quota_percent": 79}),
        (Condition(min_quota_percent=80), {"quota_percent": 120}, {"quota_percent": None}),
    ],
)
def test_a_step_may_be_for_some_systems_or_a_full_quota_only(
    condition: Condition, fits: dict[str, Any], does_not: dict[str, Any]
) -> None:
    assert condition.holds(request(**fits), CITY)
    assert not condition.holds(request(**does_not), CITY)


def test_over_budget_opens_a_step_that_asks_for_a_full_quota_too() -> None:
    condition = Condition(min_quota_percent=80, or_over_budget=True, important=True)
    assert condition.holds(request(over_budget=True, important=True), CITY)
    assert not condition.holds(request(over_budget=True), CITY), "only of important systems"


def test_a_round_after_a_return_starts_at_the_desk() -> None:
    assert ids(request(resubmitted=True), COUNTY) == ["acceptance", "technical"]


def test_the_first_step_nobody_approved_in_this_round_is_pending() -> None:
    steps = steps_of(CHAIN, request(), CITY)
    signed = [approval("unit")]
    assert pending_step(steps, signed, 1) == STEPS["acceptance"]
    assert pending_step(steps, signed, 2) == STEPS["unit"], "a return voids signatures"
    returned = approval("acceptance", decision=Decision.RETURN)
    assert pending_step(steps, [*signed, returned], 1) == STEPS["acceptance"]
    rest = [approval("acceptance"), approval("technical")]
    assert pending_step(steps, [*signed, *rest], 1) is None


def test_an_emergencys_review_is_signed_while_it_is_being_ratified() -> None:
    emergency = request(kind=RequestKind.EMERGENCY)
    assert signing_state(STEPS["technical"], emergency) is RequestState.RATIFYING
    assert signing_state(STEPS["acceptance"], emergency) is RequestState.SUBMITTED
    assert signing_state(STEPS["technical"], request()) is RequestState.IN_REVIEW


def barred(*people: str, signed: tuple[Approval, ...] = (), **changed: Any) -> str | None:
    refused = refusal_of(request(**changed), signed, people)
    return refused.code if refused else None


def test_nobody_signs_what_they_or_their_principal_submitted() -> None:
    assert barred("clerk") == "own_submission"
    assert barred("officer", "clerk") == "own_submission", "the officer stands for the clerk"
    assert barred("officer") is None


def test_nobody_signs_two_steps_of_one_round() -> None:
    assert barred("officer", signed=(approval("acceptance", "officer"),)) == "signed_already"
    assert barred("officer", signed=(approval("acceptance", "officer", round=3),)) is None


def test_a_delegates_signature_counts_for_both_people() -> None:
    signed = (approval("acceptance", "delegate", on_behalf_of="chief"),)
    assert barred("chief", signed=signed) == "signed_already"
    assert barred("delegate", signed=signed) == "signed_already"
    assert barred("third", "chief", signed=signed) == "signed_already"
    assert barred("third", signed=signed) is None


def test_being_overdue_adds_those_who_step_in_and_takes_nobody_away() -> None:
    step = replace(STEPS["technical"], steps_in=Post(role=Role.AUTHORITY, where=Where.CITY))
    own = (Standing.STEP, Post(role=Role.TECHNICAL_REVIEWER, where=Where.CITY))
    assert posts_of(step, request()) == (own,)
    assert posts_of(step, request(overdue=True)) == (own, (Standing.OVERDUE, step.steps_in))
    assert posts_of(STEPS["technical"], request(overdue=True)) == (own,)


@pytest.mark.parametrize(
    ("step", "grant", "allowed"),
    [
        ("unit", Grant(Role.DEPARTMENT_LEAD, "dep", "city"), True),
        ("unit", Grant(Role.DEPARTMENT_LEAD, "other", "city"), False),
        ("unit", Grant(Role.DEPARTMENT_USER, "dep", "city"), False),
        ("county", Grant(Role.COUNTY_REVIEWER, "any", "city"), True),
        ("county", Grant(Role.COUNTY_REVIEWER, "any", "county", county=True), False),
        ("finance", Grant(Role.FINANCE, "treasury", "city"), True),
        ("finance", Grant(Role.FINANCE, "county-treasury", "county", county=True), False),
    ],
)
def test_a_role_counts_where_the_step_wants_it(step: str, grant: Grant, allowed: bool) -> None:
    # The request belongs to department "dep" of region "city".
    post = Post(role=STEPS[step].role, where=STEPS[step].where)
    assert counts(grant, post, request()) is allowed


def test_each_place_of_a_step_is_in_the_sample_chain() -> None:
    assert {step.where for step in CHAIN} == set(Where)


def test_thresholds_look_at_the_dearest_candidate() -> None:
    assert dearest([Decimal("3.00"), Decimal("7.00")]) == Decimal("7.00")
    assert dearest([]) == Decimal("0.00")


# --- whether a chain can work ----------------------------------------------------------------


def without(id: str) -> tuple[ChainStep, ...]:
    return tuple(step for step in CHAIN if step.id != id)


def altered(which: str, /, **changed: Any) -> tuple[ChainStep, ...]:
    return tuple(replace(step, **changed) if step.id == which else step for step in CHAIN)


def test_the_sample_chain_can_work() -> None:
    check_chain(CHAIN)


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ((), "no step in unit_signing"),
        (without("unit"), "no step in unit_signing"),
        (without("acceptance"), "no step in submitted"),
        (without("technical"), "nothing would ratify an emergency"),
        (altered("technical", condition=Condition(xinchuang=True)), "ratify an emergency"),
        (altered("head", id="unit"), "an id of its own"),
        (altered("head", id=""), "an id of its own"),
        (altered("head", role=Role.PROVIDER), "provider signs no requests"),
        (altered("head", role=Role.SYSTEM_ADMIN), "system_admin signs no requests"),
        (altered("head", state=RequestState.PROVISIONING), "nobody signs in provisioning"),
        (altered("head", limit_workdays=0), "at least one working day"),
        (altered("unit", where=Where.CITY), "department_lead is not held in city"),
        (altered("county", where=Where.CITY), "county_reviewer is not held in city"),
        (altered("finance", where=Where.DEPARTMENT), "finance is not held in department"),
        (altered("head", condition=Condition(min_quota_percent=0)), "1 percent or more"),
        (altered("head", condition=Condition(min_monthly_price=amount("-1.00"))), "0 or more"),
        (altered("head", steps_in=Post(role=Role.ASSESSOR, where=Where.CITY)), "signs no"),
        (altered("head", steps_in=Post(role=Role.AUTHORITY, where=Where.CITY)), "somebody else"),
        ((*without("unit"), STEPS["unit"]), "the order of their states"),
    ],
)
def test_a_chain_that_would_hold_requests_for_ever_is_refused(
    chain: tuple[ChainStep, ...], why: str
) -> None:
    with pytest.raises(CloudmgrError, match=why) as refused:
        check_chain(chain)
    assert refused.value.code == "bad_value"
