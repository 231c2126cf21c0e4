"""Everything that happens because time passed. Owns the order: (due instant, natural key).

A rehearsal moves its clock by command; a production node calls `run_due` on its own schedule.
Each due takes effect at its due instant, whatever the tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.period import utc
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.node import NODE_ID, NodeSettings, move_clock
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.timers import ON_TIMER
from cloudmgr.services.world import Le, World


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveClock(Command):
    """Move a rehearsal's clock forward to `now` and run what falls due on the way."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMoved:
    """Where the clock stands and how many dues ran."""

    now: datetime
    dues_run: int


@handles(Role.SYSTEM_ADMIN)
def move_the_clock(world: World, command: MoveClock, actor: Actor, now: datetime) -> ClockMoved:
    settings = move_clock(world.get(NodeSettings, NODE_ID), command.now)
    moved_to = utc(command.now)
    ran = run_due(world, moved_to)
    world.put(settings)
    return ClockMoved(now=moved_to, dues_run=ran)


def run_due(world: World, now: datetime, *, limit: int | None = None) -> int:
    """Run the pending timers due by `now`, at most `limit` of them; returns how many ran.

    Timers that a due schedules for an instant already passed run in the same call, in order. Who
    gives a limit commits and calls again until fewer ran: a long work goes by pages.
    """
    ran = 0
    while due := world.find(Timer, state=TimerState.PENDING, due_at=Le(now)):
        at = min(timer.due_at for timer in due)
        for timer in (timer for timer in due if timer.due_at == at):
            if ran == limit:
                return ran
            current = world.get(Timer, timer.id)
            if current.state is not TimerState.PENDING:
                continue  # an earlier due of the same instant cancelled it
            world.put(advance(current, TimerState.DONE))
            ON_TIMER[current.kind](world, current, at)
            world.audit(
                at=at,
                user_id=SYSTEM.user_id,
                role="system",
                command=f"due_{current.kind}",
                subject=current.subject_id,
                request_id="",
            )
            ran += 1
    return ran
