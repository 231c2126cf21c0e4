"""Webhooks: who subscribes, what is recorded for whom, and the steps of a delivery.

Owns subscriptions and records. A message becomes a `WebhookDelivery` per webhook in the commit
that marks it reached; each delivery is brought out by a message of its own, under a lease, by
`cloudmgr.webhooks`: what a crash cuts short is sent again under the same id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from cloudmgr.domain import webhooks
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.errors import (
    bad_value,
    not_found,
    too_many_webhooks,
    webhook_not_active,
)
from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.notifications import outside_payload
from cloudmgr.domain.notifications_topics import TOPICS
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.webhooks import (
    PING,
    Answer,
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
    WebhookState,
)
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.notifications import owners_of
from cloudmgr.services.outbox import ALL_TOPICS, owed, receives
from cloudmgr.services.reading import secret, visible_by
from cloudmgr.services.world import Message, World, next_id

WEBHOOK_DELIVERY = owed("webhook_delivery")
"""A delivery to be sent; the subject is its id."""

MOST = 20
"""Webhooks an organisation can have: each costs the node a delivery per message."""

MANAGERS = (
    Role.DEPARTMENT_LEAD,
    Role.PROVIDER,
    Role.AUTHORITY,
    Role.TECHNICAL_REVIEWER,
    Role.OPERATING_COMPANY,
    Role.FINANCE,
    Role.AUDIT_ADMIN,
)


def _seen_by(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    return {"organisation_id": tuple(sorted(actor.organisations(*MANAGERS)))}


visible_by(Webhook, _seen_by)
visible_by(WebhookDelivery, _seen_by)
secret(WebhookSecret)


# --- commands -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeWebhook(Command):
    """Have a machine of one's own organisation told what happens; no topics means all it may hear.

    The edge makes `secret`, tells it once and says by `loopback` whether this machine is let.
    """

    organisation_id: str
    label: str
    url: str
    topics: tuple[str, ...] = ()
    secret: str
    loopback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditWebhook(Command):
    """Change what a webhook is called and what it hears of; another URL is another webhook."""

    webhook_id: str
    label: str
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewWebhookSecret(Command):
    """Sign with another secret from now on, which the edge makes and tells once."""

    webhook_id: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseWebhook(Command):
    """Send nothing more: what is on its way is held, what happens meanwhile is not kept."""

    webhook_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeWebhook(Command):
    """Go on, with what was held first."""

    webhook_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveWebhook(Command):
    """End a webhook for good: its secret is erased, what was not delivered is dropped."""

    webhook_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PingWebhook(Command):
    """Send a delivery that says nothing, to see whether it arrives."""

    webhook_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverWebhook(Command):
    """Send a delivery once more under its id: one that is dead, or that the receiver has lost."""

    delivery_id: str


@handles(*MANAGERS, own=MANAGERS)
def subscribe_webhook(
    world: World, command: SubscribeWebhook, actor: Actor, now: datetime
) -> Webhook:
    """Raises `bad_webhook_url`, `bad_value`, and `too_many_webhooks` from 20 on."""
    _require_manager(actor, command.organisation_id, "Organisation", command.organisation_id)
    organisation = world.get(Organisation, command.organisation_id)
    webhooks.check_url(command.url, loopback=command.loopback)
    webhooks.check_topics(command.topics, TOPICS)
    there = (WebhookState.ACTIVE, WebhookState.PAUSED)
    world.lock((Organisation, organisation.id))
    if len(world.find(Webhook, organisation_id=organisation.id, state=there)) >= MOST:
        raise too_many_webhooks(organisation.id, MOST)
    made = world.put(
        Webhook(
            id=next_id(world, "WHK"),
            organisation_id=organisation.id,
            label=_said(command.label),
            url=command.url,
            topics=tuple(sorted(set(command.topics))),
            made_by=actor.user_id,
            made_at=now,
            secret_since=now,
        )
    )
    world.put(WebhookSecret(id=made.id, secret=command.secret))
    return made


@handles(*MANAGERS, own=MANAGERS)
def edit_webhook(world: World, command: EditWebhook, actor: Actor, now: datetime) -> Webhook:
    webhook = _own(world, command.webhook_id, actor)
    webhooks.check_topics(command.topics, TOPICS)
    topics = tuple(sorted(set(command.topics)))
    return world.put(replace(webhook, label=_said(command.label), topics=topics))


@handles(*MANAGERS, own=MANAGERS)
def renew_webhook_secret(
    world: World, command: RenewWebhookSecret, actor: Actor, now: datetime
) -> Webhook:
    webhook = _own(world, command.webhook_id, actor)
    if webhook.state is WebhookState.REMOVED:
        raise webhook_not_active(webhook.id, webhook.state)
    world.put(replace(world.get(WebhookSecret, webhook.id), secret=command.secret))
    return world.put(replace(webhook, secret_since=now))


@handles(*MANAGERS, own=MANAGERS)
def pause_webhook(world: World, command: PauseWebhook, actor: Actor, now: datetime) -> Webhook:
    webhook = _own(world, command.webhook_id, actor)
    return world.put(advance(webhook, WebhookState.PAUSED))


@handles(*MANAGERS, own=MANAGERS)
def resume_webhook(world: World, command: ResumeWebhook, actor: Actor, now: datetime) -> Webhook:
    webhook = _own(world, command.webhook_id, actor)
    active = world.put(advance(webhook, WebhookState.ACTIVE))
    for each in _of(world, webhook, DeliveryState.HELD):
        _queue(world, world.put(advance(each, DeliveryState.WAITING)), now)
    return active


@handles(*MANAGERS, own=MANAGERS)
def remove_webhook(world: World, command: RemoveWebhook, actor: Actor, now: datetime) -> Webhook:
    webhook = _own(world, command.webhook_id, actor)
    removed = world.put(advance(webhook, WebhookState.REMOVED))
    world.put(replace(world.get(WebhookSecret, webhook.id), secret=""))
    for each in _of(world, webhook, DeliveryState.HELD):
        world.put(advance(each, DeliveryState.DROPPED))
    return removed


@handles(*MANAGERS, own=MANAGERS)
def ping_webhook(
    world: World, command: PingWebhook, actor: Actor, now: datetime
) -> WebhookDelivery:
    """Raises `webhook_not_active` for one that is paused or removed."""
    webhook = _active(_own(world, command.webhook_id, actor))
    said = Message(topic=PING, subject=webhook.id, payload={"webhook_id": webhook.id}, at=now)
    return _record(world, webhook, next_id(world, "PING"), said, now)


@handles(*MANAGERS, own=MANAGERS)
def redeliver_webhook(
    world: World, command: RedeliverWebhook, actor: Actor, now: datetime
) -> WebhookDelivery:
    """Raises `illegal_transition` for what is still on its way, `webhook_not_active`."""
    world.lock((WebhookDelivery, command.delivery_id))
    delivery = world.seek(WebhookDelivery, command.delivery_id)
    if delivery is None:
        raise not_found("WebhookDelivery", command.delivery_id)
    _require_manager(actor, delivery.organisation_id, "WebhookDelivery", delivery.id)
    again = webhooks.deliver_again(delivery)
    _active(world.get(Webhook, delivery.webhook_id))
    again = world.put(again)
    _queue(world, again, now)
    return again


# --- what a message becomes -----------------------------------------------------------------


@receives(ALL_TOPICS, name="webhooks")
def record_deliveries(world: World, message: OutboxMessage, now: datetime) -> None:
    """One delivery for each webhook that hears of it, unless it is there already."""
    for webhook in _hearing(world, message):
        if world.seek(WebhookDelivery, webhooks.delivery_id(message.id, webhook.id)) is None:
            _record(world, webhook, message.id, Message.of(message), now)


def _hearing(world: World, message: OutboxMessage) -> Iterator[Webhook]:
    topic = TOPICS.get(message.topic)
    active = world.find(Webhook, state=WebhookState.ACTIVE) if topic else ()
    if topic is None or not active:
        return
    owners = owners_of(world, topic, message)
    for webhook in active:
        kind = world.get(Organisation, webhook.organisation_id).kind
        owner = webhook.organisation_id in owners
        if webhooks.hears(kind, topic, owner=owner, wanted=webhook.topics):
            yield webhook


def _record(
    world: World, webhook: Webhook, message_id: str, said: Message, now: datetime
) -> WebhookDelivery:
    node = world.get(NodeSettings, NODE_ID)
    id = webhooks.delivery_id(message_id, webhook.id)
    body = webhooks.body_of(
        id,
        topic=said.topic,
        subject=said.subject,
        payload=outside_payload(said.payload),
        at=said.at,
        city=node.city,
        rehearsal=node.rehearsal,
    )
    delivery = world.put(
        WebhookDelivery(
            id=id,
            webhook_id=webhook.id,
            organisation_id=webhook.organisation_id,
            message_id=message_id,
            topic=said.topic,
            subject=said.subject,
            body=body,
            at=said.at,
        )
    )
    _queue(world, delivery, now)
    return delivery


# --- the steps of a delivery ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    """An attempt that is begun: what to send, where to, and what to sign it with."""

    delivery: WebhookDelivery
    url: str
    secret: str


def begin_delivery(world: World, id: str, now: datetime) -> Parcel | None:
    """Mark an attempt begun, before anything is sent; None when nothing is left to send."""
    world.lock((WebhookDelivery, id))
    delivery = world.get(WebhookDelivery, id)
    if delivery.state is not DeliveryState.WAITING:
        return None
    webhook = world.get(Webhook, delivery.webhook_id)
    if webhook.state is not WebhookState.ACTIVE:
        paused = webhook.state is WebhookState.PAUSED
        to = DeliveryState.HELD if paused else DeliveryState.DROPPED
        world.put(advance(delivery, to, due_at=None))
        return None
    begun = world.put(webhooks.begin(delivery, now))
    return Parcel(begun, webhook.url, world.get(WebhookSecret, webhook.id).secret)


def end_delivery(
    world: World, id: str, answer: Answer, now: datetime, backoff: Backoff
) -> WebhookDelivery:
    """Write down what an attempt came to; who subscribed is told when it was the last one."""
    world.lock((WebhookDelivery, id))
    delivery = world.get(WebhookDelivery, id)
    if delivery.state is not DeliveryState.WAITING:
        return delivery
    again = now + backoff.rest(delivery.failures + 1)
    settled = world.put(webhooks.settle(delivery, answer, now, again, backoff.attempts))
    if settled.state is DeliveryState.DEAD:
        payload = {
            "delivery_id": id,
            "webhook_id": settled.webhook_id,
            "organisation_id": settled.organisation_id,
        }
        world.outbox(
            Message(topic="webhook_dead", subject=settled.webhook_id, payload=payload, at=now)
        )
    return settled


def _queue(world: World, delivery: WebhookDelivery, now: datetime) -> None:
    world.outbox(Message(topic=WEBHOOK_DELIVERY, subject=delivery.id, payload={}, at=now))


def _of(world: World, webhook: Webhook, state: DeliveryState) -> tuple[WebhookDelivery, ...]:
    return world.find(WebhookDelivery, webhook_id=webhook.id, state=state)


def _own(world: World, id: str, actor: Actor) -> Webhook:
    world.lock((Webhook, id))
    webhook = world.seek(Webhook, id)
    if webhook is None:
        raise not_found("Webhook", id)
    _require_manager(actor, webhook.organisation_id, "Webhook", id)
    return webhook


def _require_manager(actor: Actor, organisation_id: str, kind: str, id: str) -> None:
    """Raise `not_found` unless the actor manages that organisation's webhooks: an office of a
    county has none, for the city's hear of everything."""
    held = (
        grant
        for grant in actor.grants
        if grant.organisation_id == organisation_id and grant.for_city
    )
    if actor is not SYSTEM and not any(grant.role in MANAGERS for grant in held):
        raise not_found(kind, id)


def _active(webhook: Webhook) -> Webhook:
    if webhook.state is not WebhookState.ACTIVE:
        raise webhook_not_active(webhook.id, webhook.state)
    return webhook


def _said(label: str) -> str:
    if not label.strip():
        raise bad_value("label", "say which machine it is")
    return label.strip()
