"""Signing for somebody absent: who may stand for whom, for what it counts, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudmgr.domain.access import Role
from cloudmgr.domain.approvals import Approval, Decision
from cloudmgr.domain.delegations import Delegation, DelegationState
from cloudmgr.domain.parties import User
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.services.approvals import ResubmitRequest, SignRequest
from cloudmgr.services.approvals_steps import signers_now
from cloudmgr.services.delegations import DelegateSigning, RevokeDelegation
from cloudmgr.services.requests import SubmitRequest
from tests.support.assessments import at
from tests.support.requests import drafted, look, signed, signed_until, submitted
from tests.support.worlds import Town, a_person, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def a_delegation(
    *,
    to: str,
    role: Role = Role.TECHNICAL_REVIEWER,
    organisation: str = "centre",
    starts: str = "01-05 00:00",
    ends: str = "01-12 00:00",
    reason: str = "away",
) -> DelegateSigning:
    return DelegateSigning(
        delegate_id=to,
        role=role,
        organisation_id=organisation,
        starts_at=at(starts),
        ends_at=at(ends),
        reason=reason,
    )


def sign(request: ResourceRequest, decision: Decision = Decision.APPROVE) -> SignRequest:
    return SignRequest(request_id=request.id, decision=decision, opinion="a reason")


def given(town: Town, by: str, command: DelegateSigning) -> Delegation:
    delegation: Delegation = town.give(command, by)
    return delegation


def a_planner(town: Town, login: str = "centre.planner") -> str:
    """Somebody of the data centre who signs nothing himself."""
    town.keep(*a_person(login=login, organisation_id="centre", roles=(Role.PLANNER,)))
    return login


def may_sign(town: Town, request: ResourceRequest) -> list[str]:
    with town.reading() as world:
        return [each.user_id for each in signers_now(world, look(town, request), town.now)]


def test_a_delegate_signs_in_the_principals_role_and_both_are_recorded(town: Town) -> None:
    planner = a_planner(town)
    request = signed_until(town, submitted(town), "technical")
    assert town.code(sign(request), planner) == "forbidden"
    given(town, "centre.a", a_delegation(to=planner))
    assert may_sign(town, request) == ["centre.a", "centre.b", planner]
    assert town.give(sign(request), planner).state is RequestState.APPROVED
    (approval,) = town.all(Approval, step="technical")
    assert (approval.user_id, approval.on_behalf_of) == (planner, "centre.a")
    assert approval.role is Role.TECHNICAL_REVIEWER


def test_a_delegation_counts_from_its_first_to_before_its_last_instant(town: Town) -> None:
    planner = a_planner(town)
    request = signed_until(town, submitted(town), "technical")
    given(town, "centre.a", a_delegation(to=planner, starts="01-06 00:00", ends="01-07 00:00"))
    for moment, code in (("01-05 23:59", "forbidden"), ("01-07 00:00", "forbidden")):
        town.now = at(moment)
        assert town.code(sign(request), planner) == code
    town.now = at("01-06 23:59")
    assert town.give(sign(request), planner).state is RequestState.APPROVED


def test_a_revoked_delegation_counts_no_more_and_what_was_signed_stands(town: Town) -> None:
    planner = a_planner(town)
    delegation = given(town, "centre.a", a_delegation(to=planner))
    first = signed_until(town, submitted(town), "technical")
    second = signed_until(town, submitted(town), "technical")
    town.give(sign(first), planner)
    revoked = town.give(RevokeDelegation(delegation_id=delegation.id), "centre.a")
    assert (revoked.state, revoked.revoked_at) == (DelegationState.REVOKED, town.now)
    assert town.code(sign(second), planner) == "forbidden"
    assert look(town, first).state is RequestState.APPROVED


def test_a_principal_who_lost_the_role_or_left_is_stood_for_by_nobody(town: Town) -> None:
    planner = a_planner(town)
    given(town, "centre.a", a_delegation(to=planner))
    request = signed_until(town, submitted(town), "technical")
    town.change(town.look(User, "centre.a"), active=False)
    assert may_sign(town, request) == ["centre.b"]
    assert town.code(sign(request), planner) == "not_your_step"


def test_nobody_stands_for_who_submitted(town: Town) -> None:
    """The lead hands in a paper as a user, too, and lets a colleague sign for him."""
    given(town, "health.both", a_delegation_of_lead(to="health.user"))
    request = town.give(SubmitRequest(request_id=drafted(town).id), "health.both")
    assert town.code(sign(request), "health.user") == "own_submission"


def test_a_delegate_signs_nothing_for_others_that_he_submitted_himself(town: Town) -> None:
    given(town, "health.lead", a_delegation_of_lead(to="health.user"))
    request = submitted(town)
    assert request.submitter_id == "health.user"
    assert town.code(sign(request), "health.user") == "own_submission"


def a_delegation_of_lead(*, to: str) -> DelegateSigning:
    return a_delegation(to=to, role=Role.DEPARTMENT_LEAD, organisation="health")


def test_a_delegate_counts_as_his_principal_in_a_round(town: Town) -> None:
    """Who signed acceptance cannot have another step signed in his name, nor the delegate sign
    both; but another pair can."""
    roles = (Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
    town.keep(
        *a_person(login="twice", organisation_id="desk", roles=roles),
        *a_person(login="clerk", organisation_id="desk", roles=(Role.OPERATING_COMPANY,)),
    )
    for role in roles:
        given(town, "twice", a_delegation(to="clerk", role=role, organisation="desk"))
    request = signed_until(town, submitted(town), "acceptance")
    request = town.give(sign(request), "twice")
    assert request.awaiting_step == "technical"
    assert town.code(sign(request), "clerk") == "signed_already"
    assert may_sign(town, request) == ["centre.a", "centre.b"]


def test_a_delegate_of_two_signs_one_step_of_a_round_only(town: Town) -> None:
    town.keep(
        *a_person(login="desk.c", organisation_id="desk", roles=(Role.TECHNICAL_REVIEWER,)),
        *a_person(login="clerk", organisation_id="desk", roles=(Role.OPERATING_COMPANY,)),
    )
    given(
        town, "desk.a", a_delegation(to="clerk", role=Role.OPERATING_COMPANY, organisation="desk")
    )
    given(town, "desk.c", a_delegation(to="clerk", organisation="desk"))
    request = town.give(sign(signed_until(town, submitted(town), "acceptance")), "clerk")
    assert request.awaiting_step == "technical"
    assert town.code(sign(request), "clerk") == "signed_already"
    assert town.give(sign(request), "centre.a").state is RequestState.APPROVED


def test_a_delegate_does_not_pass_it_on(town: Town) -> None:
    planner, third = a_planner(town), a_planner(town, "centre.third")
    given(town, "centre.a", a_delegation(to=planner))
    assert town.code(a_delegation(to=third), planner) == "not_found"


def test_who_stands_for_the_lead_resubmits_and_thereby_signs(town: Town) -> None:
    town.keep(
        *a_person(login="health.other", organisation_id="health", roles=(Role.DEPARTMENT_USER,))
    )
    request = signed(town, signed_until(town, submitted(town), "acceptance"), Decision.RETURN)
    command = ResubmitRequest(request_id=request.id)
    assert town.code(command, "health.other") == "forbidden"
    given(town, "health.lead", a_delegation_of_lead(to="health.other"))
    assert town.give(command, "health.other").state is RequestState.SUBMITTED
    unit = next(each for each in town.all(Approval, round=2) if each.step == "unit")
    assert (unit.user_id, unit.on_behalf_of) == ("health.other", "health.lead")
    assert town.code(command, "transport.lead") == "not_found"


@pytest.mark.parametrize(
    ("changed", "by", "code"),
    [
        (
            {"role": Role.SYSTEM_ADMIN, "organisation_id": "bureau"},
            "bureau.system",
            "not_delegable",
        ),
        ({"role": Role.SECURITY_ADMIN}, "bureau.security", "not_delegable"),
        ({"role": Role.AUDIT_ADMIN}, "bureau.audit", "not_delegable"),
        ({"role": Role.DEPARTMENT_USER}, "health.user", "not_delegable"),
        ({"role": Role.PROVIDER}, "prv.engineer", "not_delegable"),
        ({"role": Role.FINANCE}, "centre.a", "not_found"),
        ({"organisation_id": "desk"}, "centre.a", "not_found"),
        ({}, "bureau.a", "not_found"),
        ({"delegate_id": "centre.a"}, "centre.a", "bad_value"),
        ({"delegate_id": "prv.engineer"}, "centre.a", "not_found"),
        ({"delegate_id": "desk.a"}, "centre.a", "not_found"),
        ({"delegate_id": "nobody"}, "centre.a", "not_found"),
        ({"reason": " "}, "centre.a", "bad_value"),
        ({"ends_at": at("01-05 00:00")}, "centre.a", "bad_value"),
        ({"starts_at": at("01-01 00:00"), "ends_at": at("01-05 09:00")}, "centre.a", "bad_value"),
    ],
)
def test_what_cannot_be_delegated_is_refused(
    town: Town, changed: dict[str, object], by: str, code: str
) -> None:
    command = replace(a_delegation(to="centre.b"), **changed)  # type: ignore[arg-type]
    assert town.code(command, by) == code
    assert not town.all(Delegation)


def test_an_administrator_stands_for_nobody(town: Town) -> None:
    command = a_delegation(to="bureau.system", role=Role.AUTHORITY, organisation="bureau")
    assert town.code(command, "bureau.a") == "not_found"
    given(town, "bureau.a", replace(command, delegate_id="bureau.b"))


def test_either_side_or_security_revokes_and_nobody_else(town: Town) -> None:
    delegation = given(town, "centre.a", a_delegation(to="centre.b"))
    revoke = RevokeDelegation(delegation_id=delegation.id)
    for login in ("desk.a", "health.user", "prv.engineer", "bureau.a"):
        assert town.code(revoke, login) == "not_found"
    for login in ("centre.a", "centre.b", "bureau.security"):
        assert town.twin().give(revoke, login).state is DelegationState.REVOKED
    town.give(revoke, "centre.b")
    assert town.code(revoke, "centre.a") == "illegal_transition"
