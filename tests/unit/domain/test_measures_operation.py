"""Indicators read from capacity, use, metering and prices, each worked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmgr.domain.allocations import Segment, SegmentMode
from cloudmgr.domain.indicators import Measured
from cloudmgr.domain.measures import MEASURES
from cloudmgr.domain.measures_records import Coverage, PoolUse, PricedLine, ProviderRecords
from tests.support.assessments import (
    JANUARY,
    a_definition,
    an_allocation,
    an_incident,
    at,
    records,
    sku_terms,
    vcpu_inventory,
)
from tests.support.catalogs import a_standard


def read(indicator_id: str, found: ProviderRecords) -> Measured:
    return MEASURES[indicator_id](a_definition(id=indicator_id), found)


def test_allocated_share_is_the_average_over_the_cycles_time() -> None:
    # 10 VMs of 2 vCPU all month, 10 more for 15.5 of 31 days: 20 + 10 = 30 of 150 offered.
    found = records(
        inventories=(vcpu_inventory(total=100, ratio_percent=150),),
        allocations=(
            an_allocation(id="AL-1", quantity=10),
            an_allocation(id="AL-2", quantity=10, start="01-16 12:00"),
        ),
    )
    share = read("allocated_share", found)
    assert share.value == Fraction(30, 150)
    assert share.evidence == "30 of 150 offered vCPU allocated on average"


def test_a_resize_counts_from_its_instant_and_a_release_until_its_own() -> None:
    # 2 vCPU for the first half of the month, 4 for the second: 3 on average. The other ran
    # until 1 January 00:00 and counts nothing.
    resized = replace(
        an_allocation(id="AL-1", quantity=2),
        segments=(
            Segment(at("01-01 00:00"), "vm", 1, SegmentMode.CHARGED),
            Segment(at("01-16 12:00"), "vm", 2, SegmentMode.CHARGED),
        ),
    )
    gone = replace(an_allocation(id="AL-2"), ended_at=at("01-01 00:00"))
    found = records(inventories=(vcpu_inventory(),), allocations=(resized, gone))
    assert read("allocated_share", found).value == Fraction(3, 100)


def test_what_is_delivered_and_not_yet_accepted_is_not_counted_as_allocated() -> None:
    waiting = replace(an_allocation(), segments=())
    found = records(inventories=(vcpu_inventory(),), allocations=(waiting,))
    assert read("allocated_share", found).value == 0


def test_peak_use_is_the_p95_of_the_hours_over_physical_capacity() -> None:
    # 20 hours of 1000, 2000 … 20000 millicores: the nearest rank 95 % is the 19th.
    hours = tuple(1000 * hour for hour in range(20, 0, -1))
    found = records(
        inventories=(vcpu_inventory(total=100, ratio_percent=300),),
        allocations=(an_allocation(),),
        pool_use=(PoolUse(pool_id="pool", hourly_millicores=hours),),
    )
    assert read("pool_peak_use", found).value == Fraction(19_000, 100_000)


def test_another_trace_gives_another_peak_use() -> None:
    def peak(*hours: int) -> Fraction | None:
        use = PoolUse(pool_id="pool", hourly_millicores=hours)
        return read(
            "pool_peak_use", records(inventories=(vcpu_inventory(),), pool_use=(use,))
        ).value

    assert peak(1000, 9000) != peak(1000, 8000)


def test_an_empty_pool_is_unused_but_a_running_one_without_readings_is_not_judged() -> None:
    found = records(
        inventories=(
            vcpu_inventory(pool_id="pool"),
            vcpu_inventory(pool_id="empty", total=300),
            vcpu_inventory(pool_id="silent", total=900),
        ),
        allocations=(an_allocation(id="AL-1"), an_allocation(id="AL-2", pool_id="silent")),
        pool_use=(PoolUse(pool_id="pool", hourly_millicores=(40_000,)),),
    )
    use = read("pool_peak_use", found)
    assert use.value == Fraction(40, 400)
    assert use.evidence.endswith("(without readings: silent)")


def test_without_any_reading_peak_use_is_not_set() -> None:
    found = records(inventories=(vcpu_inventory(),), allocations=(an_allocation(),))
    assert read("pool_peak_use", found).value is None


def test_mean_use_compares_with_what_is_allocated_not_with_what_stands_there() -> None:
    # 5 VMs of 2 vCPU; hours of 1 and 3 cores: 2 of 10 cores.
    found = records(
        inventories=(vcpu_inventory(),),
        allocations=(an_allocation(quantity=5),),
        pool_use=(PoolUse(pool_id="pool", hourly_millicores=(1000, 3000)),),
    )
    assert read("allocation_mean_use", found).value == Fraction(1, 5)


def test_interrupted_minutes_are_compared_with_what_the_standard_allows() -> None:
    # 99.9 % of 31 days allow 44.64 minutes per allocation; 20 minutes hit one of the two.
    found = records(
        allocations=(an_allocation(id="AL-1"), an_allocation(id="AL-2")),
        incidents=(an_incident(opened="01-10 10:00", restored="01-10 10:20"),),
    )
    minutes = read("availability_minutes", found)
    assert minutes.value == Fraction(20) / (2 * Fraction("44.64"))
    assert minutes.evidence == "20 minutes interrupted, 89.3 allowed, in 2 months of allocations"


CREDITED = {
    "allocations": (an_allocation(id="AL-1"), an_allocation(id="AL-2")),
    "incidents": (an_incident(opened="01-10 10:00", restored="01-10 12:00"),),
}


def test_minutes_paid_back_as_a_credit_do_not_cost_points_too() -> None:
    # 120 minutes are below 99.9 % and pay a credit: the allocation's month stays out.
    minutes = read("availability_minutes", records(**CREDITED))
    assert minutes.value == 0
    assert minutes.evidence.endswith("(1 more are paid back as service credits)")


def test_minutes_paid_back_cost_points_too_where_the_scheme_says_so() -> None:
    minutes = read("availability_minutes", records(credited_incidents_score=True, **CREDITED))
    assert minutes.value == Fraction(120) / (2 * Fraction("44.64"))


def test_an_allocation_is_judged_for_its_own_life_only() -> None:
    gone = an_allocation(end="01-10 10:05")
    found = records(
        allocations=(gone,),
        incidents=(an_incident(opened="01-10 10:00", restored="01-10 11:00"),),
    )
    # 9 days 10 h 5 min = 13 565 minutes; 0.1 % of them are allowed, 5 were interrupted.
    assert read("availability_minutes", found).value == Fraction(5) / Fraction("13.565")


def test_a_standard_that_allows_nothing_counts_every_minute_as_one_allowed() -> None:
    always = sku_terms(standard=a_standard(availability=Fraction(1), credit_tiers=()))
    struck = (an_incident(opened="01-10 10:00", restored="01-10 10:07"),)
    found = records(terms=(always,), allocations=(an_allocation(),), incidents=struck)
    assert read("availability_minutes", found).value == 7
    assert read("availability_minutes", replace(found, incidents=())).value == 0


def test_where_nothing_ran_availability_is_not_set() -> None:
    assert read("availability_minutes", records()).value is None


def test_coverage_adds_readings_over_allocations_and_surplus_fills_no_gap() -> None:
    found = records(
        coverage=(
            Coverage(allocation_id="AL-1", received=120, expected=100),
            Coverage(allocation_id="AL-2", received=50, expected=100),
        )
    )
    coverage = read("metering_coverage", found)
    assert coverage.value == Fraction(3, 4)
    assert coverage.evidence == "150 of 200 readings received; 1 allocations have gaps"


def test_quarantined_readings_are_a_share_of_those_sent() -> None:
    assert read("metering_quarantine", records(rows_sent=500, rows_quarantined=1)).value == (
        Fraction(1, 500)
    )
    assert read("metering_quarantine", records()).value is None


def a_line(amount: str, price: str, ceiling: str | None) -> PricedLine:
    return PricedLine(
        amount=Decimal(amount),
        unit_price=Decimal(price),
        ceiling_unit_price=None if ceiling is None else Decimal(ceiling),
    )


def test_prices_are_weighed_by_what_was_billed() -> None:
    # 300 yuan at 90 %, 100 yuan at 70 %: 0.85. Corrections, free and unlimited lines stay out.
    found = records(
        lines=(
            a_line("300.00", "90", "100"),
            a_line("100.00", "7", "10"),
            a_line("-50.00", "1", "10"),
            a_line("0.00", "0", "10"),
            a_line("999.00", "50", None),
        )
    )
    price = read("price_against_ceiling", found)
    assert price.value == Fraction(85, 100)
    assert price.evidence == "400 yuan billed under a ceiling (1 lines have no ceiling)"


@pytest.mark.parametrize(
    "indicator_id", ["allocated_share", "pool_peak_use", "allocation_mean_use", "metering_coverage"]
)
def test_without_records_nothing_is_set(indicator_id: str) -> None:
    assert read(indicator_id, records()).value is None


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=60))
def test_peak_use_of_any_trace_lies_between_its_median_and_its_busiest_hour(
    hours: list[int],
) -> None:
    use = PoolUse(pool_id="pool", hourly_millicores=tuple(hours))
    found = records(inventories=(vcpu_inventory(),), pool_use=(use,))
    value = read("pool_peak_use", found).value
    assert value is not None
    assert value <= Fraction(max(hours), 100_000)
    assert value >= Fraction(sorted(hours)[(len(hours) - 1) // 2], 100_000)


def test_a_quarter_adds_its_months() -> None:
    quarter = (JANUARY, JANUARY.plus(1), JANUARY.plus(2))
    found = records(
        months=quarter,
        inventories=(vcpu_inventory(),),
        allocations=(an_allocation(quantity=10, end="02-01 00:00"),),
    )
    # 20 vCPU in 31 of 90 days.
    assert read("allocated_share", found).value == Fraction(20 * 31, 90 * 100)
