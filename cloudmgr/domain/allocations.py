"""What is held and what runs: reservations, allocations and the history of their segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.period import Period
from catalog.quantity import ResourceAmount
from cloudmgr.domain.allocations_elastic import ElasticTerms, ScheduleEntry
from cloudmgr.domain.errors import allocation_leaving
from cloudmgr.domain.lifecycle import Lifecycle, advance, advance_from, lifecycle
from cloudmgr.domain.values import Value


class ReservationState(StrEnum):
    HELD = "held"
    POSTED = "posted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation(Value):
    """预占: what one line of an approved request holds of a pool and of the quota.

    `pool_amounts` and `quota_amounts` differ: a change holds its increase, a relocation the
    whole size in the new pool but no quota.
    """

    request_id: str
    line: int
    pool_id: str
    application_id: str
    department_id: str
    pool_amounts: tuple[ResourceAmount, ...]
    quota_amounts: tuple[ResourceAmount, ...]
    state: ReservationState = ReservationState.HELD
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Reservation",
        {
            ReservationState.HELD: ("预占", (ReservationState.POSTED, ReservationState.RELEASED)),
            ReservationState.POSTED: ("已转分配", ()),
            ReservationState.RELEASED: ("已释放", ()),
        },
    )


class AllocationState(StrEnum):
    RESERVED = "reserved"
    TRIAL = "trial"
    ACTIVE = "active"
    STOPPED = "stopped"
    RELEASED = "released"


class SegmentMode(StrEnum):
    """How a stretch of an allocation's life is billed."""

    TRIAL = "trial"
    CHARGED = "charged"
    STOPPED = "stopped"
    PARALLEL_WAIVED = "parallel_waived"
    PARALLEL_DISCOUNTED = "parallel_discounted"


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start` on the allocation has `quantity` units of `sku_id`, until the next segment."""

    start: datetime
    sku_id: str
    quantity: int
    mode: SegmentMode


@dataclass(frozen=True, slots=True)
class Owner:
    """From `start` on the department is charged, until the next owner."""

    start: datetime
    department_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Value):
    """分配: one delivered resource line of an application in one pool under one contract.

    `segments` is its whole history in order; what is billed reads nothing else. `resources` is
    what it takes of the pool now. Readings count inside [delivered_at, ended_at). `department_id`
    is whose it is now; `owners` is who was charged from when on, empty while there was one only.
    `elastic` is what was approved, `weekly` the plan that runs by itself now. What was relocated
    runs on until `parallel_until` beside `relocated_to`, which has its quota.
    """

    request_id: str | None
    department_id: str
    application_id: str
    pool_id: str
    provider_id: str
    contract_id: str
    sku_id: str
    quantity: int
    resources: tuple[ResourceAmount, ...]
    estimate_units: int = 0
    temporary: bool = False
    provider_resource_id: str = ""
    relocated_from: str | None = None
    delivered_at: datetime | None = None
    trial_until: datetime | None = None
    term_end: datetime | None = None
    ended_at: datetime | None = None
    segments: tuple[Segment, ...] = ()
    owners: tuple[Owner, ...] = ()
    elastic: ElasticTerms | None = None
    weekly: tuple[ScheduleEntry, ...] = ()
    renewals: int = 0
    parallel_until: datetime | None = None
    relocated_to: str | None = None
    state: AllocationState = AllocationState.RESERVED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Allocation",
        {
            AllocationState.RESERVED: (
                "预占",
                (AllocationState.TRIAL, AllocationState.ACTIVE, AllocationState.RELEASED),
            ),
            AllocationState.TRIAL: ("试运行", (AllocationState.ACTIVE, AllocationState.RELEASED)),
            AllocationState.ACTIVE: ("在用", (AllocationState.STOPPED, AllocationState.RELEASED)),
            AllocationState.STOPPED: ("停用", (AllocationState.ACTIVE, AllocationState.RELEASED)),
            AllocationState.RELEASED: ("已退出", ()),
        },
        AllocationState.RESERVED,
        AllocationState.ACTIVE,
    )

    @property
    def life(self) -> Period | None:
        """When readings may arrive; None before delivery. Open lives end at the year 9999."""
        if self.delivered_at is None:
            return None
        return Period(self.delivered_at, self.ended_at or FOREVER)

    @property
    def most(self) -> int:
        """The units it may have without a new request: what a budget commits."""
        return self.elastic.most if self.elastic else self.quantity

    @property
    def counted(self) -> tuple[ResourceAmount, ...]:
        """What it takes of the quota; beside its successor it takes none."""
        return () if self.parallel_until else self.resources


FOREVER = datetime.fromisoformat("9999-12-01T00:00:00+00:00")

RUNNING = (AllocationState.TRIAL, AllocationState.ACTIVE, AllocationState.STOPPED)


def begin_trial(allocation: Allocation, until: datetime, *, charged: bool) -> Allocation:
    """Delivered and accepted: the trial runs from the delivery to `until` unless ended before.

    `charged` where the contract starts billing at the delivery already.
    """
    mode = SegmentMode.CHARGED if charged else SegmentMode.TRIAL
    return advance(
        allocation,
        AllocationState.TRIAL,
        trial_until=until,
        segments=_from(allocation, _delivered(allocation), mode),
    )


def begin_charged(allocation: Allocation) -> Allocation:
    """Delivered without a trial: charged from the delivery on."""
    return advance_from(
        allocation,
        (AllocationState.RESERVED,),
        AllocationState.ACTIVE,
        segments=_from(allocation, _delivered(allocation), SegmentMode.CHARGED),
    )


def end_trial(allocation: Allocation, at: datetime) -> Allocation:
    """The trial was accepted, or its days are over: charged from `at` on."""
    return advance_from(
        allocation,
        (AllocationState.TRIAL,),
        AllocationState.ACTIVE,
        trial_until=at,
        segments=_from(allocation, at, SegmentMode.CHARGED),
    )


def resize(
    allocation: Allocation,
    sku_id: str,
    quantity: int,
    resources: tuple[ResourceAmount, ...],
    at: datetime,
) -> Allocation:
    """A delivered change: other size or quantity from `at` on, in the mode it had at `at`.

    Modes that began since (a trial ended before the change was confirmed) keep their start.
    """
    changed = replace(allocation, sku_id=sku_id, quantity=quantity, resources=resources)
    begun = [segment.mode for segment in allocation.segments if segment.start <= at]
    mode = begun[-1] if begun else SegmentMode.CHARGED
    later = tuple(
        replace(segment, sku_id=sku_id, quantity=quantity)
        for segment in allocation.segments
        if segment.start > at
    )
    return replace(changed, segments=(*_from(changed, at, mode), *later))


def stop(allocation: Allocation, at: datetime) -> Allocation:
    """停用: what is stopped keeps its capacity; which of it is charged on, policy says."""
    require_staying(allocation)
    segments = _from(allocation, at, SegmentMode.STOPPED)
    return advance(allocation, AllocationState.STOPPED, segments=segments)


def start(allocation: Allocation, at: datetime) -> Allocation:
    """启用: charged again from `at` on."""
    require_staying(allocation)
    return advance_from(
        allocation,
        (AllocationState.STOPPED,),
        AllocationState.ACTIVE,
        segments=_from(allocation, at, SegmentMode.CHARGED),
    )


def extend_trial(allocation: Allocation, until: datetime) -> Allocation:
    """A longer trial; raises `illegal_transition` for one that is over."""
    advance_from(allocation, (AllocationState.TRIAL,), AllocationState.ACTIVE)
    return replace(allocation, trial_until=until)


def require_staying(allocation: Allocation) -> None:
    """Raise `allocation_leaving` for what only runs on beside its successor."""
    if allocation.parallel_until is not None:
        raise allocation_leaving(allocation.id, allocation.parallel_until.isoformat())


def run_beside(
    allocation: Allocation,
    successor_id: str,
    at: datetime,
    until: datetime,
    mode: SegmentMode,
) -> Allocation:
    """Relocated: it runs on beside its successor from `at` to `until`; what of it would be charged
    there is billed as `mode`. A trial, and what is stopped, stay what they are."""

    def billed(segment: Segment) -> Segment:
        charged = segment.mode is SegmentMode.CHARGED
        return replace(segment, mode=mode) if charged else segment

    before = [segment for segment in allocation.segments if segment.start < at]
    begun = [segment for segment in allocation.segments if segment.start <= at]
    after = [segment for segment in allocation.segments if segment.start > at]
    inside = [replace(billed(begun[-1]), start=at)] if begun else []
    return replace(
        allocation,
        segments=(*before, *inside, *map(billed, after)),
        parallel_until=until,
        relocated_to=successor_id,
    )


def release(allocation: Allocation, billing_end: datetime) -> Allocation:
    """Ended: billed until `billing_end`, readings after it are quarantined."""
    return advance(allocation, AllocationState.RELEASED, ended_at=billing_end, resources=())


def hand_over(allocation: Allocation, department_id: str, at: datetime) -> Allocation:
    """Another department's from `at` on; what was served before stays with those who had it."""
    before = allocation.owners
    if not before and allocation.delivered_at is not None:
        before = (Owner(allocation.delivered_at, allocation.department_id),)
    kept = tuple(owner for owner in before if owner.start < at)
    owners = (*kept, Owner(at, department_id)) if kept else ()
    return replace(allocation, department_id=department_id, owners=owners)


def owner_at(allocation: Allocation, moment: datetime) -> str:
    """The department charged for what is served at `moment`."""
    begun = [owner for owner in allocation.owners if owner.start <= moment]
    if begun:
        return begun[-1].department_id
    return allocation.owners[0].department_id if allocation.owners else allocation.department_id


def _delivered(allocation: Allocation) -> datetime:
    assert allocation.delivered_at is not None, f"{allocation.id} was never delivered"
    return allocation.delivered_at


def _from(allocation: Allocation, at: datetime, mode: SegmentMode) -> tuple[Segment, ...]:
    kept = tuple(segment for segment in allocation.segments if segment.start < at)
    return (*kept, Segment(at, allocation.sku_id, allocation.quantity, mode))
