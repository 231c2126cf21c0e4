"""Half-open UTC periods and billing months of Asia/Shanghai. Owns calendar arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from catalog.errors import bad_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """[start, end) between two aware instants, kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start))
        object.__setattr__(self, "end", utc(self.end))
        if self.end < self.start:
            raise bad_period(f"the end {self.end} lies before the start {self.start}")

    @property
    def empty(self) -> bool:
        return self.start == self.end

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def overlap(self, other: Period) -> Period | None:
        """The part both share, or None when they share nothing."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A billing month in Asia/Shanghai, written `2026-01`."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 2000 <= self.year <= 2999):
            raise bad_period(f"{self.year}-{self.month} is not a month between 2000 and 2999")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`; raises `bad_period`."""
        head, _, tail = text.partition("-")
        if len(head) != 4 or len(tail) != 2 or not (head + tail).isascii():
            raise bad_period(f"{text!r} is not a month; write it as 2026-01")
        if not (head + tail).isdigit():
            raise bad_period(f"{text!r} is not a month; write it as 2026-01")
        return cls(int(head), int(tail))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """The billing month that holds an instant."""
        local = shanghai(moment)
        return cls(local.year, local.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def days(self) -> int:
        return (self.next().first - self.first).days

    @property
    def period(self) -> Period:
        return _month_period(self.year, self.month)

    def next(self) -> Month:
        return self.plus(1)

    def plus(self, months: int) -> Month:
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@lru_cache(maxsize=1024)
def _month_period(year: int, month: int) -> Period:
    this = Month(year, month)
    return Period(midnight(this.first), midnight(this.next().first))


def utc(moment: datetime) -> datetime:
    """An aware instant in UTC; raises `bad_period` for naive ones."""
    if moment.tzinfo is None:
        raise bad_period(f"{moment.isoformat()} has no time zone; write it with an offset")
    return moment.astimezone(UTC)


def shanghai(moment: datetime) -> datetime:
    """The same instant on Shanghai's clock."""
    return utc(moment).astimezone(SHANGHAI)


def midnight(day: date) -> datetime:
    """The instant a Shanghai day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def local_day(moment: datetime) -> date:
    """The Shanghai calendar day that holds an instant."""
    return shanghai(moment).date()


def is_midnight(moment: datetime) -> bool:
    """Whether an instant is the beginning of a Shanghai day."""
    return midnight(local_day(moment)) == utc(moment)


def months_of(period: Period) -> Iterator[Month]:
    """Every billing month a period touches, in order."""
    if period.empty:
        return
    month = Month.of(period.start)
    while month.period.start < period.end:
        yield month
        month = month.next()
