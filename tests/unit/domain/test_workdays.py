"""Clocks in working days of China: holidays do not count, make-up weekends do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.period import is_midnight, local_day
from cloudmgr.domain.workdays import (
    add_workdays,
    add_working_minutes,
    in_working_hours,
    is_estimated,
    is_workday,
    next_working_time,
    workdays_between,
)
from tests.support.assessments import at

# The State Council's notice for 2026 (国办发明电〔2025〕7号): Spring Festival is off from Sunday
# 15 to Monday 23 February, worked for on Saturdays 14 and 28 February.
MINUTE = timedelta(minutes=1)
MAKE_UP_SATURDAY = date(2026, 2, 14)
SPRING_FESTIVAL = date(2026, 2, 17)

moments = st.integers(-500_000, 450_000).map(lambda each: at("01-05 09:00") + each * MINUTE)


def test_a_holiday_is_no_working_day_and_a_make_up_saturday_is_one() -> None:
    assert SPRING_FESTIVAL.weekday() < 5
    assert not is_workday(SPRING_FESTIVAL)
    assert is_workday(MAKE_UP_SATURDAY)
    assert not is_workday(date(2026, 1, 10))


def test_a_year_without_a_published_calendar_counts_monday_to_friday_and_says_so() -> None:
    assert is_estimated(date(2045, 10, 1))
    assert not is_estimated(SPRING_FESTIVAL)
    assert is_workday(date(2045, 10, 2))
    assert not is_workday(date(2045, 10, 1)), "a Sunday"


@pytest.mark.parametrize("hour", ["00:00", "09:30", "23:59"])
def test_the_day_itself_does_not_count_whatever_the_hour(hour: str) -> None:
    assert add_workdays(at(f"01-05 {hour}"), 3) == at("01-09 00:00")


def test_a_clock_runs_over_the_weekend_and_over_the_spring_festival() -> None:
    assert add_workdays(at("01-08 10:00"), 2) == at("01-13 00:00")
    assert add_workdays(at("02-13 10:00"), 1) == at("02-15 00:00"), "the make-up Saturday"
    assert add_workdays(at("02-13 10:00"), 2) == at("02-25 00:00"), "Tuesday 24 is the first"


def test_the_day_is_shanghais_and_not_that_of_utc() -> None:
    late_on_monday = datetime(2026, 1, 5, 15, 59, tzinfo=UTC)
    early_on_tuesday = datetime(2026, 1, 5, 16, 0, tzinfo=UTC)
    assert add_workdays(late_on_monday, 1) == at("01-07 00:00")
    assert add_workdays(early_on_tuesday, 1) == at("01-08 00:00")


@given(moment=moments, days=st.integers(1, 20))
def test_a_due_is_a_midnight_behind_exactly_so_many_working_days(
    moment: datetime, days: int
) -> None:
    due = add_workdays(moment, days)
    assert is_midnight(due)
    assert workdays_between(moment, due - timedelta(microseconds=1)) == days
    assert is_workday(local_day(due - timedelta(microseconds=1)))


def test_working_days_between_exclude_the_first_day_and_include_the_last() -> None:
    assert workdays_between(at("01-05 09:00"), at("01-05 18:00")) == 0
    assert workdays_between(at("01-05 09:00"), at("01-12 00:30")) == 5
    assert workdays_between(at("01-12 09:00"), at("01-05 09:00")) == 0


def test_people_sit_at_their_desks_from_nine_to_half_past_five() -> None:
    assert in_working_hours(at("01-05 09:00"))
    assert not in_working_hours(at("01-05 17:30"))
    assert not in_working_hours(at("01-10 11:00"))
    assert next_working_time(at("01-05 08:00")) == at("01-05 09:00")
    assert next_working_time(at("01-05 12:34")) == at("01-05 12:34")
    assert next_working_time(at("01-09 17:30")) == at("01-12 09:00")


def test_desk_time_goes_on_the_next_working_morning() -> None:
    assert add_working_minutes(at("01-05 16:30"), 60) == at("01-05 17:30")
    assert add_working_minutes(at("01-09 17:00"), 45) == at("01-12 09:15")
    assert add_working_minutes(at("01-10 11:00"), 2 * 510 + 1) == at("01-14 09:01")


@given(moment=moments, first=st.integers(0, 900), second=st.integers(0, 900))
def test_desk_time_adds_up(moment: datetime, first: int, second: int) -> None:
    at_once = add_working_minutes(moment, first + second)
    in_two = add_working_minutes(add_working_minutes(moment, first), second)
    # The end of one day and the beginning of the next are the same instant of desk time.
    assert next_working_time(at_once) == next_working_time(in_two)
