"""What a pool is made of, what its policy says, and how a retiring one becomes empty."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.quantity import ResourceClass
from cloudmgr.domain.policy_pools import (
    PoolRules,
    RatioBounds,
    RegionUse,
    RouteRule,
    SettlementRoute,
    Waterline,
)
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, check_site
from cloudmgr.domain.pools_life import (
    ConformanceReport,
    MigrationWave,
    check_wave,
    exit_plan,
    passed_for,
)
from cloudmgr.domain.pools_makeup import Component, Part, check_makeup, domestic_share
from tests.support.assessments import an_allocation, at
from tests.support.sites import a_site
from tests.support.supply import MEMORY, VCPU, a_pool


def parts(*shares: tuple[Part, int, int]) -> list[Component]:
    """Domestic and foreign units of each layer."""
    return [
        Component(part=part, product=f"{part}-{domestic}", domestic=domestic, units=units)
        for part, ours, theirs in shares
        for domestic, units in ((True, ours), (False, theirs))
        if units
    ]


def test_a_pool_is_as_domestic_as_its_least_domestic_layer() -> None:
    makeup = parts((Part.CHIP, 10, 0), (Part.OPERATING_SYSTEM, 9, 1), (Part.DATABASE, 1, 3))
    assert domestic_share(makeup) == Fraction(1, 4)


def test_the_share_is_not_set_until_every_layer_is_known() -> None:
    assert domestic_share(parts((Part.CHIP, 10, 0), (Part.DATABASE, 1, 0))) is None
    assert domestic_share([]) is None


@pytest.mark.parametrize(("product", "units"), [("", 1), ("openEuler", 0)])
def test_a_component_has_a_name_and_units(product: str, units: int) -> None:
    bad = Component(part=Part.CHIP, product=product, domestic=True, units=units)
    with pytest.raises(CloudmgrError):
        check_makeup([bad])


def test_a_product_stands_once_in_its_layer() -> None:
    twice = Component(part=Part.CHIP, product="Kunpeng 920", domestic=True, units=1)
    with pytest.raises(CloudmgrError):
        check_makeup([twice, twice])
    check_makeup([twice])


@pytest.mark.parametrize(
    "how",
    [
        {"latitude_microdegrees": 90_000_001},
        {"longitude_microdegrees": -180_000_001},
        {"racks": 1, "racks_used": 2},
        {"pue_hundredths": 99},
    ],
)
def test_a_site_stands_on_the_earth_with_racks_and_a_pue_that_can_be(how: dict[str, Any]) -> None:
    with pytest.raises(CloudmgrError):
        check_site(a_site(**how))
    check_site(a_site(racks=2, racks_used=2, pue_hundredths=100))


def test_a_bound_for_the_kind_goes_before_one_for_all() -> None:
    rules = PoolRules(
        ratio_bounds=(
            RatioBounds(resource_class=VCPU, least_percent=100, most_percent=300),
            RatioBounds(
                resource_class=VCPU, pool_kind=PoolKind.EDGE, least_percent=100, most_percent=150
            ),
        )
    )
    assert rules.ratio_bounds_of(VCPU, PoolKind.GENERAL) == (100, 300)
    assert rules.ratio_bounds_of(VCPU, PoolKind.EDGE) == (100, 150)
    assert rules.ratio_bounds_of(MEMORY, PoolKind.EDGE) == (100, 1600)


def test_a_waterline_of_the_class_goes_before_the_general_one() -> None:
    rules = PoolRules(
        waterlines=(Waterline(percent=10), Waterline(percent=25, resource_class=VCPU))
    )
    assert rules.waterline_percent(VCPU) == 25
    assert rules.waterline_percent(ResourceClass.GPU) == 10
    assert PoolRules().waterline_percent(VCPU) is None


def test_a_region_serves_itself_and_whom_its_rule_names() -> None:
    rules = PoolRules(region_uses=(RegionUse(pool_region_id="county", user_region_ids=("city",)),))
    assert rules.may_use("county", "county")
    assert rules.may_use("city", "county")
    assert not rules.may_use("other", "county")
    assert rules.may_use("other", "city"), "no rule names the city's pools"


def test_money_goes_direct_unless_a_rule_sends_it_by_the_pools_region() -> None:
    via = SettlementRoute.VIA_POOL_REGION
    rules = PoolRules(routes=(RouteRule(route=via, pool_region_id="county", contract_id="c1"),))

    def route(pool: str, payer: str, contract: str) -> SettlementRoute:
        return rules.route_of(payer_region_id=payer, pool_region_id=pool, contract_id=contract)

    assert route("county", "city", "c1") is via
    assert route("county", "city", "c2") is SettlementRoute.DIRECT
    assert route("city", "county", "c1") is SettlementRoute.DIRECT
    assert route("county", "county", "c1") is SettlementRoute.DIRECT, "its own region pays"
    assert (
        PoolRules().route_of(payer_region_id="a", pool_region_id="b", contract_id=None)
        is SettlementRoute.DIRECT
    )


def a_report(level: ManagementLevel, *, passed: bool = True, day: int = 5) -> ConformanceReport:
    return ConformanceReport(
        id=f"CONF-{level}-{day}",
        pool_id="x86",
        provider_id="prv",
        level=level,
        passed=passed,
        notes="",
        file_id=None,
        recorded_by="centre.a",
        tested_at=at(f"01-{day:02d} 09:00"),
    )


def test_a_test_of_a_higher_level_shows_the_lower_and_the_latest_counts() -> None:
    high, low = ManagementLevel.SCHEDULING, ManagementLevel.MONITORING
    assert passed_for([a_report(high)], low)
    assert not passed_for([a_report(low)], high)
    assert not passed_for([a_report(low), a_report(low, passed=False, day=6)], low)
    assert not passed_for([], low)


def retiring() -> Any:
    return a_pool(id="pool", state=PoolState.RETIRING, exit_at=at("12-31 00:00"))


def a_wave(*ids: str, **changed: Any) -> MigrationWave:
    fields: dict[str, Any] = {
        "id": "WAVE-1",
        "pool_id": "pool",
        "provider_id": "prv",
        "number": 1,
        "name": "first",
        "starts_at": at("02-01 00:00"),
        "due_at": at("03-01 00:00"),
        "allocation_ids": ids or ("AL-1",),
    }
    return MigrationWave(**(fields | changed))


@pytest.mark.parametrize(
    "wave",
    [
        a_wave("AL-1", "AL-1"),
        a_wave("AL-9"),
        a_wave("AL-2"),
        a_wave(due_at=at("02-01 00:00")),
        a_wave(starts_at=at("12-30 00:00"), due_at=at("12-31 01:00")),
    ],
    ids=["twice", "not there", "in another wave", "no time", "after the exit"],
)
def test_a_wave_moves_what_is_there_once_and_before_the_exit(wave: MigrationWave) -> None:
    there = [an_allocation(id=f"AL-{number}") for number in (1, 2)]
    other = a_wave("AL-2", id="WAVE-0", number=2)
    check_wave(retiring(), a_wave(), [other], there)
    with pytest.raises(CloudmgrError):
        check_wave(retiring(), wave, [other], there)


def test_only_a_retiring_pool_is_moved_out() -> None:
    with pytest.raises(CloudmgrError):
        check_wave(a_pool(id="pool"), a_wave(), [], [an_allocation(id="AL-1")])


def test_a_plan_says_what_has_left_what_is_late_and_what_nobody_planned() -> None:
    waves = [a_wave("AL-1", "AL-2"), a_wave("AL-3", id="W2", number=2, due_at=at("06-01 00:00"))]
    before = exit_plan(retiring(), waves, ["AL-2", "AL-3", "AL-4"], at("02-28 00:00"))
    assert [(each.gone, each.remaining, each.overdue) for each in before.waves] == [
        (1, ("AL-2",), False),
        (0, ("AL-3",), False),
    ]
    assert (before.unplanned, before.remaining, before.overdue) == (("AL-4",), 3, 0)
    after = exit_plan(retiring(), waves, ["AL-2", "AL-3"], at("03-01 00:00"))
    assert [each.overdue for each in after.waves] == [True, False]
    assert after.overdue == 1


def test_after_the_exit_everything_left_is_overdue_and_an_empty_pool_is_not() -> None:
    late = exit_plan(retiring(), [a_wave()], ["AL-1", "AL-5"], at("12-31 00:00"))
    assert (late.overdue, late.empty) == (2, False)
    assert exit_plan(retiring(), [a_wave()], [], at("12-31 00:00")).empty
