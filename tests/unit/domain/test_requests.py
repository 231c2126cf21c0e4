"""What a request must be before anybody looks at it: its lines, and whether it is admitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.requests import (
    HOLDING,
    WORKING,
    RequestKind,
    RequestState,
    ResourceRequest,
    check_admission,
    check_lines,
    refusals,
)
from tests.support.judged import a_request
from tests.support.requests import a_line
from tests.support.worlds import an_application

S = RequestState
CREATING = [kind for kind in RequestKind if kind.creates]
WORKING_ON = [kind for kind in RequestKind if not kind.creates]


def admission(kind: RequestKind = RequestKind.NEW, **changed: Any) -> str:
    try:
        check_admission(an_application(**changed), kind)
    except CloudmgrError as refused:
        return refused.code
    return "admitted"


def test_a_system_in_order_is_admitted() -> None:
    for kind in RequestKind:
        assert admission(kind) == "admitted"


@pytest.mark.parametrize("changed", [{"classified": True}, {"mlps_level": 4}, {"mlps_level": 5}])
def test_classified_systems_and_level_4_never_enter(changed: dict[str, Any]) -> None:
    for kind in CREATING:
        assert admission(kind, **changed) == "too_secret_for_cloud"


@pytest.mark.parametrize(("level", "important"), [(1, False), (1, True), (2, True)])
def test_important_systems_need_level_3_and_others_level_2(level: int, important: bool) -> None:
    assert admission(mlps_level=level, important=important) == "mlps_too_low"


def test_a_level_3_system_brings_its_filing_proof_when_it_migrates() -> None:
    assert admission(RequestKind.MIGRATE_IN, mlps_level=3) == "filing_proof_missing"
    assert admission(RequestKind.MIGRATE_IN, mlps_level=3, filing_proof="BA-1") == "admitted"
    assert admission(RequestKind.NEW, mlps_level=3) == "admitted"


@pytest.mark.parametrize("kind", [RequestKind.NEW, RequestKind.MIGRATE_IN])
def test_a_new_system_has_its_security_check_and_project_approval(kind: RequestKind) -> None:
    assert admission(kind, security_check_passed=False) == "security_check_missing"
    assert admission(kind, approval_document="") == "project_approval_missing"


def test_an_emergency_does_not_wait_for_papers() -> None:
    papers = {"security_check_passed": False, "approval_document": ""}
    assert admission(RequestKind.EMERGENCY, **papers) == "admitted"


def test_whatever_a_system_has_become_it_may_leave() -> None:
    assert admission(RequestKind.RELEASE, classified=True, mlps_level=5) == "admitted"


def test_every_rule_that_refuses_is_listed_with_what_to_do() -> None:
    worst = an_application(
        classified=True, mlps_level=1, security_check_passed=False, approval_document=""
    )
    found = list(refusals(worst, RequestKind.NEW))
    assert [each.code for each in found] == [
        "too_secret_for_cloud",
        "mlps_too_low",
        "security_check_missing",
        "project_approval_missing",
    ]
    assert all(";" in each.message for each in found), "what is wrong; what to do"


def fault(kind: RequestKind, *lines: Any) -> str:
    with pytest.raises(CloudmgrError, match="bad_value") as refused:
        check_lines(kind, lines)
    return str(refused.value.details["field"])


def test_a_request_has_lines_numbered_from_one() -> None:
    assert fault(RequestKind.NEW) == "lines"
    assert fault(RequestKind.NEW, a_line(line=2)) == "lines"
    assert fault(RequestKind.NEW, a_line(), a_line(line=3)) == "lines"
    check_lines(RequestKind.NEW, (a_line(), a_line(line=2)))


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", 0), ("term_months", 0), ("term_months", 61), ("estimate_units", -1)],
)
def test_numbers_of_a_line_are_in_their_range(field: str, value: Any) -> None:
    assert fault(RequestKind.NEW, replace(a_line(), **{field: value})) == f"lines[1].{field}"


@pytest.mark.parametrize("kind", CREATING)
def test_what_asks_for_something_new_names_nothing_that_runs(kind: RequestKind) -> None:
    check_lines(kind, (a_line(),))
    assert fault(kind, a_line(allocation_id="ALC-1")) == "lines[1].allocation_id"


@pytest.mark.parametrize("kind", WORKING_ON)
def test_what_works_on_something_names_it_once(kind: RequestKind) -> None:
    one, again = a_line(allocation_id="ALC-1"), a_line(line=2, allocation_id="ALC-1")
    check_lines(kind, (one,))
    assert fault(kind, a_line()) == "lines[1].allocation_id"
    assert fault(kind, one, again) == "lines"


# The table of DOMAIN.md 5, state by state; a draft may be given up too (docs/adr/0019).
NEXT = {
    S.DRAFT: {S.UNIT_SIGNING, S.WITHDRAWN},
    S.UNIT_SIGNING: {S.FIRST_REVIEW, S.SUBMITTED, S.DRAFT},
    S.FIRST_REVIEW: {S.SUBMITTED, S.RETURNED, S.NOT_ACCEPTED},
    S.SUBMITTED: {S.IN_REVIEW, S.RETURNED, S.NOT_ACCEPTED, S.WITHDRAWN, S.PROVISIONING},
    S.IN_REVIEW: {S.APPROVED, S.RETURNED, S.REJECTED, S.WITHDRAWN},
    S.RETURNED: {S.SUBMITTED, S.WITHDRAWN},
    S.APPROVED: {S.PROVISIONING, S.EXPIRED, S.WITHDRAWN},
    S.PROVISIONING: {S.AWAITING_CONFIRMATION, S.FAILED},
    S.FAILED: {S.PROVISIONING, S.CANCELLED},
    S.AWAITING_CONFIRMATION: {S.COMPLETED, S.PROVISIONING, S.RATIFYING},
    S.RATIFYING: {S.COMPLETED, S.RECLAIMING},
    S.RECLAIMING: {S.CANCELLED},
}


@pytest.mark.parametrize("state", RequestState)
def test_a_request_moves_as_the_table_says_and_not_otherwise(state: RequestState) -> None:
    for to in RequestState:
        request = a_request(state=state)
        if to in NEXT.get(state, set()):
            assert advance(request, to).state is to
        else:
            with pytest.raises(CloudmgrError) as refused:
                advance(request, to)
            assert refused.value.details == {"state": state, "to": to}


def test_nothing_is_held_before_the_approval_nor_after_the_end() -> None:
    final = {state for state in RequestState if ResourceRequest.LIFECYCLE.final(state)}
    assert not final & set(WORKING)
    assert set(HOLDING) < set(WORKING)
    assert S.IN_REVIEW not in WORKING
