"""Long jobs under leases, alike in memory and on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import Conflict
from cloudmgr.domain.jobs import Job, JobState
from cloudmgr.domain.parties import Region
from cloudmgr.services import jobs
from cloudmgr.services.jobs import CancelJob, HurryJob, enqueue, note, run_next, runs
from cloudmgr.services.leases import Held, Workshop
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import region
from tests.contract.workshop import Machine, a_shop, forget_everybody, give


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_everybody(monkeypatch)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def shop(node: NodeUnderTest, machine: Machine) -> Workshop:
    return a_shop(node, machine)


def a_job(node: Any, **changed: Any) -> Job:
    with node.transaction() as world:
        return enqueue(world, "count", "x", **changed)


def job_of(node: Any) -> Job:
    with node.reading() as world:
        found: Job
        (found,) = world.find(Job)
        return found


def count_to(total: int, stop_at: int | None = None) -> None:
    """A job that puts one record per commit and goes on at its cursor."""

    @runs("count")
    def count(held: Held[Job], outside: Any) -> None:
        for number in range(int(held.record.cursor or 0), total):
            if number == stop_at:
                raise Conflict("away", "it stops here")
            with held.transaction() as world:
                world.put(region(f"{number:02d}"))
                note(
                    world,
                    held,
                    cursor=str(number + 1),
                    done_units=number + 1,
                    total_units=total,
                )


def test_a_job_goes_on_at_its_cursor_after_a_failure(
    node: NodeUnderTest, shop: Workshop, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_to(5, stop_at=3)
    a_job(node)
    assert run_next(shop, "first")
    job = job_of(node)
    assert (job.state, job.cursor, job.failures) == (JobState.QUEUED, "3", 1)
    assert (job.done_units, job.total_units, job.problem) == (3, 5, "away: it stops here")
    assert not run_next(shop, "first"), "it rests first"
    monkeypatch.setattr(jobs, "RUNS", {})
    count_to(5)
    give(node, HurryJob(job_id=job.id))
    assert run_next(shop, "second")
    job = job_of(node)
    assert (job.state, job.done_units, job.runs, job.problem) == (JobState.DONE, 5, 1, "")
    with node.reading() as world:
        assert len(world.find(Region)) == 5


def test_a_job_that_keeps_failing_ends_failed_until_a_person_queues_it_again(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    count_to(5, stop_at=0)
    a_job(node)
    for _ in range(3):
        run_next(shop, "w")
        machine.goes_on(15)
    assert job_of(node).state is JobState.FAILED
    assert not run_next(shop, "w")
    give(node, HurryJob(job_id=job_of(node).id))
    assert run_next(shop, "w")


def test_a_recurring_job_is_there_once_runs_on_time_and_fails_for_ever(
    node: NodeUnderTest, shop: Workshop, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_to(1)
    first = a_job(node, recurring=True)
    assert a_job(node, recurring=True).id == first.id
    assert run_next(shop, "w")
    machine.goes_on(99)
    assert not run_next(shop, "w")
    machine.goes_on(1)
    assert run_next(shop, "w")
    assert job_of(node).runs == 2
    monkeypatch.setattr(jobs, "RUNS", {})
    count_to(5, stop_at=1)
    for _ in range(6):
        machine.goes_on(100)
        assert run_next(shop, "w")
    assert (job_of(node).state, job_of(node).failures) == (JobState.QUEUED, 6)


def test_a_cancelled_job_stops_at_its_next_commit(node: NodeUnderTest, shop: Workshop) -> None:
    @runs("count")
    def count(held: Held[Job], outside: Any) -> None:
        with held.transaction() as world:
            world.put(region("kept"))
        give(node, CancelJob(job_id=held.record.id, reason="a wrong file"))
        with held.transaction() as world:
            world.put(region("never"))

    a_job(node)
    assert run_next(shop, "w")
    job = job_of(node)
    assert (job.state, job.problem) == (JobState.CANCELLED, "a wrong file")
    with node.reading() as world:
        assert [each.id for each in world.find(Region)] == ["kept"]
    assert not run_next(shop, "w")


def test_a_job_whose_worker_died_is_taken_over_when_its_lease_is_over(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    class Died(BaseException):
        """A process that is gone runs no handler."""

    @runs("count")
    def dies(held: Held[Job], outside: Any) -> None:
        with held.transaction() as world:
            note(world, held, cursor="7", done_units=7, total_units=9)
        if held.record.attempts == 1:
            raise Died
        assert held.record.cursor == "7"

    a_job(node)
    with pytest.raises(Died):
        run_next(shop, "first")
    machine.goes_on(59)
    assert not run_next(shop, "second")
    machine.goes_on(2)
    assert run_next(shop, "second")
    job = job_of(node)
    assert (job.state, job.attempts) == (JobState.DONE, 2)


def test_a_job_of_a_kind_nobody_here_knows_waits(node: NodeUnderTest, shop: Workshop) -> None:
    job = a_job(node)
    assert not run_next(shop, "w")
    assert job_of(node) == job
