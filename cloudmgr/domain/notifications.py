"""Who is told of what, in which words: the topics of messages, and what stands in a person's inbox.

Owns the forms of both; the table of all topics is `notifications_topics`. Who is whose is found by
`services.notifications`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudmgr.domain.access import Role
from cloudmgr.domain.values import Value

NOT_SAID = "—"

_PEOPLE = frozenset({"user_ids", "user_id", "principal_id", "delegate_id", "attempts_id"})
_FACTS = frozenset(
    {"kind", "state", "contact", "month", "day", "role", "step", "round", "side", "sequence"}
    | {"hash", "effective_at", "expires_at"}
)
"""What of a payload may leave the node beside ids: never a name, an amount or a score."""


class Whose(StrEnum):
    """Where those hold their roles who are told: in what the message is about, in the offices of
    the city, in those of its department's county, anywhere; or they are named in the message."""

    OWNER = "owner"
    CITY = "city"
    COUNTY = "county"
    EVERYWHERE = "everywhere"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Audience:
    whose: Whose
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """主题: what a message says to people, and to whom.

    The texts take `{subject}` and the payload's fields. `about` is the kind of the subject, where
    its owner is not in the payload. What is `open` every subscriber's machine hears of; what is
    `private` none does.
    """

    name: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    audiences: tuple[Audience, ...]
    about: type[Value] | None = None
    open: bool = False
    private: bool = False

    def roles_of(self, whose: Whose) -> tuple[Role, ...]:
        """The roles that are told there."""
        return tuple(role for each in self.audiences if each.whose is whose for role in each.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification(Value):
    """站内消息: what one person is told, in both languages, in the words of the day it was said.

    There is one per message and person. `at` is when it happened, by the node's clock.
    """

    user_id: str
    message_id: str
    topic: str
    subject: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    at: datetime
    read: bool = False
    read_at: datetime | None = None


def notification_id(message_id: str, user_id: str) -> str:
    """In the order of the messages, and the same whoever makes it."""
    return f"{message_id}.{user_id}"


def notification(
    topic: Topic,
    user_id: str,
    *,
    message_id: str,
    subject: str,
    payload: Mapping[str, Any],
    at: datetime,
) -> Notification:
    """What one person is told of a message."""
    told = _Told({name: _text(value) for name, value in payload.items()} | {"subject": subject})
    return Notification(
        id=notification_id(message_id, user_id),
        user_id=user_id,
        message_id=message_id,
        topic=topic.name,
        subject=subject,
        title_zh=topic.title_zh,
        title_en=topic.title_en,
        text_zh=topic.text_zh.format_map(told),
        text_en=topic.text_en.format_map(told),
        at=at,
    )


def mark_read(one: Notification, now: datetime) -> Notification:
    """Read; the first time counts."""
    return one if one.read else replace(one, read=True, read_at=now)


def outside_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What of a payload machines outside are told: ids of things, and a few words about them."""
    return {
        name: value
        for name, value in sorted(payload.items())
        if name not in _PEOPLE and (name in _FACTS or name.endswith(("_id", "_ids")))
    }


class _Told(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return NOT_SAID


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOT_SAID
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or NOT_SAID
    return str(value)
