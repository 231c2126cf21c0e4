"""The head of the audit chain, written down at the end of every day and sent outside.

Owns the daily record; appending is `world.audit`, verifying `domain.audit`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.period import local_day, midnight
from cloudmgr.domain.audit import AuditHead
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.world import Message, World

DUE = "audit_head"


def begin_heads(world: World, now: datetime) -> None:
    """Let the node write down its head at the end of this day and of every later one."""
    timers.schedule(world, DUE, NODE_ID, midnight(local_day(now) + timedelta(days=1)))


@timers.on_timer(DUE)
def write_head(world: World, timer: Timer, at: datetime) -> None:
    """The day before `at` is over: keep its head, send it out, and wait for the next."""
    begin_heads(world, at)
    last = world.audit_head()
    if last is None:
        return
    day = local_day(at - timedelta(seconds=1))
    head = world.put(
        AuditHead(
            id=day.isoformat(),
            day=day,
            sequence=last.sequence,
            hash=last.hash,
            digest=world.get(NodeSettings, NODE_ID).audit_digest,
        )
    )
    payload = {"day": head.id, "sequence": head.sequence, "hash": head.hash}
    world.outbox(Message(topic="audit_head", subject=head.id, payload=payload, at=at))
