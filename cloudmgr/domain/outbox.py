"""Messages that wait to leave the node: their life from the commit that wrote them to the end.

Owns when one is due, who holds it and how it ends. Who receives which topic is `services.outbox`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from cloudmgr.domain.leases import Lease
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.values import Value


class MessageState(StrEnum):
    """`waiting` was tried, or asked to be left for a while; the `failed` are the dead letters."""

    QUEUED = "queued"
    SENDING = "sending"
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage(Value):
    """待发消息: something to be told outside, written in the transaction that it tells of.

    `at` is the node's time, everything about sending the machine's: a rehearsal's clock stands
    still while a pool works. `reached` names the receivers that have it, `attempts` counts how
    often it was taken up and `failures` how often in a row that failed. Only who holds `lease`
    may change it, until `leased_until`.
    """

    topic: str
    subject: str
    payload: dict[str, Any]
    at: datetime
    reached: tuple[str, ...] = ()
    attempts: int = 0
    failures: int = 0
    problem: str = ""
    due_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    sent_at: datetime | None = None
    state: MessageState = MessageState.QUEUED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "OutboxMessage",
        {
            MessageState.QUEUED: ("待发送", (MessageState.SENDING, MessageState.SENT)),
            MessageState.SENDING: (
                "发送中",
                (MessageState.WAITING, MessageState.SENT, MessageState.FAILED),
            ),
            MessageState.WAITING: ("等待重发", (MessageState.SENDING,)),
            MessageState.SENT: ("已发送", ()),
            MessageState.FAILED: ("发送失败", (MessageState.QUEUED,)),
        },
    )


def claim(message: OutboxMessage, lease: Lease) -> OutboxMessage:
    """Taken up by one worker; also from one whose lease has run out."""
    held = replace(
        message, lease=lease.token, leased_until=lease.until, attempts=message.attempts + 1
    )
    if message.state is MessageState.SENDING:
        return held
    return advance(held, MessageState.SENDING, due_at=None)


def reach(message: OutboxMessage, receiver: str) -> OutboxMessage:
    """One more receiver has it."""
    return replace(message, reached=(*message.reached, receiver))


def send(message: OutboxMessage, now: datetime) -> OutboxMessage:
    """Everybody who wants it has it."""
    return advance(
        message,
        MessageState.SENT,
        sent_at=now,
        failures=0,
        problem="",
        lease="",
        leased_until=None,
    )


def put_off(message: OutboxMessage, until: datetime, why: str, *, failed: bool) -> OutboxMessage:
    """To be taken up again at `until`; a failure counts, an answer that takes its time does not."""
    return advance(
        message,
        MessageState.WAITING,
        due_at=until,
        failures=message.failures + 1 if failed else 0,
        problem=why,
        lease="",
        leased_until=None,
    )


def give_up(message: OutboxMessage, why: str) -> OutboxMessage:
    """Tried often enough: a dead letter, until a person lets it be tried again."""
    return advance(
        message,
        MessageState.FAILED,
        failures=message.failures + 1,
        problem=why,
        lease="",
        leased_until=None,
    )


def retry(message: OutboxMessage) -> OutboxMessage:
    """A person lets a dead letter be tried again; whoever has it is not told twice."""
    return advance(message, MessageState.QUEUED, failures=0, due_at=None)
