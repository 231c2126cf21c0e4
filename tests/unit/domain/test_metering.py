"""Meters, usage records, the nearest rank, expected samples and repeated batches."""

from __future__ import annotations

import csv
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.errors import CloudmgrError
from catalog.period import Month, Period
from cloudmgr.domain.metering import (
    LARGEST_VALUE,
    METERS,
    METERS_BY_ID,
    BatchVerdict,
    MeterKind,
    MonthlyUsage,
    QuarantineReason,
    decide_batch,
    expected_samples,
    meter_of,
    nearest_rank,
)

JANUARY = Month(2026, 1)


def usage(*, sum: int = 0, count: int = 1, expected: int = 1) -> MonthlyUsage:
    return MonthlyUsage("al-1", "egress_mib", JANUARY, sum, count, 0, 0, 0, expected)


def shipped_skus() -> list[dict[str, str]]:
    rows = []
    for path in sorted((Path(catalog.__path__[0]) / "data").glob("*/skus.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


def test_every_meter_of_the_shipped_catalog_is_known() -> None:
    named = {row["meter"] for row in shipped_skus() if row["meter"]}
    assert named
    assert named <= set(METERS_BY_ID)


def test_what_is_billed_by_use_adds_up() -> None:
    billed = {row["meter"] for row in shipped_skus() if row["model"] == "metered"}
    assert billed
    assert {meter_of(id).kind for id in billed} == {MeterKind.DELTA}


def test_meter_ids_are_distinct_and_an_unknown_one_is_refused() -> None:
    assert len(METERS_BY_ID) == len(METERS)
    with pytest.raises(CloudmgrError, match="'steam' is not one of cpu_millicores"):
        meter_of("steam")


def test_every_reason_has_both_labels() -> None:
    for reason in QuarantineReason:
        assert reason.label_zh
        assert reason.label_en


def test_a_sample_every_second_of_the_largest_value_still_fits_into_64_bits() -> None:
    assert LARGEST_VALUE * 31 * 86_400 < 2**63


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        # The worked examples of the nearest-rank method on Wikipedia, "Percentile".
        ([15, 20, 35, 40, 50], 5, 15),
        ([15, 20, 35, 40, 50], 30, 20),
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 100, 50),
        ([3, 6, 7, 8, 8, 10, 13, 15, 16, 20], 25, 7),
        ([20, 16, 15, 13, 10, 8, 8, 7, 6, 3], 75, 15),
    ],
)
def test_the_nearest_rank_of_known_examples(values: list[int], percent: int, expected: int) -> None:
    assert nearest_rank(values, percent) == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=120), st.integers(1, 100))
def test_the_nearest_rank_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[int], percent: int
) -> None:
    found = nearest_rank(values, percent)
    enough = [
        value for value in values if 100 * sum(v <= value for v in values) >= percent * len(values)
    ]
    assert found == min(enough)


@pytest.mark.parametrize(("values", "percent"), [([], 95), ([1], 101), ([1], -1)])
def test_a_percentile_of_nothing_or_beyond_100_is_refused(values: list[int], percent: int) -> None:
    with pytest.raises(CloudmgrError) as refused:
        nearest_rank(values, percent)
    assert refused.value.code == "bad_value"


def test_a_whole_january_expects_a_sample_every_five_minutes() -> None:
    assert expected_samples(JANUARY.period, JANUARY) == 31 * 24 * 12


def test_samples_are_expected_at_instants_inside_the_life_only() -> None:
    start = JANUARY.period.start
    five = timedelta(minutes=5)
    assert expected_samples(Period(start, start + five), JANUARY) == 1
    assert expected_samples(Period(start + timedelta(seconds=1), start + five), JANUARY) == 0
    assert expected_samples(Period(start, start + five + timedelta(seconds=1)), JANUARY) == 2
    assert expected_samples(Period(start - five, start), JANUARY) == 0


def test_a_sampling_interval_below_a_second_is_refused() -> None:
    with pytest.raises(CloudmgrError, match="sampling_seconds"):
        expected_samples(JANUARY.period, JANUARY, 0)


@given(
    st.lists(st.integers(-30 * 86_400, 60 * 86_400), min_size=3, max_size=3),
    st.integers(1, 7200),
)
def test_cutting_a_life_in_two_loses_no_expected_sample(
    seconds: list[int], sampling_seconds: int
) -> None:
    first, cut, last = (JANUARY.period.start + timedelta(seconds=s) for s in sorted(seconds))
    parts = (Period(first, cut), Period(cut, last))
    assert expected_samples(Period(first, last), JANUARY, sampling_seconds) == sum(
        expected_samples(part, JANUARY, sampling_seconds) for part in parts
    )


def test_the_mean_is_exact() -> None:
    assert usage(sum=10, count=3).mean == Fraction(10, 3)


@pytest.mark.parametrize(
    ("count", "expected", "coverage"),
    [(3, 4, Fraction(3, 4)), (5, 4, Fraction(1)), (5, 0, Fraction(1))],
)
def test_coverage_is_the_share_of_the_expected_samples_and_at_most_all(
    count: int, expected: int, coverage: Fraction
) -> None:
    assert usage(count=count, expected=expected).coverage == coverage


def test_a_batch_seen_for_the_first_time_is_new_and_the_same_again_is_repeated() -> None:
    assert decide_batch("b-1", None, "aa") is BatchVerdict.NEW
    assert decide_batch("b-1", "aa", "aa") is BatchVerdict.REPEATED


def test_a_changed_batch_under_a_used_id_is_refused() -> None:
    with pytest.raises(CloudmgrError) as refused:
        decide_batch("b-1", "aa", "bb")
    assert (refused.value.code, refused.value.status) == ("batch_changed", 409)
    assert "b-1" in refused.value.message
