"""Long jobs: enqueued in a command's transaction, run by a worker commit by commit.

Owns the registry of kinds, taking jobs up and ending them. What a kind does stands beside its
noun: `@runs(kind)` gives `(held, outside) -> None`, which goes on at the job's cursor, commits
with `held.transaction()` and notes its progress with `note`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from catalog.errors import CloudmgrError
from cloudmgr.domain import jobs
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import stale_version
from cloudmgr.domain.jobs import Job, JobState
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.leases import Held, Workshop, told
from cloudmgr.services.world import Le, World, next_id

Run = Callable[[Held[Job], Any], None]
RUNS: dict[str, Run] = {}
DEFAULT_EVERY_SECONDS = 3600
LOOKED_AT = 50

_STALE = stale_version("", "", 0, 0).code


def runs(kind: str) -> Callable[[Run], Run]:
    """Register what a kind of job does."""

    def register(function: Run) -> Run:
        assert kind not in RUNS, f"job {kind} has two functions"
        RUNS[kind] = function
        return function

    return register


def enqueue(
    world: World, kind: str, subject: str, *, recurring: bool = False, total_units: int = 0
) -> Job:
    """Let a worker do it after this transaction. A recurring job is there once per subject."""
    if recurring:
        known = world.find(Job, kind=kind, subject=subject, recurring=True)
        alive = [each for each in known if not each.LIFECYCLE.final(each.state)]
        if alive:
            return alive[0]
    return world.put(
        Job(
            id=next_id(world, "JOB"),
            kind=kind,
            subject=subject,
            recurring=recurring,
            total_units=total_units,
        )
    )


def note(world: World, held: Held[Job], *, cursor: str, done_units: int, total_units: int) -> None:
    """Write down how far a job is, in the same commit as what it did."""
    world.put(
        replace(held.current(world), cursor=cursor, done_units=done_units, total_units=total_units)
    )


# --- what people do about it ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Command):
    """End a job where it stands; a worker that is at it stops at its next commit."""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HurryJob(Command):
    """Let a waiting or failed job run at once, from where it stands."""

    job_id: str


@handles(Role.SYSTEM_ADMIN, Role.TECHNICAL_REVIEWER)
def cancel_job(world: World, command: CancelJob, actor: Actor, now: datetime) -> Job:
    return world.put(jobs.cancel(world.get(Job, command.job_id), now, command.reason))


@handles(Role.SYSTEM_ADMIN, Role.TECHNICAL_REVIEWER)
def hurry_job(world: World, command: HurryJob, actor: Actor, now: datetime) -> Job:
    return world.put(jobs.hurry(world.get(Job, command.job_id)))


# --- what a worker does ---------------------------------------------------------------------


def run_next(shop: Workshop, token: str) -> bool:
    """Take up the next due job and run it to its end; False when none is due."""
    held = _taken(shop, token)
    if held is None:
        return False
    try:
        _run(held)
    except CloudmgrError as error:
        if error.code != "lease_lost":
            raise
        # Cancelled, or taken over: whoever holds it goes on at the cursor.
    return True


def _taken(shop: Workshop, token: str) -> Held[Job] | None:
    now = shop.clock()
    with shop.node.reading() as world:
        ids = [each.id for each in _due(world, now)]
    for id in ids:
        try:
            with shop.node.transaction() as world:
                job = world.get(Job, id)
                if not _is_due(job, now):
                    continue
                taken = world.put(jobs.claim(job, shop.lease(token), now))
            return Held(shop, taken)
        except CloudmgrError as error:
            if error.code != _STALE:
                raise
    return None


def _due(world: World, now: datetime) -> tuple[Job, ...]:
    kinds = tuple(sorted(RUNS))
    return (
        *world.find(Job, kind=kinds, state=JobState.RUNNING, leased_until=Le(now), limit=LOOKED_AT),
        *world.find(Job, kind=kinds, state=JobState.QUEUED, due_at=None, limit=LOOKED_AT),
        *world.find(Job, kind=kinds, state=JobState.QUEUED, due_at=Le(now), limit=LOOKED_AT),
    )


def _is_due(job: Job, now: datetime) -> bool:
    if job.state is JobState.RUNNING:
        return job.leased_until is not None and job.leased_until <= now
    return job.state is JobState.QUEUED and (job.due_at is None or job.due_at <= now)


def _run(held: Held[Job]) -> None:
    try:
        RUNS[held.record.kind](held, held.shop.outside)
    except CloudmgrError as error:
        if error.code == "lease_lost":
            raise
        _failed(held, f"{error.code}: {error.message}")
    except Exception as error:  # a fault of ours must not stop the other jobs
        held.shop.on_fault(f"{held.record.kind} failed in {held.record.id}", error)
        _failed(held, told(error))
    else:
        _finished(held)


def _finished(held: Held[Job]) -> None:
    now = held.shop.clock()
    with held.transaction() as world:
        job = held.current(world)
        seconds = held.shop.every.get(job.kind, DEFAULT_EVERY_SECONDS)
        again = now + timedelta(seconds=seconds) if job.recurring else None
        world.put(jobs.finish(job, now, again))


def _failed(held: Held[Job], why: str) -> None:
    now, backoff = held.shop.clock(), held.shop.backoff
    with held.transaction() as world:
        job = held.current(world)
        if not job.recurring and job.failures + 1 >= backoff.attempts:
            world.put(jobs.give_up(job, now, why))
        else:
            world.put(jobs.put_off(job, now + backoff.rest(job.failures + 1), why))
