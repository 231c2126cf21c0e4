"""Setting quotas: limits form a tree, and a counter set late knows what runs already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.quota import UNLIMITED, Headroom, Quota, QuotaScope, Standing
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.quotas import MoveQuota, SetQuota, headroom_of, scopes_above
from tests.support.requests import (
    a_line,
    approved,
    check_conserved,
    completed,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.supply import MEMORY, VCPU
from tests.support.worlds import Town, a_person, a_town, an_application

USER, LEAD = Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD
SCOPES = {"city": QuotaScope.REGION, "county": QuotaScope.REGION, "health": QuotaScope.DEPARTMENT}


@pytest.fixture
def town() -> Town:
    return a_town()


@pytest.fixture
def bureau(town: Town) -> Town:
    """The town with a hospital below its health department, and a ward below the hospital."""
    health = town.look(Organisation, "health")
    for id, parent_id in (("hospital", "health"), ("ward", "hospital")):
        with town.transaction() as world:
            world.put(replace(health, id=id, parent_id=parent_id, version=0))
            world.put(an_application(department_id=id))
            for person in a_person(login=f"{id}.user", organisation_id=id, roles=(USER,)):
                world.put(person)
            for person in a_person(login=f"{id}.lead", organisation_id=id, roles=(LEAD,)):
                world.put(person)
    return town


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


def move(giver: str, taker: str, units: int, of: str = "VCPU") -> MoveQuota:
    resource_class = VCPU if of == "VCPU" else MEMORY
    return MoveQuota(
        from_scope_id=giver, to_scope_id=taker, resource_class=resource_class, units=units
    )


def room(town: Town, scope_id: str, by: str) -> Headroom:
    with town.reading() as world:
        found = headroom_of(world, town.actor(by), scope_id)
    return next(each for each in found.classes if each.resource_class is VCPU)


def test_units_stand_below_units_however_deep(bureau: Town) -> None:
    with bureau.reading() as world:
        above = scopes_above(world, QuotaScope.APPLICATION, "ward-app")
    assert above == ("ward", "hospital", "health", "city")


def test_what_a_unit_takes_counts_on_every_department_above_it(bureau: Town) -> None:
    bureau.give(limit("hospital", 30), "centre.a")
    running(bureau, a_line(quantity=3), department="ward")
    assert bureau.look(Quota, "hospital/VCPU").allocated == 6
    assert bureau.look(Quota, "health/VCPU").allocated == 6
    assert bureau.look(Quota, "city/VCPU").allocated == 6
    assert bureau.give(limit("ward", 20), "centre.a").allocated == 6
    bureau.give(limit("health", None), "centre.a")
    check_conserved(bureau)


def test_a_units_quota_ends_where_the_department_above_it_has_none_left(bureau: Town) -> None:
    running(bureau, a_line(quantity=28), department="health")
    request = submitted(bureau, a_line(quantity=3), department="ward")
    request = signed_until(bureau, request, "technical")
    with pytest.raises(CloudmgrError) as refused:
        signed(bureau, request)
    assert refused.value.code == "quota_exceeded"
    assert (refused.value.details["scope"], refused.value.details["free"]) == ("health", 4)


def test_a_limit_binds_those_below_across_scopes_that_say_nothing(bureau: Town) -> None:
    bureau.give(limit("ward", 40), "centre.a")
    refusal = bureau.refusal(limit("health", 39), "centre.a")
    assert refusal.code == "limit_above_parent"
    assert "40 of ward" in refusal.message
    bureau.give(limit("hospital", 50), "centre.a")
    assert "50 of hospital" in bureau.refusal(limit("health", 45), "centre.a").message


def test_an_unused_limit_moves_between_departments(town: Town) -> None:
    running(town, a_line(quantity=10))
    moved = town.give(move("health", "transport", 40), "centre.a")
    assert (moved.giver.limit_units, moved.taker.limit_units) == (20, 100)
    assert town.look(Quota, "health/VCPU").left == 0
    assert town.refusal(move("health", "transport", 1), "centre.a").code == "quota_exceeded"
    assert town.code(move("transport", "health", 0), "centre.a") == "bad_value"
    assert town.code(move("health", "health", 1), "centre.a") == "bad_value"
    assert town.code(move("nobody", "health", 1), "centre.a") == "not_found"
    for person in ("health.lead", "bureau.a", "county-centre.a"):
        assert town.code(move("transport", "health", 1), person) == "forbidden"


def test_a_move_that_the_taker_may_not_have_leaves_both_as_they_were(town: Town) -> None:
    town.give(limit("transport", 150), "centre.a")
    town.give(limit("county", 150), "centre.a")
    refusal = town.refusal(move("health", "county-health", 120), "centre.a")
    assert refusal.code == "quota_exceeded"
    assert town.code(move("transport", "county-health", 111), "centre.a") == "limit_above_parent"
    assert town.look(Quota, "transport/VCPU").limit_units == 150


def test_a_scope_sees_its_headroom_and_who_is_tight(town: Town) -> None:
    running(town, a_line(quantity=10))
    approved(town, a_line(quantity=2))
    seen = room(town, "health", "health.user")
    assert (seen.limit_units, seen.allocated, seen.reserved) == (60, 20, 4)
    assert (seen.headroom_units, seen.tight_scope_id) == (36, "health")
    assert (room(town, "health-app", "health.user").headroom_units) == 36
    town.change(town.look(Quota, "city/VCPU"), limit_units=30)
    assert room(town, "health", "health.lead").tight_scope_id == "city"
    assert room(town, "city", "centre.a").headroom_units == 6


def test_nothing_set_is_told_as_such(town: Town) -> None:
    for id in ("health", "city"):
        town.change(town.look(Quota, f"{id}/VCPU"), limit_units=None)
    assert room(town, "health-app", "health.user").standing is Standing.NOT_SET
    town.change(town.look(Quota, "city/VCPU"), limit_units=UNLIMITED)
    assert room(town, "health-app", "health.user").standing is Standing.UNLIMITED


@pytest.mark.parametrize("scope_id", ["transport", "transport-app", "county", "city", "nobody"])
def test_a_foreign_scopes_headroom_is_not_found(town: Town, scope_id: str) -> None:
    with pytest.raises(CloudmgrError, match="not_found"):
        room(town, scope_id, "health.user")


def test_the_city_sees_every_scope_and_a_county_its_own(town: Town) -> None:
    assert room(town, "transport", "treasury.a").limit_units == 60
    assert room(town, "county", "county-health.reviewer").limit_units == 50
    with pytest.raises(CloudmgrError, match="not_found"):
        room(town, "health", "county-health.reviewer")
