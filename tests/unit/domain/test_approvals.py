"""The chain is data: which steps a request passes, and who may not sign them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.approvals import (
    Approval,
    Condition,
    Decision,
    Where,
    check_signer,
    dearest,
    pending_step,
    signing_state,
    steps_of,
)
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


def refusal(step: str, actor: Actor, *signed: Approval, **changed: Any) -> str:
    with pytest.raises(CloudmgrError) as refused:
        check_signer(STEPS[step], request(**changed), signed, actor)
    return refused.value.code


def test_nobody_signs_what_they_submitted_even_with_the_right_role() -> None:
    submitter = Actor("clerk", (Grant(Role.TECHNICAL_REVIEWER, "centre", "city"),))
    assert refusal("technical", submitter) == "own_submission"


def test_nobody_signs_two_steps_of_one_round() -> None:
    officer = Actor("officer", (Grant(Role.TECHNICAL_REVIEWER, "centre", "city"),))
    assert refusal("technical", officer, approval("acceptance", "officer")) == "signed_already"
    another_round = approval("acceptance", "officer", round=3)
    check_signer(STEPS["technical"], request(), (another_round,), officer)


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
    actor = Actor("officer", (grant,))
    if allowed:
        check_signer(STEPS[step], request(), (), actor)
    else:
        assert refusal(step, actor) == "not_your_step"


def test_each_place_of_a_step_is_in_the_sample_chain() -> None:
    assert {step.where for step in CHAIN} == set(Where)


def test_thresholds_look_at_the_dearest_candidate() -> None:
    assert dearest([Decimal("3.00"), Decimal("7.00")]) == Decimal("7.00")
    assert dearest([]) == Decimal("0.00")
