"""Timers of a transaction: schedule, cancel, and the table of what each kind does when due.

Running them in order is `clock.run_due`; each noun registers its own kinds with `@on_timer`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.world import World

OnTimer = Callable[[World, Timer, datetime], None]
ON_TIMER: dict[str, OnTimer] = {}


def on_timer(kind: str) -> Callable[[OnTimer], OnTimer]:
    """Register what happens when a timer of `kind` is due: `(world, timer, due instant)`."""

    def register(function: OnTimer) -> OnTimer:
        assert kind not in ON_TIMER, f"timer {kind} has two handlers"
        ON_TIMER[kind] = function
        return function

    return register


def schedule(world: World, kind: str, subject_id: str, due_at: datetime, note: str = "") -> Timer:
    """Let `kind` happen to the subject at `due_at`; an earlier pending one is replaced.

    Timers of one kind that shall stand beside each other (two reminders) have different notes.
    """
    key = _key(kind, subject_id, note)
    same = [
        timer
        for timer in world.find(Timer, subject_id=subject_id, kind=kind)
        if timer.id.rpartition("#")[0] == key
    ]
    for timer in same:
        if timer.state is TimerState.PENDING:
            world.put(advance(timer, TimerState.CANCELLED))
    return world.put(
        Timer(id=f"{key}#{len(same) + 1:04d}", kind=kind, subject_id=subject_id, due_at=due_at)
    )


def cancel(world: World, kind: str, subject_id: str) -> None:
    """Cancel the pending timers of a kind, whatever their notes; nothing happens without any."""
    for timer in world.find(Timer, subject_id=subject_id, kind=kind, state=TimerState.PENDING):
        world.put(advance(timer, TimerState.CANCELLED))


def _key(kind: str, subject_id: str, note: str) -> str:
    return f"{subject_id}|{kind}" + (f"|{note}" if note else "")
