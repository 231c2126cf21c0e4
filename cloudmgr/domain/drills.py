"""Drills (灾备演练): planned, held, and what was promised beside what was reached.

Owns the record and when the next one is due; what must be drilled is `continuity`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.commitments import months_after
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class DrillKind(StrEnum):
    """桌面推演, 切换演练, 恢复演练."""

    TABLETOP = "tabletop"
    SWITCHOVER = "switchover"
    RESTORE = "restore"


class DrillState(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill(Value):
    """演练 of one application. Promised figures are those in force when it was planned; None is
    "not set"."""

    application_id: str
    department_id: str
    kind: DrillKind
    scenario: str
    participants: tuple[str, ...]
    planned_for: datetime
    planned_by: str
    promised_rto_minutes: int | None = None
    promised_rpo_minutes: int | None = None
    held_at: datetime | None = None
    reached_rto_minutes: int | None = None
    reached_rpo_minutes: int | None = None
    evidence_file_id: str | None = None
    finding: str = ""
    recorded_by: str = ""
    state: DrillState = DrillState.PLANNED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Drill",
        {
            DrillState.PLANNED: ("已计划", (DrillState.HELD, DrillState.CANCELLED)),
            DrillState.HELD: ("已开展", ()),
            DrillState.CANCELLED: ("已取消", ()),
        },
        DrillState.PLANNED,
        DrillState.HELD,
    )

    @property
    def reached(self) -> bool | None:
        """Whether what was promised was reached; None before it was held."""
        if self.state is not DrillState.HELD:
            return None
        return _within(self.reached_rto_minutes, self.promised_rto_minutes) and _within(
            self.reached_rpo_minutes, self.promised_rpo_minutes
        )


def _within(reached: int | None, promised: int | None) -> bool:
    return promised is None or (reached is not None and reached <= promised)


def check_held(drill: Drill, now: datetime) -> None:
    """Raise `bad_value` for a record of the future, without participants, of a real test without
    its figures, or of a miss without a finding."""
    if drill.held_at is None or drill.held_at > now:
        raise bad_value("held_at", "a drill is recorded once it was held")
    if not drill.participants:
        raise bad_value("participants", "say who took part")
    figures = (drill.reached_rto_minutes, drill.reached_rpo_minutes)
    if drill.kind is not DrillKind.TABLETOP and None in figures:
        raise bad_value("reached_rto_minutes", f"a {drill.kind} drill measures RTO and RPO")
    if any(figure is not None and figure < 0 for figure in figures):
        raise bad_value("reached_rto_minutes", "minutes are 0 or more")
    missed = drill.kind is not DrillKind.TABLETOP and not drill.reached
    if missed and not drill.finding.strip():
        raise bad_value("finding", "what was promised was not reached; write down what follows")


def due_after(held_at: datetime, interval_months: int) -> datetime:
    """When the next drill has to have been held."""
    return months_after(held_at, interval_months)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueDrill:
    """An application whose drill should have been held; never drilled ones have no last date."""

    application_id: str
    department_id: str
    last_held_at: datetime | None
    due_at: datetime | None


def overdue_drill(
    application_id: str,
    department_id: str,
    drills: Iterable[Drill],
    interval_months: int,
    now: datetime,
) -> OverdueDrill | None:
    """What is overdue of an application at `now`; a tabletop exercise shows no recovery and does
    not count."""
    held = [
        drill.held_at
        for drill in drills
        if drill.held_at is not None
        and drill.state is DrillState.HELD
        and drill.kind is not DrillKind.TABLETOP
    ]
    last = max(held, default=None)
    due = due_after(last, interval_months) if last else None
    if due is not None and due > now:
        return None
    return OverdueDrill(
        application_id=application_id,
        department_id=department_id,
        last_held_at=last,
        due_at=due,
    )
