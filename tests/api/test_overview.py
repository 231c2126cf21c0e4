"""The overview over the API: for city offices, exact, and refused to everybody else."""

from __future__ import annotations

import pytest

from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import RoleGrant, Token, User
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.sessions import token_id
from tests.portal.pages import get
from tests.support.overview import NOW, a_played_node, put

PATH = "/api/v1/months/2026-01/overview"


def signed_in(node: MemoryNode, role: Role, organisation_id: str) -> str:
    """A token of somebody who holds the role in the organisation."""
    put(
        node,
        User(id="somebody", login="somebody", name="某人"),
        RoleGrant(id="grant", user_id="somebody", role=role, organisation_id=organisation_id),
        Token(
            id=token_id("secret"),
            user_id="somebody",
            label="a test",
            created_at=NOW,
            expires_at=NOW.replace(year=2030),
        ),
    )
    return "secret"


def test_a_city_office_reads_the_month_with_money_as_strings_and_shares_exact() -> None:
    node = a_played_node()
    answer = get(node, PATH, token=signed_in(node, Role.FINANCE, "d1"))
    assert answer.status_code == 200
    told = answer.json()
    assert told["billed"] == "3234568.00"
    assert told["journal_balance"] == "0.00"
    assert told["assessments"][0]["coefficient"] == "59/60"
    assert told["settlements"][1]["payable"] is None
    assert told["requests"]["by_kind"] == {
        "new": {"in_review": 1, "completed": 1},
        "change": {"rejected": 1},
    }
    assert [each["department"]["id"] for each in told["departments"]] == ["d2", "d1", "d3"]


@pytest.mark.parametrize(
    ("role", "organisation_id"),
    [(Role.DEPARTMENT_USER, "d1"), (Role.PROVIDER, "p1"), (Role.FINANCE, "d3")],
)
def test_departments_providers_and_county_offices_are_refused(
    role: Role, organisation_id: str
) -> None:
    node = a_played_node()
    answer = get(node, PATH, token=signed_in(node, role, organisation_id))
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


def test_nobody_reads_it_without_a_token() -> None:
    answer = get(a_played_node(), PATH)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("month", "status", "code"),
    [("2026-1", 422, "bad_period"), ("2031-05", 404, "not_found")],
)
def test_a_bad_month_is_refused_with_its_code(month: str, status: int, code: str) -> None:
    node = a_played_node()
    token = signed_in(node, Role.PLANNER, "d1")
    answer = get(node, f"/api/v1/months/{month}/overview", token=token)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
