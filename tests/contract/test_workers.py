"""Messages and long jobs under leases, alike in memory and on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.errors import CloudmgrError, Conflict
from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.jobs import Job, JobState
from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.parties import Region
from cloudmgr.services import jobs, outbox
from cloudmgr.services.commands import perform
from cloudmgr.services.jobs import CancelJob, HurryJob, enqueue, note, run_next, runs
from cloudmgr.services.leases import Held, Workshop
from cloudmgr.services.outbox import (
    ALL_TOPICS,
    Later,
    RetryMessage,
    deliver_next,
    owed,
    receives,
    sends,
)
from cloudmgr.services.worker import Worker
from cloudmgr.services.world import Message, World
from cloudmgr.store.world import SqlNode
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import NOON, region


class Machine:
    """The machine's clock of a test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test registers its own receivers and jobs."""
    monkeypatch.setattr(outbox, "RECEIVERS", {})
    monkeypatch.setattr(outbox, "OWED", set())
    monkeypatch.setattr(jobs, "RUNS", {})
    return


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def shop(node: NodeUnderTest, machine: Machine) -> Workshop:
    return a_shop(node, machine)


def a_shop(node: Any, machine: Machine, **changed: Any) -> Workshop:
    fields: dict[str, Any] = {
        "outside": "outside",
        "lease_seconds": 60,
        "backoff": Backoff(first_seconds=10, longest_seconds=15, attempts=3),
        "every": {"count": 100},
    }
    return Workshop(node=node, clock=machine, **(fields | changed))


def say(node: Any, *subjects: str, topic: str = "news") -> None:
    with node.transaction() as world:
        for subject in subjects:
            world.outbox(Message(topic=topic, subject=subject, payload={"n": 1}, at=NOON))


def messages(node: Any) -> tuple[OutboxMessage, ...]:
    with node.reading() as world:
        found: tuple[OutboxMessage, ...] = world.find(OutboxMessage)
        return found


def give(node: Any, command: Any) -> Any:
    with node.transaction() as world:
        return perform(world, command, SYSTEM, NOON)


def states(node: Any) -> list[str]:
    return [str(each.state) for each in messages(node)]


# --- messages -------------------------------------------------------------------------------


def test_a_message_reaches_everybody_who_wants_its_topic_and_nobody_else(
    node: NodeUnderTest, shop: Workshop
) -> None:
    heard: list[str] = []

    @receives("news", name="inbox")
    def keep(world: World, message: OutboxMessage, now: datetime) -> None:
        world.put(region(message.subject))

    @sends("news", name="hook")
    def hook(held: Held[OutboxMessage], outside: Any) -> None:
        heard.append(f"hook {outside} {held.record.subject}")

    @receives("other", name="stranger")
    def never(world: World, message: OutboxMessage, now: datetime) -> None:
        raise AssertionError(message.topic)

    @receives(ALL_TOPICS, name="all")
    def listen(world: World, message: OutboxMessage, now: datetime) -> None:
        heard.append(f"all {message.subject}")

    say(node, "one", "two")
    Worker(shop, "w").run_until_idle()
    assert heard == ["all one", "hook outside one", "all two", "hook outside two"]
    with node.reading() as world:
        assert [each.id for each in world.find(Region)] == ["one", "two"]
    assert [each.reached for each in messages(node)] == [("all", "hook", "inbox")] * 2
    assert states(node) == ["sent", "sent"]


def test_what_nobody_wants_is_done_and_what_somebody_owes_waits_for_who_can(
    node: NodeUnderTest, shop: Workshop
) -> None:
    topic = owed("order")
    say(node, "one")
    say(node, "two", topic=topic)
    Worker(shop, "w").run_until_idle()
    assert states(node) == ["sent", "queued"]
    sends(topic, name="late comer")(lambda held, outside: None)
    Worker(shop, "w").run_until_idle()
    assert states(node) == ["sent", "sent"]


def test_a_receiver_that_fails_rests_longer_each_time_and_keeps_nobody_from_the_message(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    tries: Counter[str] = Counter()

    @sends("news", name="broken")
    def broken(held: Held[OutboxMessage], outside: Any) -> None:
        tries["broken"] += 1
        raise Conflict("away", "nobody is there") if tries["broken"] < 3 else ValueError("a fault")

    @sends("news", name="sound")
    def sound(held: Held[OutboxMessage], outside: Any) -> None:
        tries["sound"] += 1

    say(node, "one")
    worker = Worker(shop, "w")
    for wait, failures in ((9, 1), (1, 1), (14, 2), (1, 2)):
        worker.run_until_idle()
        (message,) = messages(node)
        assert (message.state, message.failures) == (MessageState.WAITING, failures)
        assert message.problem == "broken: away: nobody is there"
        machine.goes_on(wait)
    worker.run_until_idle()
    (letter,) = messages(node)
    assert letter.state is MessageState.FAILED
    assert letter.problem == "broken: ValueError: a fault"
    assert tries == {"broken": 3, "sound": 1}
    machine.goes_on(10_000)
    assert not worker.run_once(), "a dead letter is not tried again by itself"
    give(node, RetryMessage(message_id=letter.id))
    worker.run_until_idle()
    assert tries == {"broken": 4, "sound": 1}
    assert messages(node)[0].state is MessageState.WAITING


def test_a_patient_receiver_never_gives_up_and_waiting_for_an_answer_is_no_failure(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    answers: list[Any] = [Conflict("away", "x")] * 7 + [Later(3, "it works on it")] * 5 + [None]

    @sends("news", name="patient", patient=True)
    def patient(held: Held[OutboxMessage], outside: Any) -> Later | None:
        answer = answers.pop(0)
        if isinstance(answer, CloudmgrError):
            raise answer
        later: Later | None = answer
        return later

    say(node, "one")
    worker = Worker(shop, "w")
    for _ in range(13):
        worker.run_until_idle()
        machine.goes_on(15)
    assert answers == []
    (message,) = messages(node)
    assert (message.state, message.attempts, message.failures) == (MessageState.SENT, 13, 0)


def test_whose_lease_has_run_out_commits_nothing_more(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    seen: list[str] = []

    @sends("news", name="slow")
    def slow(held: Held[OutboxMessage], outside: Any) -> None:
        seen.append(held.record.lease)
        if len(seen) == 1:
            machine.goes_on(61)
            assert deliver_next(shop, "second")
        with held.transaction() as world:
            world.put(region(f"by {held.record.lease}"))

    say(node, "one")
    deliver_next(shop, "first")
    assert seen == ["first", "second"]
    with node.reading() as world:
        assert [each.id for each in world.find(Region)] == ["by second"]
    (message,) = messages(node)
    assert (message.state, message.attempts) == (MessageState.SENT, 2)


def test_what_is_held_is_left_alone_and_each_commit_prolongs_it(
    node: NodeUnderTest, shop: Workshop, machine: Machine
) -> None:
    @sends("news", name="long")
    def long(held: Held[OutboxMessage], outside: Any) -> None:
        for _ in range(3):
            machine.goes_on(50)
            assert not deliver_next(shop, "second")
            with held.transaction():
                pass

    say(node, "one")
    deliver_next(shop, "first")
    assert states(node) == ["sent"]


def test_a_message_of_an_undone_transaction_is_never_sent(
    node: NodeUnderTest, shop: Workshop
) -> None:
    sends("news", name="hook")(lambda held, outside: None)
    with pytest.raises(ZeroDivisionError):
        _say_and_fail(node)
    assert not Worker(shop, "w").run_once()


def _say_and_fail(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.outbox(Message(topic="news", subject="undone", payload={}, at=NOON))
        raise ZeroDivisionError


def test_many_workers_bring_each_message_once(sql: SqlNode, machine: Machine) -> None:
    sent: Counter[str] = Counter()
    mine = threading.Lock()

    @sends("news", name="hook")
    def hook(held: Held[OutboxMessage], outside: Any) -> None:
        with mine:
            sent[held.record.subject] += 1

    @receives("news", name="inbox")
    def keep(world: World, message: OutboxMessage, now: datetime) -> None:
        world.put(region(message.subject))  # a second one would be refused

    subjects = [f"{number:02d}" for number in range(24)]
    say(sql, *subjects)
    shop = a_shop(sql, machine)
    threads = [
        threading.Thread(target=Worker(shop, name).run_until_idle) for name in ("a", "b", "c")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Worker(shop, "last").run_until_idle()
    assert sent == dict.fromkeys(subjects, 1)
    assert states(sql) == ["sent"] * len(subjects)


# --- jobs -----------------------------------------------------------------------------------


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
    assert job_of(node) == replace(job)
