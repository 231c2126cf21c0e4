"""Setting quotas: limits form a tree, and a counter set late knows what runs already."""

from __future__ import annotations

import pytest

from cloudmgr.domain.quota import UNLIMITED, Quota, QuotaScope
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.quotas import SetQuota, scopes_above
from tests.support.requests import a_line, approved, check_conserved, completed, running
from tests.support.supply import MEMORY, VCPU
from tests.support.worlds import Town, a_town

SCOPES = {"city": QuotaScope.REGION, "county": QuotaScope.REGION, "health": QuotaScope.DEPARTMENT}


@pytest.fixture
def town() -> Town:
    return a_town()


def limit(scope_id: str, units: int | None, of: str = "VCPU") -> SetQuota:
    scope = SCOPES.get(scope_id, QuotaScope.DEPARTMENT)
    if scope_id.endswith("-app"):
        scope = QuotaScope.APPLICATION
    resource_class = VCPU if of == "VCPU" else MEMORY
    return SetQuota(
        scope=scope, scope_id=scope_id, resource_class=resource_class, limit_units=units
    )


def test_the_technical_reviewer_sets_limits_and_nobody_else(town: Town) -> None:
    assert town.give(limit("health", 70), "centre.a").limit_units == 70
    for person in ("health.lead", "bureau.a", "treasury.a", "prv.engineer", "county-centre.a"):
        assert town.code(limit("health", 70), person) == "forbidden"


def test_the_scopes_lead_from_the_application_to_the_root(town: Town) -> None:
    with town.reading() as world:
        above = scopes_above(world, QuotaScope.APPLICATION, "county-health-app")
    assert above == ("county-health", "county", "city")


@pytest.mark.parametrize("scope_id", ["nobody", "no-app"])
def test_a_scope_that_does_not_exist_has_no_quota(town: Town, scope_id: str) -> None:
    assert town.code(limit(scope_id, 1), "centre.a") == "not_found"


def test_a_limit_is_a_number_or_unlimited_or_taken_away(town: Town) -> None:
    assert town.code(limit("health", -2), "centre.a") == "bad_value"
    assert town.give(limit("health", None), "centre.a").limit_units is None
    town.give(limit("city", UNLIMITED), "centre.a")
    assert town.give(limit("health", UNLIMITED), "centre.a").limit_units == UNLIMITED


def test_a_limit_may_be_lowered_below_what_runs(town: Town) -> None:
    running(town, a_line(quantity=10))
    assert town.give(limit("health", 5), "centre.a").left == -15


@pytest.mark.parametrize("units", [151, UNLIMITED])
def test_a_childs_limit_does_not_exceed_its_parents(town: Town, units: int) -> None:
    refusal = town.refusal(limit("health", units), "centre.a")
    assert refusal.code == "limit_above_parent"
    assert town.give(limit("health", 150), "centre.a").limit_units == 150


def test_a_parent_without_a_limit_hands_the_question_on(town: Town) -> None:
    town.give(limit("county-health", None), "centre.a")
    assert town.code(limit("county-health-app", 51), "centre.a") == "limit_above_parent"
    assert town.give(limit("county-health-app", 50), "centre.a").limit_units == 50


def test_a_parent_is_not_lowered_below_its_children(town: Town) -> None:
    refusal = town.refusal(limit("city", 59), "centre.a")
    assert refusal.code == "limit_above_parent"
    assert "60 of health" in refusal.message
    assert town.give(limit("city", 60), "centre.a").limit_units == 60
    town.give(limit("health", UNLIMITED, "MEMORY"), "centre.a")
    assert town.code(limit("city", 10**6, "MEMORY"), "centre.a") == "limit_above_parent"


@pytest.mark.parametrize(
    ("scope_id", "of", "expected"),
    [
        ("health-app", "VCPU", (4, 6)),
        ("health", "MEMORY", (8192, 12288)),
        ("county", "MEMORY", (2048 * 2, 0)),
    ],
)
def test_a_quota_set_late_begins_with_what_runs_and_is_held(
    town: Town, scope_id: str, of: str, expected: tuple[int, int]
) -> None:
    running(town, a_line(quantity=2))
    running(town, a_line(quantity=1), department="county-health")
    approved(town, a_line(quantity=3))
    quota = town.give(limit(scope_id, 20_000 if of == "MEMORY" else 10, of), "centre.a")
    assert (quota.allocated, quota.reserved) == expected
    check_conserved(town)


def test_what_ran_before_its_quota_was_set_can_be_released(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    town.give(limit("health-app", 10), "centre.a")
    completed(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    assert town.look(Quota, "health-app/VCPU").committed == 0


def test_changing_a_limit_leaves_what_is_counted(town: Town) -> None:
    running(town, a_line(quantity=2))
    quota = town.give(limit("health", 30), "centre.a")
    assert (quota.allocated, quota.left) == (4, 26)
