"""Working days of Asia/Shanghai by the Chinese holiday calendar. Owns clocks counted in them.

The calendar package knows the published years only; beyond them Monday to Friday counts, and
`is_estimated` says so (推算), because the State Council publishes each year's holidays late.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import chinese_calendar

from catalog.period import DAY, SHANGHAI, local_day, shanghai, utc

WORK_START = time(9, 0)
WORK_END = time(17, 30)


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Whether people work on that day, make-up weekends included."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_estimated(day: date) -> bool:
    """Whether the calendar of that year is not known and Monday to Friday stands in (推算)."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return True
    return False


def add_workdays(moment: datetime, days: int) -> datetime:
    """The end of the `days`-th working day after the day of `moment`, as an instant in UTC.

    The day itself does not count, whatever the hour: a paper handed in on Monday with three
    working days is due at the end of Thursday (Civil Code art. 201 counts the same way).
    """
    day = local_day(moment)
    counted = 0
    while counted < days:
        day += DAY
        counted += is_workday(day)
    return utc(datetime.combine(day + DAY, time(0), SHANGHAI))


def workdays_between(start: datetime, end: datetime) -> int:
    """Working days after the day of `start`, up to and including the day of `end`."""
    first, last = local_day(start), local_day(end)
    return sum(is_workday(first + timedelta(days=i)) for i in range(1, (last - first).days + 1))


def in_working_hours(moment: datetime) -> bool:
    local = shanghai(moment)
    return is_workday(local.date()) and WORK_START <= local.time() < WORK_END


def next_working_time(moment: datetime) -> datetime:
    """`moment` if people are at their desks, else the next instant they are."""
    local = shanghai(moment)
    day = local.date()
    if is_workday(day) and local.time() < WORK_END:
        return utc(max(local, datetime.combine(day, WORK_START, SHANGHAI)))
    day += DAY
    while not is_workday(day):
        day += DAY
    return utc(datetime.combine(day, WORK_START, SHANGHAI))


def add_working_minutes(moment: datetime, minutes: int) -> datetime:
    """The instant after `minutes` of desk time (09:00-17:30 on working days)."""
    at = next_working_time(moment)
    left = timedelta(minutes=minutes)
    while True:
        end = utc(datetime.combine(local_day(at), WORK_END, SHANGHAI))
        if at + left <= end:
            return at + left
        left -= end - at
        at = next_working_time(end)
