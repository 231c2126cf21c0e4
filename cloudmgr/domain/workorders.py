"""Work orders (工单): what a provider is asked to do for a request, closed by a delivery list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.allocations_papers import ReleasePapers
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class WorkOrderState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"


class WorkOrderAction(StrEnum):
    PROVISION = "provision"
    RESIZE = "resize"
    RENEW = "renew"
    RELEASE = "release"
    REWORK = "rework"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of a delivery list (交付清单); a release brings its papers."""

    line: int
    provider_resource_id: str
    note: str = ""
    papers: ReleasePapers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder(Value):
    """工单 for the lines of a request that one pool provides."""

    request_id: str
    pool_id: str
    provider_id: str
    action: WorkOrderAction
    lines: tuple[int, ...]
    opened_at: datetime
    due_at: datetime
    accepted_at: datetime | None = None
    done_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    refusal: str = ""
    state: WorkOrderState = WorkOrderState.OPEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "WorkOrder",
        {
            WorkOrderState.OPEN: ("待接单", (WorkOrderState.ACCEPTED, WorkOrderState.REFUSED)),
            WorkOrderState.ACCEPTED: ("处理中", (WorkOrderState.DONE, WorkOrderState.REFUSED)),
            WorkOrderState.DONE: ("已完成", ()),
            WorkOrderState.REFUSED: ("已拒绝", ()),
        },
    )
