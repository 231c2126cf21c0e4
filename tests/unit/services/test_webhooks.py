"""Webhooks of organisations: who subscribes, what is recorded for whom, pausing, redelivering."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.notifications import Notification
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.webhooks import (
    Answer,
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)
from cloudmgr.services import outbox
from cloudmgr.services.leases import Workshop
from cloudmgr.services.reading import page, read
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.webhooks import (
    MOST,
    WEBHOOK_DELIVERY,
    EditWebhook,
    PauseWebhook,
    PingWebhook,
    RedeliverWebhook,
    RemoveWebhook,
    RenewWebhookSecret,
    ResumeWebhook,
    SubscribeWebhook,
    begin_delivery,
    end_delivery,
    record_deliveries,
)
from cloudmgr.services.worker import Worker
from cloudmgr.services.world import Message
from tests.support.worlds import Town, a_town

BACKOFF = Backoff(first_seconds=10, longest_seconds=20, attempts=2)
GOOD, BAD = Answer(204), Answer(500)


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    """Nobody sends here, whatever the other tests have loaded."""
    monkeypatch.delitem(outbox.RECEIVERS, "webhook", raising=False)
    return a_town()


def a_subscription(
    *,
    organisation_id: str = "health",
    topics: tuple[str, ...] = (),
    url: str = "https://oa.example",
) -> SubscribeWebhook:
    return SubscribeWebhook(
        organisation_id=organisation_id, label="oa", url=url, topics=topics, secret="cmw_secret"
    )


def subscribed(town: Town, by: str, organisation_id: str, *topics: str) -> Webhook:
    made: Webhook = town.give(a_subscription(organisation_id=organisation_id, topics=topics), by)
    return made


def say(town: Town, topic: str, subject: str = "S-1", **payload: Any) -> None:
    with town.transaction() as world:
        world.outbox(Message(topic=topic, subject=subject, payload=payload, at=town.now))


def work(town: Town) -> None:
    """Everything but sending, which is the edge's."""
    Worker(Workshop(node=town, clock=lambda: town.now), "w").run_until_idle()


def deliveries(town: Town, webhook: Webhook) -> list[WebhookDelivery]:
    return list(town.all(WebhookDelivery, webhook_id=webhook.id))


def tried(town: Town, delivery: WebhookDelivery, answer: Answer) -> WebhookDelivery | None:
    with town.transaction() as world:
        parcel = begin_delivery(world, delivery.id, town.now)
    if parcel is None:
        return None
    with town.transaction() as world:
        return end_delivery(world, delivery.id, answer, town.now, BACKOFF)


def queued(town: Town) -> list[str]:
    found = town.all(OutboxMessage, topic=WEBHOOK_DELIVERY, state=MessageState.QUEUED)
    return [each.subject for each in found]


def test_each_organisation_is_sent_its_own_things_and_the_citys_offices_all(town: Town) -> None:
    own = subscribed(town, "health.lead", "health")
    other = subscribed(town, "transport.lead", "transport")
    provider = subscribed(town, "prv.engineer", "prv")
    rival = subscribed(town, "rival.engineer", "rival")
    office = subscribed(town, "centre.a", "centre")
    say(town, "statement_issued", department_id="health", total="12.00")
    say(town, "pool_alarm", pool_id="x86", provider_id="prv", alarm_id="A-1")
    say(town, "catalog_in_force", catalog_version_id="2026")
    say(town, "sign_in_blocked", "User/health.user", attempts_id="x", until="y")
    work(town)
    heard = {each.id: [d.topic for d in deliveries(town, each)] for each in town.all(Webhook)}
    assert heard == {
        own.id: ["statement_issued", "catalog_in_force"],
        other.id: ["catalog_in_force"],
        provider.id: ["pool_alarm", "catalog_in_force"],
        rival.id: ["catalog_in_force"],
        office.id: ["statement_issued", "pool_alarm", "catalog_in_force"],
    }
    assert len(queued(town)) == 9


def test_what_is_sent_holds_ids_and_says_which_node_and_that_it_is_a_rehearsal(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health", "statement_issued")
    say(town, "statement_issued", department_id="health", total="12.00", user_ids=["health.user"])
    work(town)
    (delivery,) = deliveries(town, webhook)
    assert json.loads(delivery.body) == {
        "version": 1,
        "id": delivery.id,
        "topic": "statement_issued",
        "subject": "S-1",
        "payload": {"department_id": "health"},
        "at": town.now.isoformat(),
        "city": "test",
        "rehearsal": True,
    }


def test_only_an_organisations_own_people_manage_its_webhooks_and_no_countys_office_does(
    town: Town,
) -> None:
    webhook = subscribed(town, "health.lead", "health")
    for command in (
        EditWebhook(webhook_id=webhook.id, label="mine", topics=()),
        PauseWebhook(webhook_id=webhook.id),
        RemoveWebhook(webhook_id=webhook.id),
        PingWebhook(webhook_id=webhook.id),
        RenewWebhookSecret(webhook_id=webhook.id, secret="cmw_other"),
    ):
        for stranger in ("transport.lead", "prv.engineer", "centre.a"):
            assert town.code(command, stranger) == "not_found"
    assert town.code(a_subscription(organisation_id="transport"), "health.lead") == "not_found"
    county = a_subscription(organisation_id="county-treasury")
    assert town.code(county, "county-treasury.a") == "forbidden"
    assert town.code(county, "treasury.a") == "not_found"


def test_nobody_reads_a_secret_and_nobody_foreign_a_webhook_or_delivery(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    delivery = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    with town.reading() as world:
        for who in ("health.lead", "centre.a", "bureau.audit"):
            assert page(world, actor_of(world, who), WebhookSecret).items == ()
        assert page(world, actor_of(world, "health.lead"), Webhook).items == (webhook,)
        for kind, id in ((Webhook, webhook.id), (WebhookDelivery, delivery.id)):
            read(world, actor_of(world, "health.lead"), kind, id)
            for who in ("transport.lead", "prv.engineer"):
                with pytest.raises(CloudmgrError, match="not_found"):
                    read(world, actor_of(world, who), kind, id)
    assert all(
        "secret" not in name for name in Webhook.__dataclass_fields__ if name != "secret_since"
    )


def test_addresses_topics_and_numbers_are_checked_when_subscribing(town: Town) -> None:
    assert town.code(a_subscription(url="http://oa.example"), "health.lead") == "bad_webhook_url"
    for topic in ("no_such_topic", "sign_in_blocked", "pool_order"):
        assert town.code(a_subscription(topics=(topic,)), "health.lead") == "bad_value"
    for _ in range(MOST):
        subscribed(town, "health.lead", "health")
    assert town.code(a_subscription(), "health.lead") == "too_many_webhooks"
    town.give(RemoveWebhook(webhook_id=town.all(Webhook)[0].id), "health.lead")
    subscribed(town, "health.lead", "health")


def test_a_message_brought_twice_is_recorded_once(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    say(town, "statement_issued", department_id="health")
    work(town)
    (message,) = town.all(OutboxMessage, topic="statement_issued")
    with town.transaction() as world:
        record_deliveries(world, message, town.now)
    assert len(deliveries(town, webhook)) == 1
    assert len(queued(town)) == 1


def test_a_paused_webhook_holds_what_was_on_its_way_and_hears_nothing_new(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    ping = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    town.give(PauseWebhook(webhook_id=webhook.id), "health.lead")
    assert tried(town, ping, GOOD) is None
    assert town.look(WebhookDelivery, ping.id).state is DeliveryState.HELD
    say(town, "statement_issued", department_id="health")
    work(town)
    assert [each.id for each in deliveries(town, webhook)] == [ping.id]
    assert town.code(PingWebhook(webhook_id=webhook.id), "health.lead") == "webhook_not_active"
    before = queued(town)
    town.give(ResumeWebhook(webhook_id=webhook.id), "health.lead")
    assert queued(town) == [*before, ping.id]
    arrived = tried(town, ping, GOOD)
    assert arrived is not None
    assert arrived.state is DeliveryState.DELIVERED


def test_a_removed_webhook_forgets_its_secret_and_drops_what_was_not_delivered(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    ping = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    town.give(RemoveWebhook(webhook_id=webhook.id), "health.lead")
    assert town.look(WebhookSecret, webhook.id).secret == ""
    assert tried(town, ping, GOOD) is None
    assert town.look(WebhookDelivery, ping.id).state is DeliveryState.DROPPED
    assert town.code(ResumeWebhook(webhook_id=webhook.id), "health.lead") == "illegal_transition"
    renew = RenewWebhookSecret(webhook_id=webhook.id, secret="x")
    assert town.code(renew, "health.lead") == "webhook_not_active"


def test_a_dead_delivery_is_told_to_its_people_and_sent_again_under_its_id(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    ping = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    redeliver = RedeliverWebhook(delivery_id=ping.id)
    assert town.code(redeliver, "health.lead") == "illegal_transition"
    first = tried(town, ping, BAD)
    assert first is not None
    assert first.due_at == town.now + timedelta(seconds=10)
    dead = tried(town, ping, BAD)
    assert dead is not None
    assert dead.state is DeliveryState.DEAD
    work(town)
    told = town.all(Notification, topic="webhook_dead")
    assert {each.user_id for each in told} == {"health.lead", "health.both"}
    assert len(deliveries(town, webhook)) == 1, "its failing is no news for the machine itself"
    assert town.code(redeliver, "transport.lead") == "not_found"
    town.give(redeliver, "health.lead")
    arrived = tried(town, ping, GOOD)
    assert arrived is not None
    assert (arrived.id, arrived.attempts) == (ping.id, 3)


def test_an_attempt_whose_end_was_lost_is_made_again_and_one_that_arrived_is_not(
    town: Town,
) -> None:
    webhook = subscribed(town, "health.lead", "health")
    ping = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    with town.transaction() as world:
        begin_delivery(world, ping.id, town.now)  # and the worker dies
    arrived = tried(town, ping, GOOD)
    assert arrived is not None
    assert arrived.attempts == 2
    assert tried(town, ping, GOOD) is None


def test_a_new_secret_signs_from_then_on(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    town.give(RenewWebhookSecret(webhook_id=webhook.id, secret="cmw_new"), "health.lead")
    ping = town.give(PingWebhook(webhook_id=webhook.id), "health.lead")
    with town.transaction() as world:
        parcel = begin_delivery(world, ping.id, town.now)
    assert parcel is not None
    assert parcel.secret == "cmw_new"


def test_commands_about_webhooks_stand_in_the_audit_without_their_secrets(town: Town) -> None:
    webhook = subscribed(town, "health.lead", "health")
    town.give(RemoveWebhook(webhook_id=webhook.id), "health.lead")
    events: list[AuditEvent] = list(town.events)[-2:]
    assert [each.command for each in events] == ["subscribe_webhook", "remove_webhook"]
    assert all(each.subject == f"Webhook/{webhook.id}" for each in events)
    assert "cmw_secret" not in repr(town.events)
