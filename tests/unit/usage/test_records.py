"""Rolled-up tables become the domain's records."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from cloudmgr.domain.metering import HourlyUsage, MonthlyUsage
from cloudmgr.usage.lake import MemoryLake
from cloudmgr.usage.quarantine import QUARANTINE_SCHEMA
from cloudmgr.usage.records import hourly_usage, monthly_usage, unreported
from tests.support.usage import JANUARY, START, at, batch, reading


def filled() -> tuple[MemoryLake, tuple[str, ...]]:
    lake = MemoryLake()
    rows = batch(reading(value=4), reading(time=at(5), value=1), reading(time=at(60), value=2)).rows
    return lake, lake.write("b-1", "pool-a", rows, QUARANTINE_SCHEMA.empty_table()).partitions


def test_hours_become_records() -> None:
    lake, partitions = filled()
    first = datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert hourly_usage(lake.rollup_hours(partitions, JANUARY.period)) == (
        HourlyUsage("al-1", "egress_mib", first, 5, 2, 4),
        HourlyUsage("al-1", "egress_mib", first.replace(hour=17), 2, 1, 2),
    )
    assert first == START


def test_months_become_records_with_their_coverage() -> None:
    lake, partitions = filled()
    (usage,) = monthly_usage(lake.rollup_month(partitions, JANUARY), JANUARY, {"al-1": 12})
    assert usage == MonthlyUsage("al-1", "egress_mib", JANUARY, 7, 3, 4, 4, 4, 12)
    assert (usage.coverage, usage.mean) == (Fraction(1, 4), Fraction(7, 3))


def test_series_that_expect_samples_and_sent_none_are_listed() -> None:
    lake, partitions = filled()
    expected = {
        ("al-1", "egress_mib"): 12,
        ("al-1", "cdn_mib"): 12,
        ("al-0", "egress_mib"): 12,
        ("al-2", "egress_mib"): 0,
    }
    table = lake.rollup_month(partitions, JANUARY)
    assert unreported(table, expected) == (("al-0", "egress_mib"), ("al-1", "cdn_mib"))
