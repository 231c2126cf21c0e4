"""The inbox: what people are told, one notification per message and person, and reading it.

Owns who is told; the words and audiences are `domain.notifications_topics`. A worker brings a
message here in the commit that marks it reached, so a crash tells nobody twice and nobody less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudmgr.domain import notifications
from cloudmgr.domain.access import Actor
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.notifications import Notification, Topic, Whose
from cloudmgr.domain.notifications_topics import TOPICS
from cloudmgr.domain.openings import Opening
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.parties import Organisation, Region, RegionLevel, RoleGrant, User
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.openings_answers import awaited_of
from cloudmgr.services.outbox import ALL_TOPICS, receives
from cloudmgr.services.reading import personal
from cloudmgr.services.world import Le, World

AT_ONCE = 500
"""How many notifications one command marks read."""

_OWNERS = ("department_id", "provider_id", "organisation_id")
_LISTS = ("department_ids", "organisation_ids")
_BEHIND: Mapping[str, type[Value]] = {
    "pool_id": ResourcePool,
    "contract_id": Contract,
    "request_id": ResourceRequest,
}
"""Ids in a payload whose record says whose it is."""

personal(Notification)


# --- what people do about it ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNotification(Command):
    """Mark one of one's own notifications as read."""

    notification_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNotifications(Command):
    """Mark all of one's own notifications up to an id as read: those that a page has shown, and
    none that came meanwhile. At most 500 at a time, the oldest first."""

    up_to_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead:
    """How many were marked; `more` when the command has to be given again."""

    marked: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """How many notifications wait; at `more` there are at least so many."""

    unread: int
    more: bool


@handles(everybody=True)
def read_notification(
    world: World, command: ReadNotification, actor: Actor, now: datetime
) -> Notification:
    found = world.seek(Notification, command.notification_id)
    if found is None or found.user_id != actor.user_id:
        raise not_found("Notification", command.notification_id)
    read = notifications.mark_read(found, now)
    return found if read is found else world.put(read)


@handles(everybody=True)
def read_notifications(
    world: World, command: ReadNotifications, actor: Actor, now: datetime
) -> NotificationsRead:
    waiting = world.find(
        Notification,
        user_id=actor.user_id,
        read=False,
        id=Le(command.up_to_id),
        limit=AT_ONCE + 1,
    )
    for each in waiting[:AT_ONCE]:
        world.put(notifications.mark_read(each, now))
    return NotificationsRead(marked=len(waiting[:AT_ONCE]), more=len(waiting) > AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTopic:
    """A topic as whoever subscribes to it reads of it; `webhooks` hear of it or not."""

    name: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    webhooks: bool


def known_topics() -> tuple[KnownTopic, ...]:
    """The table of topics, by name."""
    return tuple(
        KnownTopic(
            name=each.name,
            title_zh=each.title_zh,
            title_en=each.title_en,
            text_zh=each.text_zh,
            text_en=each.text_en,
            webhooks=not each.private,
        )
        for _, each in sorted(TOPICS.items())
    )


def unread_of(world: World, actor: Actor) -> Unread:
    """The actor's own; counted as far as a badge can show."""
    waiting = world.find(Notification, user_id=actor.user_id, read=False, limit=AT_ONCE + 1)
    return Unread(unread=len(waiting[:AT_ONCE]), more=len(waiting) > AT_ONCE)


# --- who is told ----------------------------------------------------------------------------


@receives(ALL_TOPICS, name="inbox")
def notify(world: World, message: OutboxMessage, now: datetime) -> None:
    """One notification for each person of the topic's audience who has none of this message."""
    topic = TOPICS.get(message.topic)
    if topic is None:
        return
    told = {each.user_id for each in world.find(Notification, message_id=message.id)}
    world.put_many(
        notifications.notification(
            topic,
            user_id,
            message_id=message.id,
            subject=message.subject,
            payload=message.payload,
            at=message.at,
        )
        for user_id in sorted(people_of(world, topic, message, now) - told)
    )


def people_of(world: World, topic: Topic, message: OutboxMessage, now: datetime) -> frozenset[str]:
    """The people of a topic's audience: those at work here now, by the roles in force."""
    named = message.payload.get("user_ids", ()) if _names_people(topic) else ()
    wanted = {role for each in topic.audiences for role in each.roles}
    held = world.find(RoleGrant, role=tuple(sorted(wanted)), revoked=False) if wanted else ()
    places = _Places(world, owners_of(world, topic, message))
    found = {
        grant.user_id
        for grant in held
        if grant.in_force(now)
        and any(grant.role in topic.roles_of(whose) for whose in places.of(grant))
    }
    asked = found.union(named)
    if not asked:
        return frozenset()
    return frozenset(each.id for each in world.find(User, id=tuple(sorted(asked)), active=True))


def owners_of(world: World, topic: Topic, message: OutboxMessage) -> frozenset[str]:
    """The organisations that a message is about, and those that answer for ended ones."""
    found = set(_named_in(message.payload))
    records = [(topic.about, message.subject)] if topic.about else []
    records += [
        (kind, message.payload[name]) for name, kind in _BEHIND.items() if message.payload.get(name)
    ]
    for kind, id in records:
        if kind is not None and (record := world.seek(kind, id)) is not None:
            found |= {getattr(record, name) for name in _OWNERS if getattr(record, name, None)}
    if topic.name == "opening_uploaded" and world.seek(Opening, message.subject):
        found.update(awaited_of(world, message.subject))
    return frozenset(_answering(world, found))


def _names_people(topic: Topic) -> bool:
    return any(each.whose is Whose.NAMED for each in topic.audiences)


def _named_in(payload: Mapping[str, Any]) -> Iterable[str]:
    for name in _OWNERS:
        if payload.get(name):
            yield payload[name]
    for name in _LISTS:
        yield from payload.get(name, ())


def _answering(world: World, ids: Iterable[str]) -> Iterable[str]:
    """The organisations and, for ended ones, whoever answers for their papers."""
    for id in ids:
        seen: set[str] = set()
        organisation = world.seek(Organisation, id)
        while organisation is not None and organisation.id not in seen:
            seen.add(organisation.id)
            yield organisation.id
            after = organisation.successor_id
            organisation = world.seek(Organisation, after) if after else None


class _Places:
    """Where a role is held, seen from what a message is about."""

    def __init__(self, world: World, owners: frozenset[str]) -> None:
        self._owners = owners
        self._regions = {each.id: each.region_id for each in world.find(Organisation)}
        self._counties = {each.id for each in world.find(Region, level=RegionLevel.COUNTY)}
        self._own_regions = {self._regions[each] for each in owners}

    def of(self, grant: RoleGrant) -> Iterable[Whose]:
        """The places that the grant counts in: a county's office is none of the city's."""
        yield Whose.EVERYWHERE
        if grant.organisation_id in self._owners:
            yield Whose.OWNER
        region = self._regions[grant.organisation_id]
        if region not in self._counties:
            yield Whose.CITY
        elif region in self._own_regions:
            yield Whose.COUNTY
