"""Quotas: limits that form a tree region -> department -> application, checked on every ancestor.

Not set means no own limit; not set up to the root is an error; `UNLIMITED` is explicit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from catalog.quantity import ResourceClass
from cloudmgr.domain.errors import limit_above_parent, quota_exceeded, quota_not_set
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
