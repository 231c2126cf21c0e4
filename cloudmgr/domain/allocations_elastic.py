"""Elastic resources: approved bounds, and a week of what happens by itself inside them.

Owns bounds, the week and when its next entry is due; what a step does to an allocation is
`allocations`, what it takes of pool and quota `capacity` and `quota`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from catalog.period import SHANGHAI, local_day, utc
from cloudmgr.domain.errors import bad_value, outside_bounds

DAYS_OF_WEEK = 7
MAX_ENTRIES = 70
"""Ten steps a day; more is a program's work, which gives commands."""


class ScheduleAction(StrEnum):
    SCALE = "scale"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """Every week on `weekday` (1 is Monday) `at` a Shanghai minute: scale to `quantity`, stop or
    start."""

    weekday: int
    at: time
    action: ScheduleAction
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticTerms:
    """弹性伸缩: the least and the most Sku units that need no new request, and the week's plan."""

    least: int
    most: int
    weekly: tuple[ScheduleEntry, ...] = ()


def check_terms(terms: ElasticTerms, quantity: int, field: str) -> None:
    """Raise `bad_value` for bounds that `quantity` does not lie in, or a week that leaves them."""
    if not 1 <= terms.least <= terms.most:
        raise bad_value(f"{field}.least", "bounds are at least 1, and the most is not below")
    if not terms.least <= quantity <= terms.most:
        raise bad_value(
            f"{field}.most",
            f"{quantity} units lie outside {terms.least} to {terms.most}; give other bounds",
        )
    check_week(terms.weekly, terms, f"{field}.weekly")


def check_week(weekly: tuple[ScheduleEntry, ...], terms: ElasticTerms | None, field: str) -> None:
    """Raise `bad_value` unless every entry names a minute of its own and what it does; what is
    scaled without bounds, or beyond them, is refused."""
    if len(weekly) > MAX_ENTRIES:
        raise bad_value(field, f"a week has at most {MAX_ENTRIES} entries")
    for entry in weekly:
        if not 1 <= entry.weekday <= DAYS_OF_WEEK:
            raise bad_value(field, "weekdays are 1 (Monday) to 7 (Sunday)")
        if entry.at.tzinfo is not None or entry.at.second or entry.at.microsecond:
            raise bad_value(field, "write a minute of Shanghai time, such as 08:30")
        if (entry.quantity is None) is (entry.action is ScheduleAction.SCALE):
            raise bad_value(field, "scaling names a quantity; stopping and starting name none")
        if entry.quantity is None:
            continue
        if terms is None or not terms.least <= entry.quantity <= terms.most:
            raise bad_value(field, f"{entry.quantity} units lie outside the approved bounds")
    minutes = [(entry.weekday, entry.at) for entry in weekly]
    if len(minutes) != len(set(minutes)):
        raise bad_value(field, "two entries stand at the same minute")


def require_inside(terms: ElasticTerms | None, quantity: int, allocation_id: str) -> None:
    """Raise `outside_bounds` for a quantity that was not approved in advance."""
    if terms is None or not terms.least <= quantity <= terms.most:
        bounds = f"{terms.least} to {terms.most}" if terms else "none"
        raise outside_bounds(allocation_id, bounds, quantity)


def next_due(weekly: tuple[ScheduleEntry, ...], after: datetime) -> datetime | None:
    """The first instant after `after` at which an entry of the week is due; None without any."""
    today = local_day(after)
    instants = (
        utc(datetime.combine(today + timedelta(days=offset), entry.at, SHANGHAI))
        for offset in range(DAYS_OF_WEEK + 1)
        for entry in weekly
        if (today + timedelta(days=offset)).isoweekday() == entry.weekday
    )
    return min((each for each in instants if each > after), default=None)


def entry_at(weekly: tuple[ScheduleEntry, ...], moment: datetime) -> ScheduleEntry | None:
    """The entry whose minute an instant is."""
    local = moment.astimezone(SHANGHAI)
    for entry in weekly:
        if (entry.weekday, entry.at) == (local.isoweekday(), local.time()):
            return entry
    return None
