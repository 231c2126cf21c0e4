"""Orders to a pool: what was ordered under which key, and what became of it.

Owns an order's life. The id is the idempotency key, written down before anything is sent, so that
whoever takes the order up after a crash asks for it under the same key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.quantity import ResourceAmount
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.pools_interface import OrderAction
from cloudmgr.domain.values import Value


class PoolOrderState(StrEnum):
    """`sent` from before the first attempt on: from then it may have arrived."""

    QUEUED = "queued"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


OPEN = (PoolOrderState.QUEUED, PoolOrderState.SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOrder(Value):
    """下发指令: one order for one line of a request.

    `work_order_id` is the work order it answers, empty where it takes something back. `unwanted`
    when the request ended otherwise meanwhile: what it makes is taken back at once. `problem` is
    why its end is not known yet, `decided_by` the person who found out where the pool did not say.
    """

    pool_id: str
    provider_id: str
    request_id: str
    line: int
    work_order_id: str
    allocation_id: str
    action: OrderAction
    sku_id: str
    quantity: int
    amounts: tuple[ResourceAmount, ...]
    zone: Zone
    created_at: datetime
    resource_id: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    unwanted: bool = False
    problem: str = ""
    decided_by: str = ""
    state: PoolOrderState = PoolOrderState.QUEUED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "PoolOrder",
        {
            PoolOrderState.QUEUED: (
                "待下发",
                (PoolOrderState.SENT, PoolOrderState.REFUSED, PoolOrderState.SUCCEEDED),
            ),
            PoolOrderState.SENT: (
                "已下发",
                (PoolOrderState.SUCCEEDED, PoolOrderState.REFUSED),
            ),
            PoolOrderState.SUCCEEDED: ("已完成", ()),
            PoolOrderState.REFUSED: ("未完成", ()),
        },
    )

    @property
    def open(self) -> bool:
        return self.state in OPEN


def order_key(prefix: str, request_id: str, line: int, action: OrderAction, number: int) -> str:
    """The key of the `number`th order of an action for a line; another order, another key."""
    return f"{prefix}{request_id}.{line}.{action}.{number}"


def begin(order: PoolOrder, now: datetime) -> PoolOrder:
    """From here on it may have reached the pool."""
    return advance(order, PoolOrderState.SENT, begun_at=now)


def succeed(order: PoolOrder, resource_id: str, now: datetime) -> PoolOrder:
    return advance(
        order, PoolOrderState.SUCCEEDED, resource_id=resource_id, ended_at=now, problem=""
    )


def refuse(order: PoolOrder, why: str, now: datetime) -> PoolOrder:
    """It was not done, and will not be."""
    return advance(order, PoolOrderState.REFUSED, ended_at=now, problem=why)


def standing(orders: Iterable[PoolOrder], action: OrderAction) -> PoolOrder | None:
    """The order of a line that a retry goes on with: one that was done or may have been."""
    kept = [
        each
        for each in orders
        if each.action is action
        and each.work_order_id
        and not each.unwanted
        and each.state is not PoolOrderState.REFUSED
    ]
    return max(kept, key=lambda each: each.created_at, default=None)


def move_to(order: PoolOrder, work_order_id: str) -> PoolOrder:
    """A retry opened another work order for the same line; the order itself goes on."""
    return replace(order, work_order_id=work_order_id)
