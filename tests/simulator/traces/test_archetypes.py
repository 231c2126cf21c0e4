"""Made-up demand: reproducible, marked, and shaped as its description says."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from catalog.errors import Invalid
from simulator.traces.archetypes import ARCHETYPES, synthesize
from simulator.traces.base import DAY_SAMPLES, PPM, Ints
from simulator.traces.shares import TraceShares

MONDAY = date(2026, 3, 2)


def made(*names: str, first_day: date = MONDAY, days: int = 7, seed: int = 1) -> TraceShares:
    return synthesize(names, seed=seed, first_day=first_day, samples=days * DAY_SAMPLES)


def day_of(name: str, day: date) -> Ints:
    """A typical VM's day by the hour, percent of size: the mean of 60 VMs."""
    trace = made(*[name] * 60, first_day=day, days=1)
    mean_ppm = trace.block(range(60), 0, DAY_SAMPLES).mean(axis=0).reshape(24, 12).mean(axis=1)
    percent: Ints = np.rint(mean_ppm / 10_000).astype(np.int64)
    return percent


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    names = tuple(ARCHETYPES)
    once, again, other = made(*names), made(*names), made(*names, seed=2)
    assert once.flat_ppm.tobytes() == again.flat_ppm.tobytes()
    assert once.digest == again.digest
    assert once.digest != other.digest


def test_the_bytes_are_the_same_on_every_machine() -> None:
    """Pinned on purpose: a change here changes every forecast made with a seed."""
    trace = made("office_hours", days=1)
    assert trace.flat_ppm[[0, 100, 120, 287]].tolist() == [51_390, 513_728, 564_988, 50_444]


def test_a_trace_does_not_depend_on_its_neighbours_or_on_the_horizon() -> None:
    alone = made("steady", "office_hours", days=2)
    among = made("month_end", "office_hours", "video_day_night", days=9)
    assert alone.window(1, 0, 2 * DAY_SAMPLES).tolist() == (
        among.window(1, 0, 2 * DAY_SAMPLES).tolist()
    )


def test_it_is_marked_as_made_up() -> None:
    assert made("steady").synthetic
    assert made("steady").label == "合成数据 synthetic"


@pytest.mark.parametrize("name", ARCHETYPES)
def test_every_archetype_stays_within_its_size_all_year(name: str) -> None:
    shares = made(name, first_day=date(2026, 1, 1), days=366).flat_ppm
    assert shares.min() > 0
    assert shares.max() <= PPM


def test_offices_work_by_the_chinese_calendar() -> None:
    workday, saturday = day_of("office_hours", MONDAY), day_of("office_hours", date(2026, 3, 7))
    spring_festival = day_of("office_hours", date(2026, 2, 17))
    assert workday[10] > 50
    assert workday[3] < 8
    assert workday[12] < workday[10]
    assert saturday.max() < 12
    assert spring_festival.max() < 12


def test_a_weekend_made_a_working_day_is_one() -> None:
    assert day_of("office_hours", date(2026, 2, 28))[10] > 50  # Saturday worked for the festival


def test_beyond_the_published_calendar_monday_to_friday_is_worked() -> None:
    assert day_of("office_hours", date(2040, 10, 2))[10] > 50
    assert day_of("office_hours", date(2040, 10, 6))[10] < 12


def test_citizens_come_in_the_evening_and_on_days_off_at_half() -> None:
    workday, sunday = day_of("public_service", MONDAY), day_of("public_service", date(2026, 3, 8))
    assert workday[20] > 25
    assert abs(2 * sunday[10] - workday[10]) <= 2


def test_cameras_never_rest() -> None:
    hours = day_of("video_day_night", date(2026, 3, 8))
    assert hours.min() > 40
    assert hours[12] - hours[2] > 10


def test_the_months_end_runs_through_the_night_into_the_next_month() -> None:
    closing = [
        day for k in range(90)
        if day_of("month_end", day := date(2026, 3, 10) + timedelta(days=k))[2] > 50
    ]  # fmt: skip
    assert [day.isoformat() for day in closing] == [
        *("2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"),
        *("2026-04-01", "2026-04-02"),
        *("2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01", "2026-05-02", "2026-05-03"),
        *("2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07"),
        *("2026-05-27", "2026-05-28", "2026-05-29", "2026-05-30", "2026-05-31"),
        *("2026-06-01", "2026-06-02"),
    ]


def test_enrolment_is_busy_in_its_two_seasons_only() -> None:
    def at_ten(month: int, day: int) -> int:
        return int(day_of("enrolment_season", date(2026, month, day))[10])

    assert at_ten(6, 22) > 80
    assert at_ten(8, 17) > 80
    assert at_ten(6, 19) < 40
    assert at_ten(7, 16) < 40


def test_floods_come_in_summer_on_the_same_days_for_the_whole_city() -> None:
    trace = made("flood_season", "flood_season", first_day=date(2026, 5, 1), days=184)
    daily = trace.block([0, 1], 0, 184 * DAY_SAMPLES).reshape(2, 184, DAY_SAMPLES).mean(axis=2)
    level = daily / np.median(daily, axis=1, keepdims=True)
    high = level > 2
    assert (high[0] == high[1]).all()
    assert not high[0][:31].any()
    assert not high[0][153:].any()
    assert 10 < high[0].sum() < 32


def test_analytics_run_at_night() -> None:
    hours = day_of("analytics_batch", MONDAY)
    assert hours[2] > 75
    assert hours[14] < 10


def test_steady_is_steady() -> None:
    hours = day_of("steady", MONDAY)
    assert hours.max() - hours.min() <= 2


@pytest.mark.parametrize(
    ("names", "seed", "samples", "code"),
    [
        (("office",), 1, 1, "unknown_archetype"),
        (("steady",), -1, 1, "bad_seed"),
        (("steady",), 1, 0, "trace_too_short"),
        ((), 1, 1, "trace_too_short"),
    ],
)
def test_what_cannot_be_made_is_refused(
    names: tuple[str, ...], seed: int, samples: int, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        synthesize(names, seed=seed, first_day=MONDAY, samples=samples)
    assert refused.value.code == code


def test_samples_are_rounded_up_to_whole_days_and_then_repeat() -> None:
    trace = synthesize(["office_hours"], seed=1, first_day=MONDAY, samples=1)
    assert trace.periods.tolist() == [DAY_SAMPLES]
    assert trace.share_at(0, DAY_SAMPLES + 7) == trace.share_at(0, 7)
