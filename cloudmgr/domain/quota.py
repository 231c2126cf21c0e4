"""Quotas: limits that form a tree of any depth, checked on every ancestor that has one.

Regions stand above regions, departments above the units below them, applications below all. Not
set means no own limit; not set up to the root is an error; `UNLIMITED` is explicit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from catalog.quantity import ResourceClass
from cloudmgr.domain.errors import (
    bad_value,
    limit_above_parent,
    quota_exceeded,
    quota_not_set,
)
from cloudmgr.domain.values import Value

UNLIMITED = -1


class QuotaScope(StrEnum):
    REGION = "region"
    DEPARTMENT = "department"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota(Value):
    """配额 of one resource class for one scope; `id` is `<scope id>/<class>`.

    `limit_units` None is not set, `UNLIMITED` (-1) is explicitly without limit.
    """

    scope: QuotaScope
    scope_id: str
    parent_id: str | None
    resource_class: ResourceClass
    limit_units: int | None
    allocated: int = 0
    reserved: int = 0
    COUNTER: ClassVar[bool] = True

    @property
    def committed(self) -> int:
        return self.allocated + self.reserved

    @property
    def limited(self) -> bool:
        return self.limit_units is not None and self.limit_units != UNLIMITED

    @property
    def left(self) -> int | None:
        """Units that may still be committed; None without an own limit."""
        if self.limit_units is None or self.limit_units == UNLIMITED:
            return None
        return self.limit_units - self.committed


class Standing(StrEnum):
    """Whether anything of a class may be had in a scope, by the limits from it up to the root."""

    LIMITED = "limited"
    UNLIMITED = "unlimited"
    NOT_SET = "not_set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What a scope has of one class, and how much more it may take.

    `headroom_units` is the least that the scope and those above it leave (null without any
    limit), `tight_scope_id` the nearest scope that leaves no more than that.
    """

    resource_class: ResourceClass
    standing: Standing
    limit_units: int | None
    allocated: int
    reserved: int
    committed: int
    headroom_units: int | None
    tight_scope_id: str | None


def headroom(own: Quota | None, above: Sequence[Quota], resource_class: ResourceClass) -> Headroom:
    """The scope's own counter (None: it keeps none) and those above it that exist, root last."""
    chain = (*((own,) if own else ()), *above)
    lefts = [(quota.left, quota.scope_id) for quota in chain]
    limits = [(max(left, 0), scope_id) for left, scope_id in lefts if left is not None]
    tight = min(limits, key=lambda each: each[0], default=None)
    standing = Standing.LIMITED
    if tight is None:
        nobody = all(quota.limit_units is None for quota in chain)
        standing = Standing.NOT_SET if nobody else Standing.UNLIMITED
    return Headroom(
        resource_class=resource_class,
        standing=standing,
        limit_units=own.limit_units if own else None,
        allocated=own.allocated if own else 0,
        reserved=own.reserved if own else 0,
        committed=own.committed if own else 0,
        headroom_units=tight[0] if tight else None,
        tight_scope_id=tight[1] if tight else None,
    )


def moved_limits(giver: Quota, taker: Quota, units: int) -> tuple[int, int]:
    """The two limits after `units` of the giver's unused limit went to the taker.

    Raises `bad_value` where either has no limit in units, `quota_exceeded` for more than the giver
    has left: what is in use cannot be given away.
    """
    if giver.limit_units is None or not giver.limited:
        raise bad_value("from_scope_id", f"{giver.scope_id} has no limit that could be given away")
    if taker.limit_units is None or not taker.limited:
        raise bad_value("to_scope_id", f"{taker.scope_id} has no limit to add to; set one first")
    left = giver.limit_units - giver.committed
    if units > left:
        raise quota_exceeded(giver.resource_class, giver.scope_id, max(left, 0), units)
    return giver.limit_units - units, taker.limit_units + units


def quota_id(scope_id: str, resource_class: ResourceClass) -> str:
    return f"{scope_id}/{resource_class}"


def check(chain: Sequence[Quota], resource_class: ResourceClass, units: int, scope: str) -> None:
    """Check `units` more on every ancestor of `chain` (own scope first, root last).

    Raises `quota_not_set` when nobody up to the root has set anything, `quota_exceeded` naming
    the first scope that would be over its limit.
    """
    if all(quota.limit_units is None for quota in chain):
        raise quota_not_set(resource_class, scope)
    for quota in chain:
        left = quota.left
        if units and left is not None and units > left:
            raise quota_exceeded(resource_class, quota.scope_id, max(left, 0), units)


def percent_after(quota: Quota, units: int) -> int | None:
    """How full the limit is with `units` more, in whole percent, rounded down; None without an own
    limit. What goes beyond a limit of nothing counts as its own hundredfold."""
    if quota.limit_units is None or quota.limit_units == UNLIMITED:
        return None
    return (quota.committed + units) * 100 // max(quota.limit_units, 1)


def reserve(quota: Quota, units: int) -> Quota:
    return replace(quota, reserved=quota.reserved + units)


def post(quota: Quota, units: int) -> Quota:
    return replace(quota, reserved=quota.reserved - units, allocated=quota.allocated + units)


def unreserve(quota: Quota, units: int) -> Quota:
    return replace(quota, reserved=quota.reserved - units)


def release(quota: Quota, units: int) -> Quota:
    return replace(quota, allocated=quota.allocated - units)


def set_limit(quota: Quota, limit_units: int | None, parent: Quota | None) -> Quota:
    """Change a limit; below what is committed is allowed and stops growth.

    Raises `limit_above_parent`: a child's limit may not exceed its parent's.
    """
    parent_limit = parent.limit_units if parent and parent.limited else None
    if parent is not None and parent_limit is not None and limit_units is not None:
        over = limit_units == UNLIMITED or limit_units > parent_limit
        if over:
            raise limit_above_parent(quota.scope_id, limit_units, parent.scope_id, parent_limit)
    return replace(quota, limit_units=limit_units)
