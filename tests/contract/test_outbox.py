"""Messages under leases, alike in memory and on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from catalog.errors import CloudmgrError, Conflict
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.parties import Region
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


def say(node: Any, *subjects: str, topic: str = "news") -> None:
    with node.transaction() as world:
        for subject in subjects:
            world.outbox(Message(topic=topic, subject=subject, payload={"n": 1}, at=NOON))


def messages(node: Any) -> tuple[OutboxMessage, ...]:
    with node.reading() as world:
        found: tuple[OutboxMessage, ...] = world.find(OutboxMessage)
        return found


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
