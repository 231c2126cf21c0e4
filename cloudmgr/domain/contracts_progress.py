"""How far a contract is used up, and when its total will be: run rate against what is left.

Owns the projection and the warnings drawn from it; the run rate itself is made by the price
function (`services.contracts_progress`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from catalog.money import Yuan, round_half_away
from catalog.period import DAY, Month, Period, local_day, months_of

HORIZON_MONTHS = 600


class WarningKind(StrEnum):
    TERM_ENDING = "term_ending"
    TOTAL_RUNNING_OUT = "total_running_out"
    RUNNING_WITHOUT_CONTRACT = "running_without_contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where a contract stands: `monthly` is its run rate, `needed` what that asks for from
    `settled_until` (nothing served later is settled) to the end of the term."""

    left: Yuan
    monthly: Yuan
    settled_until: datetime
    ends_at: datetime

    @property
    def needed(self) -> Decimal:
        return needed(self.monthly, self.settled_until, self.ends_at)

    @property
    def lasts(self) -> bool:
        return self.needed <= self.left


def needed(monthly: Decimal, start: datetime, end: datetime) -> Decimal:
    """What a run rate comes to between two instants, by days of each month, rounded once."""
    months = sum((share for _, share in _shares(start, end)), Fraction(0))
    return round_half_away(Fraction(monthly) * months)


def used_up_on(left: Decimal, monthly: Decimal, start: datetime) -> date | None:
    """The day on which a run rate from `start` on has used up what is left; None when nothing runs
    or it lasts for longer than anybody plans."""
    rest = Fraction(left)
    if rest <= 0:
        return local_day(start)
    if monthly <= 0:
        return None
    month = Month.of(start)
    for _ in range(HORIZON_MONTHS):
        for first, share in _shares(max(start, month.period.start), month.period.end):
            cost = Fraction(monthly) * share
            if cost >= rest:
                days = int(rest * month.days / Fraction(monthly))
                return min(first + timedelta(days=days), month.next().first - DAY)
            rest -= cost
        month = month.next()
    return None


def _shares(start: datetime, end: datetime) -> Iterator[tuple[date, Fraction]]:
    """(first day, part of the month) of each month between two instants."""
    if end <= start:
        return
    for month in months_of(Period(start, end)):
        inside = month.period.overlap(Period(start, end))
        assert inside is not None
        yield local_day(inside.start), Fraction(inside.seconds, month.period.seconds)


def days_left(now: datetime, ends_at: datetime) -> int:
    """Whole Shanghai days until the term is over; 0 once it is."""
    return max((local_day(ends_at) - local_day(now)).days, 0)


def threshold_reached(days: int, thresholds: Sequence[int]) -> int | None:
    """The closest of the days ahead at which one is warned that has been reached."""
    return min((each for each in thresholds if days <= each), default=None)
