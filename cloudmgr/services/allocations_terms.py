"""Terms of running resources: reminders before their end, and the lists of what has outlived it.

Nothing stops by itself at its end: people are reminded, then it is a finding. One timer per
allocation waits for its next reminder, so that a renewal or another policy needs no sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.period import local_day, midnight
from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.policy_allocations import AllocationRules
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.policies import allocation_rules
from cloudmgr.services.reading import Page, page
from cloudmgr.services.world import Le, Message, World

TERM_WATCH = "term_watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTerm:
    """A finding: a resource that runs on after its term. A temporary one is overdue (超期) and may
    be reclaimed; anything else needs a renewal or a release."""

    allocation_id: str
    department_id: str
    application_id: str
    pool_id: str
    provider_id: str
    sku_id: str
    quantity: int
    temporary: bool
    renewals: int
    term_end: datetime
    days_past: int


def watch_term(world: World, allocation: Allocation, now: datetime) -> None:
    """Have the next reminder of the allocation's term said; called whenever the term changes."""
    timers.cancel(world, TERM_WATCH, allocation.id)
    due = _next(allocation, allocation_rules(world, now), now)
    if due is not None:
        timers.schedule(world, TERM_WATCH, allocation.id, due)


def watch_terms(world: World, stock: Iterable[Allocation], now: datetime) -> None:
    """`watch_term` of allocations nobody watched before, put at once."""
    rules = allocation_rules(world, now)
    dues = ((each.id, _next(each, rules, now)) for each in stock)
    world.put_many(
        Timer(id=f"{id}|{TERM_WATCH}#0001", kind=TERM_WATCH, subject_id=id, due_at=due)
        for id, due in dues
        if due is not None
    )


@timers.on_timer(TERM_WATCH)
def remind_of_term(world: World, timer: Timer, at: datetime) -> None:
    allocation = world.get(Allocation, timer.subject_id)
    ends = allocation.term_end
    if ends is None or allocation.state not in RUNNING or allocation.parallel_until is not None:
        return
    if at >= ends:
        topic = "temporary_overdue" if allocation.temporary else "allocation_past_term"
    else:
        topic = "temporary_expiry_notice" if allocation.temporary else "term_reminder"
    payload = {
        "allocation_id": allocation.id,
        "department_id": allocation.department_id,
        "application_id": allocation.application_id,
        "term_end": ends.isoformat(),
        "days_left": max((local_day(ends) - local_day(at)).days, 0),
    }
    world.outbox(Message(topic=topic, subject=allocation.id, payload=payload, at=at))
    watch_term(world, allocation, at)


def past_term(
    world: World,
    actor: Actor,
    now: datetime,
    *,
    temporary: bool,
    after: str = "",
    limit: int = 50,
    **where: Any,
) -> Page[Allocation]:
    """What runs past its term, of what the actor may see; temporary resources are a list of their
    own."""
    return page(
        world,
        actor,
        Allocation,
        after=after,
        limit=limit,
        state=RUNNING,
        temporary=temporary,
        term_end=Le(now),
        **where,
    )


def finding(allocation: Allocation, now: datetime) -> PastTerm:
    """An allocation past its term as the finding it is."""
    assert allocation.term_end is not None
    return PastTerm(
        allocation_id=allocation.id,
        department_id=allocation.department_id,
        application_id=allocation.application_id,
        pool_id=allocation.pool_id,
        provider_id=allocation.provider_id,
        sku_id=allocation.sku_id,
        quantity=allocation.quantity,
        temporary=allocation.temporary,
        renewals=allocation.renewals,
        term_end=allocation.term_end,
        days_past=(local_day(now) - local_day(allocation.term_end)).days,
    )


def _next(allocation: Allocation, rules: AllocationRules, now: datetime) -> datetime | None:
    """The next instant at which something is said of the term; None when all was said."""
    return min((each for each in _moments(allocation, rules) if each > now), default=None)


def _moments(allocation: Allocation, rules: AllocationRules) -> Iterator[datetime]:
    if allocation.term_end is None:
        return
    before = rules.temporary_notice_days if allocation.temporary else rules.term_reminder_days
    for days in before:
        yield midnight(local_day(allocation.term_end) - timedelta(days=days))
    yield allocation.term_end
