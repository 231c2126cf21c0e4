"""Brings deliveries out: one message of the outbox is one delivery, until it arrives or is dead.

Owns the order of the steps. An attempt is marked begun in a commit before anything is sent, and
its end in one after; a worker that dies in between leaves a delivery that is sent again, under the
same id. A receiver that keeps failing is asked by one delivery at a time, so that its others cost
the workers nothing.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.webhooks import DeliveryState, WebhookDelivery, headers_of
from cloudmgr.pools.breaker import Breaker
from cloudmgr.services.leases import Held
from cloudmgr.services.outbox import Later, sends
from cloudmgr.services.webhooks import WEBHOOK_DELIVERY, begin_delivery, end_delivery
from cloudmgr.webhooks.posting import PostLimits, post

REST_SECONDS = 15
LONGEST_REST = timedelta(minutes=5)
"""How long a delivery rests at most because another one of its receiver has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What a process needs to send: limits, rests after failures, and who is left alone now."""

    limits: PostLimits = field(default_factory=PostLimits)
    backoff: Backoff = field(default_factory=Backoff)
    rest_seconds: int = REST_SECONDS
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def breaker(self, webhook_id: str) -> Breaker:
        with self._lock:
            if webhook_id not in self._breakers:
                self._breakers[webhook_id] = Breaker(
                    time.monotonic, failures=3, open_seconds=self.rest_seconds
                )
            return self._breakers[webhook_id]


@sends(WEBHOOK_DELIVERY, name="webhook", patient=True)
def send_delivery(held: Held[OutboxMessage], outside: Any) -> Later | None:
    """One attempt; None when the delivery has ended, one way or the other."""
    posting: Posting = outside.posting
    id = held.record.subject
    with held.shop.node.reading() as world:
        known = world.get(WebhookDelivery, id)
    breaker = posting.breaker(known.webhook_id)
    if known.state is DeliveryState.WAITING and not breaker.admit():
        rest = min(posting.backoff.rest(held.record.attempts), LONGEST_REST)
        return Later(round(rest.total_seconds()), "its receiver keeps failing and is left alone")
    with held.transaction() as world:
        parcel = begin_delivery(world, id, held.shop.clock())
    if parcel is None:
        return None
    sent_at = held.shop.clock()
    headers = headers_of(parcel.delivery, parcel.secret, int(sent_at.timestamp()))
    answer = post(parcel.url, headers, parcel.delivery.body, posting.limits)
    (breaker.succeeded if answer.good else breaker.failed)()
    now = held.shop.clock()
    with held.transaction() as world:
        settled = end_delivery(world, id, answer, now, posting.backoff)
    if settled.state is not DeliveryState.WAITING or settled.due_at is None:
        return None
    return Later(max(1, round((settled.due_at - now).total_seconds())), settled.problem)
