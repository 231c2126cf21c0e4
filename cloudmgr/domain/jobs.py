"""Long jobs: work that takes many commits, kept as a row with its progress and its cursor.

Owns a job's life; what a kind of job does is registered in `services.jobs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.leases import Lease
from cloudmgr.domain.lifecycle import Lifecycle, advance, advance_from, lifecycle
from cloudmgr.domain.values import Value


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Value):
    """长任务: enqueued in a command's own transaction, taken up by a worker under a lease.

    `cursor` is where the next commit goes on, whoever makes it. A `recurring` one is queued again
    after each run, and after each failure, until somebody cancels it. Instants are the machine's,
    as a message's are.
    """

    kind: str
    subject: str
    recurring: bool = False
    cursor: str = ""
    done_units: int = 0
    total_units: int = 0
    runs: int = 0
    attempts: int = 0
    failures: int = 0
    problem: str = ""
    due_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    state: JobState = JobState.QUEUED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Job",
        {
            JobState.QUEUED: ("排队中", (JobState.RUNNING, JobState.CANCELLED)),
            JobState.RUNNING: (
                "执行中",
                (JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELLED),
            ),
            JobState.DONE: ("已完成", ()),
            JobState.FAILED: ("执行失败", (JobState.QUEUED,)),
            JobState.CANCELLED: ("已取消", ()),
        },
    )


def claim(job: Job, lease: Lease, now: datetime) -> Job:
    """Taken up by one worker; also from one whose lease has run out."""
    held = replace(job, lease=lease.token, leased_until=lease.until, attempts=job.attempts + 1)
    if job.state is JobState.RUNNING:
        return held
    fresh = job.started_at is None or job.ended_at is not None
    started = now if fresh else job.started_at
    return advance(held, JobState.RUNNING, due_at=None, started_at=started, ended_at=None)


def finish(job: Job, now: datetime, again_at: datetime | None) -> Job:
    """One run is over; a recurring job waits until `again_at`."""
    over = replace(
        job,
        runs=job.runs + 1,
        failures=0,
        problem="",
        ended_at=now,
        lease="",
        leased_until=None,
    )
    if again_at is None:
        return advance(over, JobState.DONE)
    return advance(over, JobState.QUEUED, due_at=again_at)


def put_off(job: Job, until: datetime, why: str) -> Job:
    """A run failed; the next one goes on at its cursor."""
    return advance(
        job,
        JobState.QUEUED,
        due_at=until,
        failures=job.failures + 1,
        problem=why,
        lease="",
        leased_until=None,
    )


def give_up(job: Job, now: datetime, why: str) -> Job:
    """Failed often enough; a person may queue it again."""
    return advance(
        job,
        JobState.FAILED,
        failures=job.failures + 1,
        problem=why,
        ended_at=now,
        lease="",
        leased_until=None,
    )


def cancel(job: Job, now: datetime, why: str) -> Job:
    """Whoever works on it finds its lease gone at its next commit, and stops."""
    return advance(job, JobState.CANCELLED, ended_at=now, problem=why, lease="", leased_until=None)


def hurry(job: Job) -> Job:
    """Due at once: a failed one is queued again, a waiting one waits no longer."""
    if job.state is JobState.QUEUED:
        return replace(job, due_at=None)
    return advance_from(job, (JobState.FAILED,), JobState.QUEUED, due_at=None, failures=0)
