"""What of an allocation's life falls into a billing month, and as which fraction of it.

Owns the four proration policies (DOMAIN.md 8). Prices and money are `rating`.

    day          each Shanghai day bills the state at its end: the first day counts, the last does
                 not, a resize counts from its day, what opens and closes in one day bills nothing
    second       exact instants
    half_month   days 1-15 and 16-end; a half with at least one charged day is charged whole, as
                 on its last charged day (不足半月按半月计)
    whole_month  likewise with the month
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from catalog.period import DAY, Month, Period, local_day, midnight, utc
from cloudmgr.domain.allocations import Allocation, SegmentMode, owner_at
from cloudmgr.domain.policy import Proration

_HALF_STARTS_ON_DAY = 16


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) in which an allocation has one Sku, quantity, mode and owner."""

    start: datetime
    end: datetime
    sku_id: str
    quantity: int
    mode: SegmentMode
    department_id: str

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)


def day_start(moment: datetime) -> datetime:
    """The Shanghai midnight that begins the day of an instant, in UTC."""
    return midnight(local_day(moment))


def stretches(allocation: Allocation, month: Month) -> tuple[Stretch, ...]:
    """The allocation's life inside a month by exact instants; equal neighbours are one."""
    return _joined(_cut(allocation, month.period, floored=False))


def day_stretches(allocation: Allocation, month: Month) -> tuple[Stretch, ...]:
    """The same in whole Shanghai days: every change counts from the start of its day."""
    return _joined(_cut(allocation, month.period, floored=True))


def _cut(allocation: Allocation, within: Period, *, floored: bool) -> Iterator[Stretch]:
    ends = [segment.start for segment in allocation.segments[1:]]
    last = allocation.ended_at or within.end
    for segment, next_start in zip(allocation.segments, [*ends, last], strict=True):
        for begin, until, department_id in _owned(allocation, segment.start, min(next_start, last)):
            start = _edge(begin, within, floored)
            end = _edge(until, within, floored)
            if start < end:
                yield Stretch(
                    start, end, segment.sku_id, segment.quantity, segment.mode, department_id
                )


def _owned(
    allocation: Allocation, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, str]]:
    """[start, end) by who is charged for it: a hand-over cuts at its midnight."""
    edges = [owner.start for owner in allocation.owners if start < owner.start < end]
    for begin, until in pairwise((start, *edges, end)):
        yield begin, until, owner_at(allocation, begin)


def _edge(moment: datetime, within: Period, floored: bool) -> datetime:
    """An edge clipped into the month; only what lies inside it needs the calendar."""
    if moment <= within.start:
        return within.start
    if moment >= within.end:
        return within.end
    return day_start(moment) if floored else utc(moment)


def _joined(cut: Iterable[Stretch]) -> tuple[Stretch, ...]:
    joined: list[Stretch] = []
    for stretch in cut:
        last = joined[-1] if joined else None
        if last and last.end == stretch.start and _what(last) == _what(stretch):
            joined[-1] = replace(last, end=stretch.end)
        else:
            joined.append(stretch)
    return tuple(joined)


def _what(stretch: Stretch) -> tuple[str, int, SegmentMode, str]:
    return stretch.sku_id, stretch.quantity, stretch.mode, stretch.department_id


def units(month: Month, proration: Proration) -> tuple[Period, ...]:
    """The halves of a month, or the month itself; only for those two policies."""
    whole = month.period
    if proration is Proration.WHOLE_MONTH:
        return (whole,)
    middle = midnight(month.first.replace(day=_HALF_STARTS_ON_DAY))
    return tuple(Period(start, end) for start, end in pairwise((whole.start, middle, whole.end)))


def fraction_text(start: datetime, end: datetime, month: Month, proration: Proration) -> str:
    """How much of the month [start, end) is, as `counted/all`, not reduced: people check it.

    The edges must lie on the policy's own grid.
    """
    span = end - start
    match proration:
        case Proration.DAY:
            return f"{span // DAY}/{month.days}"
        case Proration.SECOND:
            return f"{span // timedelta(seconds=1)}/{month.period.seconds}"
        case Proration.HALF_MONTH:
            halves = sum(start <= half.start < end for half in units(month, proration))
            return f"{halves}/2"
        case Proration.WHOLE_MONTH:
            return "1/1"
