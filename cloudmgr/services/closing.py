"""The month's close over transactions, as the API, the command line and the memory driver run it.

Owns the loop and its audit; the steps are `periods.close_step`. Killed anywhere and called again,
it goes on behind its last commit.
"""

from __future__ import annotations

from datetime import datetime

from cloudmgr.domain.access import Actor
from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.services.commands import HANDLERS
from cloudmgr.services.periods import PAGE_SIZE, ClosePeriod, audit_close, close_step
from cloudmgr.services.rating import Usage
from cloudmgr.services.usage import hourly_sums
from cloudmgr.services.world import Node


def close_period(
    node: Node,
    command: ClosePeriod,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    *,
    page_size: int = PAGE_SIZE,
    usage: Usage = hourly_sums,
) -> BillingPeriod:
    """Close a month, one commit per step; returns the closed period.

    Raises `forbidden`, `grace_running`, `period_closed`, `period_not_closed` (an earlier one), or
    `unpriced` naming every resource without a price: then the pages rated before stay, and a
    repeated call goes on with the rest.
    """
    HANDLERS[ClosePeriod].authorise(actor)
    while True:
        with node.transaction() as world:
            begun = world.get(BillingPeriod, command.month).closing_at is not None
            period = close_step(world, command, now, page_size=page_size, usage=usage)
            if not begun or period.state is PeriodState.CLOSED:
                audit_close(world, period, actor, now, request_id)
        if period.state is PeriodState.CLOSED:
            return period
