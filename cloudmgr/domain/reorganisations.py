"""Reorganisations (机构改革): departments merge, split, or hand systems over at a midnight.

Owns what is decided beforehand, how money and limits are shared, and the record of what moved;
gathering and moving it is the services'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.money import ZERO, Yuan, round_half_away
from catalog.quantity import ResourceClass
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.values import Value

_TICK = timedelta(microseconds=1)


class ReorganisationKind(StrEnum):
    MERGE = "merge"
    SPLIT = "split"
    HAND_OVER = "hand_over"

    @property
    def label_zh(self) -> str:
        return {"merge": "合并", "split": "分设", "hand_over": "划转"}[self.value]


class ReorganisationState(StrEnum):
    PLANNED = "planned"
    CARRIED_OUT = "carried_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What goes from one department to another: the systems named, else all that are left (then
    rooms, networks and what is left of the budget go along).

    `budget` is how much approved money goes; None: as much as is committed for what moves.
    """

    from_department_id: str
    to_department_id: str
    application_ids: tuple[str, ...] = ()
    budget: Yuan | None = None

    @property
    def whole(self) -> bool:
        return not self.application_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaMoved:
    """Units of one class that moved from department to department, and of the limit."""

    resource_class: ResourceClass
    allocated: int
    reserved: int
    limit_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMoved:
    """Money of one year that moved (调剂), and what of it was committed for what moved."""

    year: int
    from_budget_id: str
    to_budget_id: str
    committed: Yuan
    approved: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one transfer moves, or has moved. Requests that were being signed go back first."""

    from_department_id: str
    to_department_id: str
    application_ids: tuple[str, ...] = ()
    allocation_ids: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    returned_request_ids: tuple[str, ...] = ()
    machine_room_ids: tuple[str, ...] = ()
    network_ids: tuple[str, ...] = ()
    pool_ids: tuple[str, ...] = ()
    grant_ids: tuple[str, ...] = ()
    quotas: tuple[QuotaMoved, ...] = ()
    budgets: tuple[BudgetMoved, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorganisation(Value):
    """机构改革 by a document: its transfers take effect together at a Shanghai midnight.

    `ends` are the departments that are no more then; `moved` says what moved, once it did.
    """

    kind: ReorganisationKind
    document_number: str
    effective_at: datetime
    transfers: tuple[Transfer, ...]
    ends: tuple[str, ...]
    recorded_by: str
    recorded_at: datetime
    moved: tuple[Moved, ...] = ()
    reason: str = ""
    ended_at: datetime | None = None
    state: ReorganisationState = ReorganisationState.PLANNED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Reorganisation",
        {
            ReorganisationState.PLANNED: (
                "待生效",
                (ReorganisationState.CARRIED_OUT, ReorganisationState.CANCELLED),
            ),
            ReorganisationState.CARRIED_OUT: ("已生效", ()),
            ReorganisationState.CANCELLED: ("已取消", ()),
        },
    )

    @property
    def departments(self) -> frozenset[str]:
        return frozenset(
            id for each in self.transfers for id in (each.from_department_id, each.to_department_id)
        )


def check_transfers(transfers: Sequence[Transfer]) -> None:
    """Raise `bad_value` unless every transfer goes to another department, no system goes twice
    and nothing follows a transfer of all that is left."""
    emptied: set[str] = set()
    named: set[str] = set()
    for each in transfers:
        if each.from_department_id == each.to_department_id:
            raise bad_value("to_department_id", "a transfer goes from one department to another")
        if each.from_department_id in emptied:
            raise bad_value("transfers", f"nothing is left of {each.from_department_id} by then")
        if each.whole:
            emptied.add(each.from_department_id)
        if each.budget is not None and each.budget < 0:
            raise bad_value("budget", "money that goes along is 0 or more")
        twice = named & set(each.application_ids)
        if twice or len(set(each.application_ids)) < len(each.application_ids):
            raise bad_value("application_ids", "a system goes to one department only")
        named |= set(each.application_ids)


def share_before(amount: Decimal, start: datetime, at: datetime, end: datetime) -> Decimal:
    """What of an amount for [start, end) is for the days before `at`, to the fen; the rest of the
    amount is for those from `at` on, so that nothing is lost."""
    if at <= start or end <= start:
        return ZERO
    if at >= end:
        return amount
    before, whole = (at - start) // _TICK, (end - start) // _TICK
    return round_half_away(Fraction(amount) * Fraction(before, whole))


def budget_that_goes(
    left: Decimal, committed: Decimal, asked: Decimal | None, *, whole: bool
) -> Decimal:
    """How much approved money goes, of what is `left` once `committed` no longer binds it: all of
    it where everything goes, else what was asked or is committed. Never what binds others."""
    wanted = left if whole else min(committed if asked is None else asked, left)
    return max(wanted, ZERO)


def without(quota: Quota, allocated: int, reserved: int) -> Quota:
    return replace(quota, allocated=quota.allocated - allocated, reserved=quota.reserved - reserved)


def with_more(quota: Quota, allocated: int, reserved: int) -> Quota:
    return without(quota, -allocated, -reserved)


def limit_that_goes(giver: Quota, systems: Iterable[Quota], committed: int, *, whole: bool) -> int:
    """How much of a department's limit goes along: all where everything goes, else for every
    system its own limit, and what is committed where it has none. Nothing without a limit."""
    if giver.limit_units is None or not giver.limited:
        return 0
    if whole:
        return giver.limit_units
    own = [each for each in systems if each.limit_units is not None and each.limited]
    by_limit = sum(max(each.limit_units or 0, each.committed) for each in own)
    unlimited = committed - sum(each.committed for each in own)
    return min(by_limit + unlimited, giver.limit_units)
