"""Half-open periods and Shanghai months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.period import Month, Period, is_midnight, local_day, midnight, months_of, utc

moments = st.datetimes(
    min_value=datetime(2001, 1, 2),
    max_value=datetime(2998, 12, 30),
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))


def test_a_shanghai_day_begins_at_four_in_the_afternoon_utc_the_day_before() -> None:
    assert midnight(date(2026, 1, 1)) == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert is_midnight(datetime(2025, 12, 31, 16, tzinfo=UTC))
    assert not is_midnight(datetime(2026, 1, 1, tzinfo=UTC))


def test_the_last_second_of_december_in_shanghai_belongs_to_december() -> None:
    last = midnight(date(2026, 1, 1)) - timedelta(seconds=1)
    assert str(Month.of(last)) == "2025-12"
    assert str(Month.of(midnight(date(2026, 1, 1)))) == "2026-01"


def test_a_period_holds_its_start_and_not_its_end() -> None:
    january = Month.parse("2026-01").period
    assert january.contains(january.start)
    assert not january.contains(january.end)
    assert january.seconds == 31 * 86400


def test_periods_that_only_touch_share_nothing() -> None:
    january, february = Month.parse("2026-01").period, Month.parse("2026-02").period
    assert january.overlap(february) is None
    assert january.overlap(january) == january


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(Invalid, match="no time zone"):
        utc(datetime(2026, 1, 1))


def test_a_period_does_not_end_before_it_starts() -> None:
    with pytest.raises(Invalid) as refused:
        Period(midnight(date(2026, 1, 2)), midnight(date(2026, 1, 1)))
    assert refused.value.code == "bad_period"


@pytest.mark.parametrize(
    "text", ["2026-1", "2026-13", "26-01", "2026/01", "2026-01-01", "", "二〇-01"]
)
def test_what_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Month.parse(text)
    assert refused.value.code == "bad_period"


@given(moments, moments)
def test_months_tile_a_period(one: datetime, other: datetime) -> None:
    period = Period(min(one, other), min(max(one, other), min(one, other) + timedelta(days=900)))
    parts = [month.period.overlap(period) for month in months_of(period)]
    assert sum(part.seconds for part in parts if part) == period.seconds
    assert all(part is not None for part in parts)
    edges = [(part.start, part.end) for part in parts if part]
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    if not period.empty:
        assert (edges[0][0], edges[-1][1]) == (period.start, period.end)


@given(moments)
def test_every_instant_lies_in_its_own_day_and_month(moment: datetime) -> None:
    start = midnight(local_day(moment))
    assert start <= moment < start + timedelta(days=1)
    assert Month.of(moment).period.contains(moment)


def test_months_step_over_the_turn_of_the_year() -> None:
    assert Month.parse("2025-11").plus(3) == Month.parse("2026-02")
    assert Month.parse("2026-02").plus(-2) == Month.parse("2025-12")
