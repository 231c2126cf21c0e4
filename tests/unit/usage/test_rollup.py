"""The rollup means what the domain says, in integers, whatever the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.period import Month, Period, local_day, midnight
from cloudmgr.domain.metering import LARGEST_VALUE, nearest_rank
from cloudmgr.usage.lake import MemoryLake
from cloudmgr.usage.partitions import pool_and_day
from cloudmgr.usage.quarantine import FIRST_INSTANT, QUARANTINE_SCHEMA
from cloudmgr.usage.rollup import hours_of
from tests.support.usage import JANUARY, START, at, batch, reading

NONE_HELD = QUARANTINE_SCHEMA.empty_table()


def month_of(values: list[int]) -> dict[str, int]:
    lake = MemoryLake()
    rows = batch(*(reading(time=at(n), value=value) for n, value in enumerate(values))).rows
    written = lake.write("b-1", "pool-a", rows, NONE_HELD)
    (row,) = lake.rollup_month(written.partitions, JANUARY).to_pylist()
    return {name: value for name, value in row.items() if isinstance(value, int)}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 9), st.integers(0, LARGEST_VALUE)), min_size=1, max_size=250)
)
def test_percentiles_are_the_nearest_rank_of_the_domain(values: list[int]) -> None:
    assert month_of(values) == {
        "sum": sum(values),
        "count": len(values),
        "max": max(values),
        "p95": nearest_rank(values, 95),
        "p99": nearest_rank(values, 99),
    }


@pytest.mark.parametrize("count", [1, 19, 20, 21, 99, 100, 101, 8928])
def test_ranks_at_the_edges_are_exact(count: int) -> None:
    values = list(range(1, count + 1))
    found = month_of(values[::-1])
    assert (found["p95"], found["p99"]) == (nearest_rank(values, 95), nearest_rank(values, 99))


def test_sums_beyond_what_a_float_can_hold_are_exact() -> None:
    values = [LARGEST_VALUE] * 9000 + [1]
    assert sum(values) > 2**53
    assert month_of(values)["sum"] == 9000 * LARGEST_VALUE + 1


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1000 * 365 * 86_400))
def test_a_reading_lies_in_the_partition_of_its_shanghai_day(seconds: int) -> None:
    moment = FIRST_INSTANT + timedelta(seconds=seconds)
    rows = batch(reading(time=moment)).rows
    (name,) = MemoryLake().write("b-1", "pool-a", rows, NONE_HELD).partitions
    assert pool_and_day(name) == ("pool-a", local_day(moment))


@given(st.dates(date(2000, 1, 1), date(2998, 12, 31)))
def test_every_shanghai_day_begins_on_a_whole_utc_hour(day: date) -> None:
    start = midnight(day)
    first, last = hours_of(Period(start, midnight(day + timedelta(days=1))))
    assert last - first == 24
    assert start == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=first)


@pytest.mark.parametrize(
    "period",
    [
        Period(START + timedelta(minutes=5), START + timedelta(hours=1)),
        Period(START, START + timedelta(microseconds=1)),
    ],
)
def test_broken_hours_are_refused(period: Period) -> None:
    with pytest.raises(CloudmgrError) as refused:
        MemoryLake().rollup_hours((), period)
    assert refused.value.code == "bad_period"


def test_the_rollup_asks_the_engine_for_no_time_zone() -> None:
    """An engine in another zone, or without zones, must give the same hours."""
    rows = batch(reading(time=Month(2026, 7).period.start, value=3)).rows
    lake = MemoryLake()
    written = lake.write("b-1", "pool-a", rows, NONE_HELD)
    hours = lake.rollup_hours(written.partitions, Month(2026, 7).period)
    assert hours.column("hour").to_pylist() == [datetime(2026, 6, 30, 16, tzinfo=UTC)]
    assert pa.types.is_timestamp(hours.schema.field("hour").type)
