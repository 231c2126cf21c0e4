"""The outbox: who receives which topic, and how a worker brings a message to them.

Owns the registry, taking messages up, and the dead letters. Receivers stand beside their nouns:
`@receives` writes into this node's own database in the transaction that marks the message reached,
`@sends` goes outside, between transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.errors import CloudmgrError
from cloudmgr.domain import outbox
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import stale_version
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.leases import Held, Workshop, told
from cloudmgr.services.world import Le, World

ALL_TOPICS = "*"
AT_ONCE = 50
"""How many messages that nobody receives are closed in one commit, and looked at for a claim."""

_STALE = stale_version("", "", 0, 0).code


@dataclass(frozen=True, slots=True)
class Later:
    """Not finished and no failure: take the message up again after `seconds`."""

    seconds: int
    why: str = ""


Local = Callable[[World, OutboxMessage, datetime], None]
Remote = Callable[[Held[OutboxMessage], Any], "Later | None"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who wants a topic. A patient one never gives up: its message is tried for ever."""

    name: str
    topic: str
    local: Local | None = None
    remote: Remote | None = None
    patient: bool = False


RECEIVERS: dict[str, Receiver] = {}
OWED: set[str] = set()


def receives(topic: str, *, name: str) -> Callable[[Local], Local]:
    """Register `(world, message, now)`, which writes into this node only.

    `topic` may be `ALL_TOPICS`, which leaves out those that are `owed`.
    """

    def register(function: Local) -> Local:
        _register(Receiver(name, topic, local=function))
        return function

    return register


def sends(topic: str, *, name: str, patient: bool = False) -> Callable[[Remote], Remote]:
    """Register `(held, outside) -> Later | None`, which sends outside the node.

    It is called outside any transaction, perhaps again after a crash, and commits what it must
    remember with `held.transaction()`. None means that it has been sent; an exception that it has
    not, and shall be tried again.
    """

    def register(function: Remote) -> Remote:
        _register(Receiver(name, topic, remote=function, patient=patient))
        return function

    return register


def owed(topic: str) -> str:
    """Declare a topic that somebody must receive: a worker that knows nobody leaves it alone, and
    it is the node's own affair, which `ALL_TOPICS` does not hear of."""
    OWED.add(topic)
    return topic


def receivers_of(topic: str) -> tuple[Receiver, ...]:
    """Who wants a topic, in the order of their names."""
    topics = (topic,) if topic in OWED else (topic, ALL_TOPICS)
    found = (each for each in RECEIVERS.values() if each.topic in topics)
    return tuple(sorted(found, key=lambda each: each.name))


def _register(receiver: Receiver) -> None:
    assert receiver.name not in RECEIVERS, f"two receivers are called {receiver.name}"
    RECEIVERS[receiver.name] = receiver


# --- what people do about it ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryMessage(Command):
    """Let a dead letter be tried again; who already has the message is not told twice."""

    message_id: str


@handles(Role.SYSTEM_ADMIN, Role.TECHNICAL_REVIEWER)
def retry_message(
    world: World, command: RetryMessage, actor: Actor, now: datetime
) -> OutboxMessage:
    return world.put(outbox.retry(world.get(OutboxMessage, command.message_id)))


# --- what a worker does ---------------------------------------------------------------------


def deliver_next(shop: Workshop, token: str) -> bool:
    """Take up the next message and bring it to all who want it; False when none is due."""
    if _close_unwanted(shop):
        return True
    held = _taken(shop, token)
    if held is None:
        return False
    try:
        _deliver(held)
    except CloudmgrError as error:
        if error.code != "lease_lost":
            raise
        # Another worker goes on with it, and asks before it sends anything again.
    return True


def _close_unwanted(shop: Workshop) -> int:
    """Messages that nobody receives are done; returns how many were."""
    with shop.node.reading() as world:
        found = world.find(OutboxMessage, state=MessageState.QUEUED, limit=AT_ONCE)
        if not any(map(_unwanted, found)):
            return 0
    try:
        with shop.node.transaction() as world:
            found = world.find(OutboxMessage, state=MessageState.QUEUED, limit=AT_ONCE)
            unwanted = [each for each in found if _unwanted(each)]
            for message in unwanted:
                world.put(outbox.send(message, shop.clock()))
            return len(unwanted)
    except CloudmgrError as error:
        if error.code != _STALE:
            raise
        return 1  # another worker did the same at the same time


def _unwanted(message: OutboxMessage) -> bool:
    return message.topic not in OWED and not receivers_of(message.topic)


def _taken(shop: Workshop, token: str) -> Held[OutboxMessage] | None:
    """The first due message that nobody else gets hold of before."""
    now = shop.clock()
    with shop.node.reading() as world:
        ids = [each.id for each in _due(world, now)]
    for id in ids:
        try:
            with shop.node.transaction() as world:
                message = world.get(OutboxMessage, id)
                if not _is_due(message, now):
                    continue
                taken = world.put(outbox.claim(message, shop.lease(token)))
            return Held(shop, taken)
        except CloudmgrError as error:
            if error.code != _STALE:
                raise
    return None


def _due(world: World, now: datetime) -> tuple[OutboxMessage, ...]:
    """Abandoned ones first, then those that waited, then new ones; each in their order."""
    due = (
        *world.find(OutboxMessage, state=MessageState.SENDING, leased_until=Le(now), limit=AT_ONCE),
        *world.find(OutboxMessage, state=MessageState.WAITING, due_at=Le(now), limit=AT_ONCE),
        *world.find(OutboxMessage, state=MessageState.QUEUED, limit=AT_ONCE),
    )
    return tuple(each for each in due if receivers_of(each.topic))


def _is_due(message: OutboxMessage, now: datetime) -> bool:
    if message.state is MessageState.SENDING:
        return message.leased_until is not None and message.leased_until <= now
    if message.state is MessageState.WAITING:
        return message.due_at is not None and message.due_at <= now
    return message.state is MessageState.QUEUED


def _deliver(held: Held[OutboxMessage]) -> None:
    """Each receiver by itself: one that fails keeps nobody from the message."""
    later: list[Later] = []
    faults: list[tuple[Receiver, str]] = []
    for receiver in receivers_of(held.record.topic):
        if receiver.name in held.record.reached:
            continue
        try:
            put_off = _bring(held, receiver)
        except CloudmgrError as error:
            if error.code == "lease_lost":
                raise
            faults.append((receiver, f"{error.code}: {error.message}"))
        except Exception as error:  # a fault of ours must not stop the others' messages
            held.shop.on_fault(f"{receiver.name} failed with {held.record.id}", error)
            faults.append((receiver, told(error)))
        else:
            if put_off is not None:
                later.append(put_off)
    _settle(held, later, faults)


def _bring(held: Held[OutboxMessage], receiver: Receiver) -> Later | None:
    if receiver.remote is not None:
        put_off = receiver.remote(held, held.shop.outside)
        if put_off is not None:
            return put_off
    with held.transaction() as world:
        if receiver.local is not None:
            receiver.local(world, held.current(world), held.shop.now(world))
        world.put(outbox.reach(held.current(world), receiver.name))
    return None


def _settle(
    held: Held[OutboxMessage], later: list[Later], faults: list[tuple[Receiver, str]]
) -> None:
    """Sent, to be tried again, or a dead letter."""
    now = held.shop.clock()
    with held.transaction() as world:
        message = held.current(world)
        if not later and not faults:
            world.put(outbox.send(message, now))
            return
        why = "; ".join([f"{receiver.name}: {why}" for receiver, why in faults])
        backoff = held.shop.backoff
        hopeless = message.failures + 1 >= backoff.attempts
        if faults and hopeless and not later and not any(each.patient for each, _ in faults):
            world.put(outbox.give_up(message, why))
            return
        rests = [timedelta(seconds=each.seconds) for each in later]
        if faults:
            rests.append(backoff.rest(message.failures + 1))
        reason = why or "; ".join(each.why for each in later)
        world.put(outbox.put_off(message, now + min(rests), reason, failed=bool(faults)))
