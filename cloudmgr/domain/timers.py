"""What will happen because time passes: rows with a due instant. Owns the order of dues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class TimerState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer(Value):
    """At `due_at`, `kind` happens to `subject_id`; dues run in order (due_at, id)."""

    kind: str
    subject_id: str
    due_at: datetime
    state: TimerState = TimerState.PENDING
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Timer",
        {
            TimerState.PENDING: ("待发生", (TimerState.DONE, TimerState.CANCELLED)),
            TimerState.DONE: ("已发生", ()),
            TimerState.CANCELLED: ("已取消", ()),
        },
    )
