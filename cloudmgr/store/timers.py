"""The table of what will happen because time passes."""

from __future__ import annotations

from cloudmgr.domain.timers import Timer
from cloudmgr.store.mapper import row_of

TimerRow = row_of(Timer, index=(("state", "due_at"), "subject_id"))
