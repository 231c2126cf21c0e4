"""A worker's turns with deliveries: rests, death, pausing in between, a receiver left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.webhooks import Answer, DeliveryState, Webhook, WebhookDelivery
from cloudmgr.services.leases import Workshop
from cloudmgr.services.webhooks import (
    WEBHOOK_DELIVERY,
    PauseWebhook,
    PingWebhook,
    RedeliverWebhook,
    ResumeWebhook,
    SubscribeWebhook,
)
from cloudmgr.services.worker import Worker
from cloudmgr.webhooks import sender
from cloudmgr.webhooks.sender import Posting
from tests.contract.workshop import Machine
from tests.support.worlds import Town, a_town


class Line:
    """What the receiver answers, and what it was sent."""

    def __init__(self) -> None:
        self.answer = Answer(204)
        self.sent: list[tuple[str, Mapping[str, str], str]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: str, limits: Any) -> Answer:
        self.sent.append((url, headers, body))
        return self.answer

    @property
    def ids(self) -> list[str]:
        return [headers["Cloudmgr-Delivery"] for _, headers, _ in self.sent]


class Bench:
    """A town with one webhook, a worker, and both clocks in hand."""

    def __init__(self, line: Line, attempts: int, rest_seconds: int = 0) -> None:
        self.town: Town = a_town()
        self.line = line
        self.machine = Machine()
        self.posting = Posting(
            backoff=Backoff(first_seconds=10, longest_seconds=20, attempts=attempts),
            rest_seconds=rest_seconds,
        )
        shop = Workshop(node=self.town, clock=self.machine, outside=self)
        self.worker = Worker(shop, "w")
        self.webhook: Webhook = self.town.give(
            SubscribeWebhook(
                organisation_id="health", label="oa", url="https://oa.example", secret="cmw_s"
            ),
            "health.lead",
        )

    def ping(self) -> WebhookDelivery:
        made: WebhookDelivery = self.give(PingWebhook(webhook_id=self.webhook.id))
        return made

    def give(self, command: Any) -> Any:
        return self.town.give(command, "health.lead")

    def work(self, after_seconds: int = 0) -> None:
        self.machine.goes_on(after_seconds)
        self.worker.run_until_idle()

    def look(self, delivery: WebhookDelivery) -> WebhookDelivery:
        found: WebhookDelivery = self.town.look(WebhookDelivery, delivery.id)
        return found

    def messages(self) -> set[MessageState]:
        return {each.state for each in self.town.all(OutboxMessage, topic=WEBHOOK_DELIVERY)}


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    monkeypatch.setattr(sender, "post", made)
    return made


def test_a_delivery_is_sent_once_signed_with_its_own_secret_and_is_done(line: Line) -> None:
    bench = Bench(line, attempts=3)
    ping = bench.ping()
    bench.work()
    ((url, headers, body),) = line.sent
    assert (url, body) == ("https://oa.example", ping.body)
    assert headers["Cloudmgr-Timestamp"] == str(int(bench.machine().timestamp()))
    assert bench.look(ping).state is DeliveryState.DELIVERED
    assert bench.messages() == {MessageState.SENT}
    bench.work(3600)
    assert len(line.sent) == 1


def test_failures_rest_longer_each_time_until_the_delivery_is_dead_and_a_person_helps(
    line: Line,
) -> None:
    bench = Bench(line, attempts=3)
    line.answer = Answer(503)
    ping = bench.ping()
    for rest, attempts in ((0, 1), (9, 1), (1, 2), (19, 2), (1, 3), (9999, 3)):
        bench.work(rest)
        assert len(line.sent) == attempts
    assert bench.look(ping).state is DeliveryState.DEAD
    assert bench.messages() == {MessageState.SENT}, "a dead delivery is no dead letter of the node"
    line.answer = Answer(200)
    bench.give(RedeliverWebhook(delivery_id=ping.id))
    bench.work()
    assert bench.look(ping).state is DeliveryState.DELIVERED
    assert set(line.ids) == {ping.id}


def test_pausing_between_two_attempts_holds_the_delivery_until_it_goes_on(line: Line) -> None:
    bench = Bench(line, attempts=9)
    line.answer = Answer(None, "no answer")
    ping = bench.ping()
    bench.work()
    bench.give(PauseWebhook(webhook_id=bench.webhook.id))
    bench.work(3600)
    assert len(line.sent) == 1
    assert bench.look(ping).state is DeliveryState.HELD
    line.answer = Answer(204)
    bench.give(ResumeWebhook(webhook_id=bench.webhook.id))
    bench.work()
    assert bench.look(ping).state is DeliveryState.DELIVERED


def test_a_receiver_that_keeps_failing_is_left_alone_while_its_other_deliveries_rest(
    line: Line,
) -> None:
    bench = Bench(line, attempts=99, rest_seconds=3600)
    line.answer = Answer(None, "no answer")
    pings = [bench.ping() for _ in range(8)]
    bench.work()
    assert len(line.sent) == 3, "the others were not tried on a line that is down"
    untried = [each for each in pings if each.id not in line.ids]
    assert {bench.look(each).attempts for each in untried} == {0}
    bench.posting.breaker(bench.webhook.id).succeeded()
    line.answer = Answer(204)
    bench.work(3600)
    assert {bench.look(each).state for each in pings} == {DeliveryState.DELIVERED}
