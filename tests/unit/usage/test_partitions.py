"""Names of partitions: what they say, which belong together, which are read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month, Period, midnight
from cloudmgr.usage.partitions import (
    partition_name,
    pool_and_day,
    quarantine_name,
    ranked,
    same_days,
    same_months,
    within,
)


def name(pool: str = "a", day: str = "2026-01-05", batch: str = "b-1") -> str:
    return f"pool={pool}/day={day}/{batch}.parquet"


def test_a_name_says_its_pool_and_day_and_tells_contents_apart() -> None:
    day = date(2026, 1, 5)
    one = partition_name("pool-a", day, "b-1", "0" * 64)
    assert pool_and_day(one) == ("pool-a", day)
    assert partition_name("pool-a", day, "b-1", "1" * 64) != one
    assert partition_name("pool-a", day, "b-2", "0" * 64) != one


@pytest.mark.parametrize("id", ["", ".", "..", ".hidden", "a/b", "../etc", "a b", "a\n", "x" * 101])
def test_ids_that_are_no_file_names_are_refused(id: str) -> None:
    for pool_id, batch_id in ((id, "b-1"), ("pool-a", id)):
        with pytest.raises(CloudmgrError, match="bad_value"):
            partition_name(pool_id, date(2026, 1, 5), batch_id, "0")
        with pytest.raises(CloudmgrError, match="bad_value"):
            quarantine_name(pool_id, batch_id, "0")


@pytest.mark.parametrize(
    "wrong", ["", "x.parquet", "quarantine/pool=a/b.parquet", "pool=a/day=x/b"]
)
def test_what_is_no_partition_is_refused(wrong: str) -> None:
    with pytest.raises(CloudmgrError, match="names no partition"):
        pool_and_day(wrong)


def test_a_month_reads_the_days_of_shanghai_it_shares() -> None:
    days = [name(day=day) for day in ("2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01")]
    assert within(days, Month(2026, 1).period) == tuple(days[1:3])


def test_an_hour_reads_one_day_and_an_empty_period_none() -> None:
    days = [name(day=day) for day in ("2026-01-04", "2026-01-05", "2026-01-06")]
    start = midnight(date(2026, 1, 5))
    assert within(days, Period(start, start + timedelta(hours=1))) == (days[1],)
    assert within(days, Period(start - timedelta(hours=1), start)) == (days[0],)
    assert within(days, Period(start, start)) == ()


def test_a_late_batch_concerns_its_own_pools_and_days_and_months() -> None:
    manifest = (
        name(batch="b-1"),
        name(day="2026-01-06"),
        name(day="2026-02-05"),
        name(pool="b"),
        name(batch="late"),
    )
    assert same_days(manifest, [manifest[-1]]) == (manifest[0], manifest[4])
    assert same_months(manifest, [manifest[-1]]) == (manifest[0], manifest[1], manifest[4])


def test_only_days_that_hold_several_files_are_ranked_in_the_order_of_the_manifest() -> None:
    manifest = (
        name(batch="z"),
        name(pool="b"),
        name(batch="a"),
        name(day="2026-01-06", batch="q"),
        name(batch="m"),
        name(day="2026-01-06", batch="p"),
    )
    alone, ranks = ranked(manifest)
    assert alone == (manifest[1],)
    assert ranks == ((manifest[0], manifest[3]), (manifest[2], manifest[5]), (manifest[4],))
