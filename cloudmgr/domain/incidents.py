"""Incidents of a pool (故障): their life, and the minutes they took from an allocation.

Owns how outage minutes are counted, for the score and for service-standard credits alike. What
was promised is `catalog.standards`; what a failure costs is settlement's and the score's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.period import Period
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.values import Value

_MINUTE = timedelta(minutes=1)


class Severity(StrEnum):
    """一般, 较大, 重大 (data lost, a breach, or a region without service)."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESTORED = "restored"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Value):
    """故障 that interrupts the allocations it names, from `opened_at` until `restored_at`.

    `external_id` is what a pool calls it that told of it by its interface.
    """

    provider_id: str
    pool_id: str
    allocation_ids: tuple[str, ...]
    severity: Severity
    description: str
    reported_by: str
    opened_at: datetime
    acknowledged_at: datetime | None = None
    restored_at: datetime | None = None
    closed_at: datetime | None = None
    cause: str = ""
    conclusion: str = ""
    external_id: str = ""
    state: IncidentState = IncidentState.OPEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Incident",
        {
            IncidentState.OPEN: ("待响应", (IncidentState.ACKNOWLEDGED,)),
            IncidentState.ACKNOWLEDGED: ("处理中", (IncidentState.RESTORED,)),
            IncidentState.RESTORED: ("已恢复", (IncidentState.CLOSED,)),
            IncidentState.CLOSED: ("已关闭", ()),
        },
    )


def acknowledge(incident: Incident, at: datetime) -> Incident:
    """The provider took notice and works on it."""
    _not_before(incident, incident.opened_at, at)
    return advance(incident, IncidentState.ACKNOWLEDGED, acknowledged_at=at)


def restore(incident: Incident, at: datetime, cause: str) -> Incident:
    """Service is back: no further minutes count."""
    _not_before(incident, incident.acknowledged_at or incident.opened_at, at)
    return advance(incident, IncidentState.RESTORED, restored_at=at, cause=cause)


def close(incident: Incident, at: datetime, conclusion: str) -> Incident:
    """The technical reviewer has seen that it is over."""
    return advance(incident, IncidentState.CLOSED, closed_at=at, conclusion=conclusion)


def affected_minutes(incidents: Iterable[Incident], allocation_id: str, period: Period) -> int:
    """Whole minutes of `period` in which at least one incident interrupted the allocation.

    Incidents that overlap count once (the union of their intervals); one that is not restored
    counts to the end of the period. The union is added up exactly, then cut to whole minutes.
    """
    spans = sorted(
        span
        for incident in incidents
        if allocation_id in incident.allocation_ids
        and (span := _interruption(incident, period)) is not None
    )
    total, reached = timedelta(0), period.start
    for span in spans:
        if span.end > reached:
            total += span.end - max(span.start, reached)
            reached = span.end
    return total // _MINUTE


def availability(incidents: Iterable[Incident], allocation_id: str, served: Period) -> Fraction:
    """The share of `served` (the allocation's life inside a month) without interruption, 0..1.

    A month's credits and scores both start from this figure. Nothing served is 1.
    """
    if served.empty:
        return Fraction(1)
    return 1 - Fraction(affected_minutes(incidents, allocation_id, served) * 60, served.seconds)


def _interruption(incident: Incident, period: Period) -> Period | None:
    end = period.end if incident.restored_at is None else incident.restored_at
    if end <= incident.opened_at:
        return None
    return Period(incident.opened_at, end).overlap(period)


def _not_before(incident: Incident, earlier: datetime, at: datetime) -> None:
    if at < earlier:
        raise bad_value("at", f"{incident.id} cannot go on before {earlier.isoformat()}")
