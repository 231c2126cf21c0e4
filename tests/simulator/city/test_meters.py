"""What a pool's meters read in a day, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import PricingModel, Sku
from cloudmgr.domain.allocations import Allocation
from cloudmgr.usage.batches import READING_SCHEMA
from simulator.city.meters import SAMPLES_A_DAY, Meters
from simulator.traces.shares import TraceShares
from tests.support.catalogs import a_sku
from tests.support.money import a_segment, an_allocation
from tests.support.plays import flat_shares, some_shares
from tests.support.stages import a_stage

FIRST_DAY = date(2026, 1, 1)
FIVE_MINUTES = timedelta(minutes=5)

MACHINE = a_sku(id="vm", resources=(ResourceAmount(ResourceClass.VCPU, 4),))
DISK = a_sku(id="disk", meter="storage_used_gib")
TRAFFIC = a_sku(
    id="egress", model=PricingModel.METERED, meter="egress_mib", meter_units_per_unit=1024
)
SERVICE = a_sku(id="service", meter=None)


def running(
    number: int = 1, *, sku: Sku = MACHINE, since: str = "2025-12-01", **more: Any
) -> Allocation:
    made = an_allocation(
        a_segment(since, more.pop("quantity", 1), sku.id), id=f"ALC-{number:08d}", **more
    )
    return replace(made, estimate_units=1)


def read(
    shares: TraceShares, *allocations: Allocation, day: date = FIRST_DAY
) -> list[dict[str, Any]]:
    skus = {sku.id: sku for sku in (MACHINE, DISK, TRAFFIC, SERVICE)}
    found: list[dict[str, Any]] = Meters(a_stage(), shares, skus).rows(allocations, day).to_pylist()
    return found


def values(rows: list[dict[str, Any]], number: int = 1) -> list[int]:
    return [row["value"] for row in rows if row["resource"] == f"ALC-{number:08d}"]


def test_a_gauge_is_the_share_of_the_size_rounded_down() -> None:
    """Two machines of 4 vCPU are 8 000 millicores: a third of that is 2 666.664."""
    rows = read(some_shares([333_333] * SAMPLES_A_DAY), running(quantity=2))
    assert values(rows) == [2666] * SAMPLES_A_DAY
    assert {row["meter"] for row in rows} == {"cpu_millicores"}


def test_a_disk_is_read_in_gib_of_its_size() -> None:
    assert values(read(flat_shares(30), running(sku=DISK, quantity=250)))[0] == 75


def test_the_day_begins_at_midnight_in_shanghai_and_has_a_reading_every_five_minutes() -> None:
    times = [row["time"] for row in read(flat_shares(1), running())]
    assert times[0] == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert [later - earlier for earlier, later in pairwise(times)] == [FIVE_MINUTES] * 287


def test_small_counts_carry_their_fractions_through_the_day() -> None:
    """1 GiB a month expected and an eighth of the full rate: 1 024 x 8 / 8 MiB in 8 928 samples,
    0.1147 a sample. Cut off one by one that would be nothing at all; carried on, the ninth
    reading is the first whole MiB and the day has 288 x 1 024 / 8 928 = 33.03."""
    counted = values(read(some_shares([125_000] * SAMPLES_A_DAY), running(sku=TRAFFIC)))
    assert counted[:9] == [0] * 8 + [1]
    assert sum(counted) == 33
    assert set(counted) == {0, 1}


def test_use_that_varies_is_counted_when_it_happens() -> None:
    """At full rate a sample counts 8 192 / 8 928 = 0.92 MiB: nothing by night, then 0, 1, 1, …"""
    rows = read(some_shares([0] * 144 + [1_000_000] * 144), running(sku=TRAFFIC))
    counted = values(rows)
    assert counted[:147] == [0] * 145 + [1, 1]
    assert sum(counted) == 144 * 8192 // 8928


def test_what_is_delivered_during_the_day_is_read_from_the_next_sample_on() -> None:
    rows = read(
        flat_shares(50), running(since="01-05 10:02"), running(2, since="01-05 10:05"),
        day=date(2026, 1, 5),
    )  # fmt: skip
    first = {row["resource"]: row["time"] for row in reversed(rows)}
    five_past_ten = datetime(2026, 1, 5, 2, 5, tzinfo=UTC)
    assert first == {"ALC-00000001": five_past_ten, "ALC-00000002": five_past_ten}
    assert len(values(rows)) == SAMPLES_A_DAY - 121


def test_what_is_delivered_tomorrow_is_not_read_today() -> None:
    assert read(flat_shares(50), running(since="01-06 00:00"), day=date(2026, 1, 5)) == []


def test_what_ends_during_the_day_is_read_until_midnight_and_not_the_day_after() -> None:
    ending = running(end="01-05 10:00")
    assert len(read(flat_shares(50), ending, day=date(2026, 1, 5))) == SAMPLES_A_DAY
    assert read(flat_shares(50), ending, day=date(2026, 1, 6)) == []


def test_what_has_no_meter_is_not_read() -> None:
    assert read(flat_shares(50), running(sku=SERVICE)) == []


def test_a_pool_that_runs_nothing_gives_an_empty_batch() -> None:
    table = Meters(a_stage(), flat_shares(50), {}).rows((), FIRST_DAY)
    assert (table.num_rows, table.schema) == (0, READING_SCHEMA)


@pytest.mark.parametrize(("number", "percent"), [(1, 10), (2, 20), (3, 30), (4, 10), (302, 20)])
def test_allocation_i_follows_trace_i_mod_n(number: int, percent: int) -> None:
    rows = read(flat_shares(10, 20, 30), running(number))
    assert set(values(rows, number)) == {40 * percent}


def test_a_trace_starts_with_its_first_sample_at_the_cut_over() -> None:
    rising = [10 * k for k in range(2 * SAMPLES_A_DAY)]
    rows = read(some_shares(rising), running(quantity=250))  # a million millicores
    assert values(rows) == rising[:SAMPLES_A_DAY]


@pytest.mark.parametrize(("day", "percent"), [(1, 10), (2, 20), (3, 10), (30, 20), (31, 10)])
def test_a_short_trace_repeats_its_whole_days(day: int, percent: int) -> None:
    two_days = [100_000] * SAMPLES_A_DAY + [200_000] * SAMPLES_A_DAY
    rows = read(some_shares(two_days), running(), day=date(2026, 1, day))
    assert set(values(rows)) == {40 * percent}
