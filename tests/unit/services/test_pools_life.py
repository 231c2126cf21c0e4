"""A pool's life: its checklist, what its states forbid, and the retirement by waves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.capacity import Inventory, InventoryRecord
from cloudmgr.domain.certificates import Certificate, CertificateKind, SubjectKind
from cloudmgr.domain.policy_pools import OnboardingCheck, PoolRules, RatioBounds
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, ResourcePool, SiteRole
from cloudmgr.domain.pools_makeup import Component, Part
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.pools import (
    LONG_AGO,
    EditPool,
    EditSite,
    RegisterSite,
    SetInventory,
    StatePoolMakeup,
    StateSiteFacts,
)
from cloudmgr.services.pools_life import (
    ChangeManagementLevel,
    MovePool,
    PlanMigrationWave,
    RecordConformance,
    ReviseMigrationWave,
    plan_of_exit,
    standing_of_pool,
)
from tests.support.assessments import at
from tests.support.requests import a_line, approved, completed, running
from tests.support.sites import a_town_of_three_sites, rule
from tests.support.supply import MEMORY, VCPU, a_contract, a_pool, an_inventory
from tests.support.worlds import MONDAY, Town, a_town

EXIT = at("12-31 00:00")


@pytest.fixture
def town() -> Town:
    return a_town()


def move(to: PoolState, *, pool_id: str = "x86", **how: Any) -> MovePool:
    fields: dict[str, Any] = {"reason": "a test"} | how
    return MovePool(pool_id=pool_id, to=to, **fields)


def retire(town: Town, pool_id: str = "x86") -> None:
    town.give(move(PoolState.RETIRING, pool_id=pool_id, exit_at=EXIT), "centre.a")


def more(total: int, **how: Any) -> SetInventory:
    fields: dict[str, Any] = {"pool_id": "x86", "resource_class": VCPU, "total": total}
    return SetInventory(**(fields | how))


# --- onboarding -------------------------------------------------------------------------------


def test_a_pool_is_onboarded_once_everything_the_policy_asks_is_there(town: Town) -> None:
    rule(town, pools=PoolRules(onboarding=tuple(OnboardingCheck)))
    town.keep(a_pool(id="new", state=PoolState.REGISTERED, stack="x86"))
    onboard = move(PoolState.ONBOARDED, pool_id="new")
    refusal = town.refusal(onboard, "centre.a")
    assert refusal.code == "pool_not_ready"
    assert len(refusal.details["missing"]) == len(OnboardingCheck)
    town.keep(an_inventory(pool_id="new"), a_contract(id="contract-new"))
    town.keep(*(a_paper("new", kind) for kind in CertificateKind))
    assert len(town.refusal(onboard, "centre.a").details["missing"]) == 1
    report = RecordConformance(
        pool_id="new",
        level=ManagementLevel.REPORTING,
        passed=True,
        notes="the workbook was read",
        tested_at=MONDAY,
    )
    town.give(report, "centre.b")
    made = town.give(onboard, "centre.a")
    assert (made.state, made.state_since) == (PoolState.ONBOARDED, MONDAY)


def a_paper(pool_id: str, kind: CertificateKind) -> Certificate:
    return Certificate(
        id=f"CERT-{pool_id}-{kind}",
        kind=kind,
        subject_kind=SubjectKind.POOL,
        subject_id=pool_id,
        number="1",
        issuer="somebody",
        valid_from=at("01-01 00:00"),
        expires_at=at("12-31 00:00"),
        mlps_level=3 if kind is CertificateKind.MLPS_REPORT else None,
    )


def test_what_the_policy_does_not_ask_for_is_shown_and_stops_nobody(town: Town) -> None:
    town.keep(a_pool(id="new", state=PoolState.REGISTERED, stack="x86"))
    with town.reading() as world:
        standing = standing_of_pool(world, world.get(ResourcePool, "new"), MONDAY)
    assert not any(item.fulfilled or item.required for item in standing.checklist)
    town.give(move(PoolState.ONBOARDED, pool_id="new"), "centre.a")


def test_a_higher_level_of_management_needs_its_test_passed(town: Town) -> None:
    raised = ChangeManagementLevel(
        pool_id="x86", level=ManagementLevel.MONITORING, reason="it has an interface now"
    )
    assert town.code(raised, "centre.a") == "bad_value"
    report = RecordConformance(
        pool_id="x86",
        level=ManagementLevel.MONITORING,
        passed=True,
        notes="all checks passed",
        tested_at=MONDAY,
    )
    town.give(report, "centre.a")
    assert town.give(raised, "centre.a").management_level is ManagementLevel.MONITORING
    lowered = replace(raised, level=ManagementLevel.REPORTING)
    assert town.give(lowered, "centre.a").management_level is ManagementLevel.REPORTING
    for person in ("prv.engineer", "county-centre.a"):
        assert town.code(report, person) == "forbidden"


# --- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [PoolState.RESTRICTED, PoolState.RETIRING])
def test_a_reason_is_written_down(town: Town, to: PoolState) -> None:
    assert town.code(move(to, exit_at=EXIT, reason=" "), "centre.a") == "bad_value"
    moved = town.give(move(to, exit_at=EXIT), "centre.a")
    assert (moved.state_reason, moved.state_since) == ("a test", MONDAY)


def test_a_restricted_pool_is_opened_again_with_a_reason(town: Town) -> None:
    town.give(move(PoolState.RESTRICTED), "centre.a")
    again = move(PoolState.ONBOARDED)
    assert town.code(replace(again, reason=""), "centre.a") == "bad_value"
    assert town.give(again, "centre.a").state is PoolState.ONBOARDED


@pytest.mark.parametrize("to", [PoolState.RESTRICTED, PoolState.RETIRING])
def test_such_a_pool_takes_nothing_new_and_lets_nothing_grow(town: Town, to: PoolState) -> None:
    held = running(town, a_line(pool_id="x86"))
    town.give(move(to, exit_at=EXIT), "centre.a")
    fresh = approved(town, a_line(), department="transport")
    assert fresh.lines[0].pool_id == "kunpeng", "the other pool takes it"
    grow = a_line(sku_id="vm-large", allocation_id=held.id)
    with pytest.raises(Exception, match="refused by life"):
        approved(town, grow, kind=RequestKind.CHANGE)
    for kind, line in (
        (RequestKind.RENEW, a_line(allocation_id=held.id)),
        (RequestKind.RELOCATE, a_line(allocation_id=held.id)),
    ):
        assert completed(town, line, kind=kind).state == "completed"


@pytest.mark.parametrize("to", [PoolState.RESTRICTED, PoolState.RETIRING])
def test_such_a_pool_gets_no_more_hardware_but_may_be_stated_smaller(
    town: Town, to: PoolState
) -> None:
    town.give(move(to, exit_at=EXIT), "centre.a")
    assert town.code(more(101), "prv.engineer") == "pool_closed"
    assert town.give(more(90), "prv.engineer").total == 90


def test_a_pool_is_retired_when_nothing_is_held_or_runs_there(town: Town) -> None:
    held = running(town, a_line(pool_id="x86"))
    retire(town)
    gone = move(PoolState.RETIRED)
    refusal = town.refusal(gone, "centre.a")
    assert (refusal.code, refusal.details["remaining"]) == ("pool_not_empty", 1)
    completed(town, a_line(allocation_id=held.id), kind=RequestKind.RELEASE)
    assert town.give(gone, "centre.a").state is PoolState.RETIRED


def test_what_is_only_reserved_keeps_a_pool_from_being_retired(town: Town) -> None:
    approved(town, a_line(pool_id="x86"))
    retire(town)
    assert town.code(move(PoolState.RETIRED), "centre.a") == "pool_not_empty"


def test_nothing_is_stated_of_a_retired_pool(town: Town) -> None:
    retire(town)
    town.give(move(PoolState.RETIRED), "centre.a")
    for command in (more(1), EditPool(pool_id="x86", name_en="old")):
        assert town.code(command, "centre.a") == "pool_closed"


def test_an_exit_lies_ahead(town: Town) -> None:
    past = move(PoolState.RETIRING, exit_at=MONDAY)
    assert town.code(past, "centre.a") == "bad_value"


# --- waves ------------------------------------------------------------------------------------


def a_plan(*ids: str, **changed: Any) -> PlanMigrationWave:
    fields: dict[str, Any] = {
        "pool_id": "x86",
        "name": "first",
        "starts_at": at("02-01 00:00"),
        "due_at": at("03-01 00:00"),
        "allocation_ids": ids,
    }
    return PlanMigrationWave(**(fields | changed))


def test_a_wave_is_late_when_something_of_it_is_still_there(town: Town) -> None:
    staying = running(town, a_line(pool_id="x86"))
    leaving = running(town, a_line(pool_id="x86"), department="transport")
    retire(town)
    assert town.code(a_plan(staying.id), "prv.engineer") == "forbidden"
    wave = town.give(a_plan(staying.id, leaving.id), "centre.a")
    moved = completed(
        town, a_line(allocation_id=leaving.id), kind=RequestKind.RELOCATE, department="transport"
    )
    assert moved.state == "completed"
    town.wait("03-01 00:00")
    told = [each for each in town.messages if each.topic == "migration_wave_overdue"]
    assert [(each.subject, each.payload["remaining"]) for each in told] == [(wave.id, 1)]
    with town.reading() as world:
        plan = plan_of_exit(world, world.get(ResourcePool, "x86"), town.now)
    assert [(each.gone, each.remaining, each.overdue) for each in plan.waves] == [
        (1, (staying.id,), True)
    ]
    town.wait("12-31 00:00")
    assert "pool_exit_overdue" in {each.topic for each in town.messages}


def test_a_wave_that_left_in_time_is_told_to_nobody(town: Town) -> None:
    held = running(town, a_line(pool_id="x86"))
    retire(town)
    town.give(a_plan(held.id), "centre.a")
    completed(town, a_line(allocation_id=held.id), kind=RequestKind.RELOCATE)
    town.wait("03-01 00:00")
    assert "migration_wave_overdue" not in {each.topic for each in town.messages}
    town.give(move(PoolState.RETIRED), "centre.a")


def test_a_wave_may_be_put_off_until_the_exit(town: Town) -> None:
    held = running(town, a_line(pool_id="x86"))
    retire(town)
    wave = town.give(a_plan(held.id), "centre.a")
    later = ReviseMigrationWave(wave_id=wave.id, due_at=at("04-01 00:00"))
    assert town.give(later, "centre.b").due_at == at("04-01 00:00")
    town.wait("03-15 00:00")
    assert "migration_wave_overdue" not in {each.topic for each in town.messages}
    town.wait("04-01 00:00")
    assert "migration_wave_overdue" in {each.topic for each in town.messages}
    too_late = ReviseMigrationWave(wave_id=wave.id, due_at=at("12-31 01:00"))
    assert town.code(too_late, "centre.a") == "bad_value"


# --- what is stated, and by whom --------------------------------------------------------------


def test_an_over_commit_keeps_to_the_policys_bounds(town: Town) -> None:
    bounds = RatioBounds(resource_class=VCPU, least_percent=100, most_percent=200)
    kunpeng = RatioBounds(
        resource_class=VCPU, pool_kind=PoolKind.XINCHUANG, least_percent=100, most_percent=300
    )
    rule(town, pools=PoolRules(ratio_bounds=(bounds, kunpeng)))
    assert town.code(more(100, allocation_ratio_percent=201), "prv.engineer") == "bad_value"
    town.give(more(100, allocation_ratio_percent=200), "prv.engineer")
    town.give(more(100, pool_id="kunpeng", allocation_ratio_percent=300), "rival.engineer")


def test_a_pool_that_cannot_become_domestic_grows_to_its_limit(town: Town) -> None:
    limited = EditPool(
        pool_id="x86",
        can_become_domestic=False,
        expansion_limits=(ResourceAmount(VCPU, 120),),
    )
    assert town.code(limited, "centre.a") == "bad_value", "it has no exit date"
    town.give(replace(limited, exit_at=EXIT), "centre.a")
    assert town.code(more(121), "prv.engineer") == "expansion_limited"
    assert town.give(more(120), "prv.engineer").total == 120
    town.give(more(500_000, resource_class=MEMORY), "prv.engineer")
    open_again = EditPool(pool_id="kunpeng", expansion_limits=(ResourceAmount(VCPU, 1),))
    assert town.code(open_again, "centre.a") == "bad_value", "it can become domestic"


def test_every_statement_is_kept_with_the_one_before_the_first(town: Town) -> None:
    town.give(more(150, reason="second phase"), "prv.engineer")
    town.wait("01-20 00:00")
    town.give(more(140), "centre.a")
    kept = town.all(InventoryRecord, pool_id="x86")
    assert [(each.total, each.stated_at, each.stated_by) for each in kept] == [
        (100, LONG_AGO, ""),
        (150, MONDAY, "prv.engineer"),
        (140, at("01-20 00:00"), "centre.a"),
    ]
    assert town.look(Inventory, "x86/VCPU").total == 140


def test_a_first_statement_has_nothing_before_it(town: Town) -> None:
    first = more(8, resource_class=ResourceClass.GPU)
    town.give(first, "prv.engineer")
    assert [each.total for each in town.all(InventoryRecord, pool_id="x86")] == [8]


def test_the_city_edits_a_pool_and_its_provider_says_what_it_is_made_of(town: Town) -> None:
    edit = EditPool(pool_id="x86", name_en="General pool", department_ids=("health",))
    assert town.code(edit, "prv.engineer") == "forbidden"
    edited = town.give(edit, "centre.a")
    assert (edited.name_en, edited.department_ids, edited.name_zh) == (
        "General pool",
        ("health",),
        "资源池",
    )
    assert town.code(replace(edit, department_ids=("prv",)), "centre.a") == "bad_value"
    makeup = StatePoolMakeup(
        pool_id="x86",
        makeup=(Component(part=Part.CHIP, product="Xeon", domestic=False, units=4),),
    )
    assert town.code(makeup, "rival.engineer") == "not_found"
    assert town.give(makeup, "prv.engineer").makeup == makeup.makeup


def test_racks_are_stated_by_whoever_stands_there_and_coordinates_by_the_city() -> None:
    town = a_town_of_three_sites()
    facts = StateSiteFacts(site_id="far", racks=10, racks_used=4, pue_hundredths=130)
    assert town.code(facts, "rival.engineer") == "not_found"
    assert town.give(facts, "prv.engineer").racks_used == 4
    assert town.code(replace(facts, racks_used=11), "centre.a") == "bad_value"
    moved = EditSite(site_id="far", latitude_microdegrees=31_000_000)
    assert town.code(moved, "prv.engineer") == "forbidden"
    edited = town.give(moved, "centre.a")
    assert (edited.latitude_microdegrees, edited.racks) == (31_000_000, 10)


def test_a_site_is_registered_on_the_earth_and_in_a_region(town: Town) -> None:
    new = RegisterSite(
        name_zh="县机房",
        name_en="County room",
        region_id="county",
        role=SiteRole.PRIMARY,
        latitude_microdegrees=30_100_000,
        longitude_microdegrees=120_100_000,
    )
    assert town.give(new, "centre.a").region_id == "county"
    assert town.code(replace(new, region_id="nowhere"), "centre.a") == "not_found"
    assert town.code(replace(new, latitude_microdegrees=91_000_000), "centre.a") == "bad_value"


def test_relocated_allocations_are_counted_where_they_went(town: Town) -> None:
    held = running(town, a_line(pool_id="x86"))
    completed(town, a_line(allocation_id=held.id), kind=RequestKind.RELOCATE)
    there = [each.pool_id for each in town.all(Allocation) if each.state != "released"]
    assert there == ["kunpeng"]
