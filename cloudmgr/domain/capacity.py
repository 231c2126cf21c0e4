"""Capacity of a pool per resource class: what is free, and reserve -> post -> free.

free = floor(total x allocation_ratio) - reserved - held - allocated (DOMAIN.md 4). What was stated
before stays as dated records, so that a past month is judged by what stood there then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import ClassVar

from catalog.period import Period
from catalog.quantity import ResourceClass
from cloudmgr.domain.errors import capacity_exceeded
from cloudmgr.domain.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory(Value):
    """资源清单 of one class in one pool, in base units; `id` is `<pool>/<class>`.

    `reserved` is kept back by the provider, `held` by approved requests, `allocated` is running.
    `allocation_ratio_percent` is the over-commit (超分比): 100 means none.
    """

    pool_id: str
    resource_class: ResourceClass
    total: int
    reserved: int = 0
    allocation_ratio_percent: int = 100
    held: int = 0
    allocated: int = 0
    COUNTER: ClassVar[bool] = True

    @property
    def offered(self) -> int:
        """floor(total x ratio)."""
        return self.total * self.allocation_ratio_percent // 100

    @property
    def free(self) -> int:
        return self.offered - self.reserved - self.held - self.allocated

    @property
    def allocated_share(self) -> Fraction:
        """allocated / offered; 0 when nothing is offered."""
        return Fraction(self.allocated, self.offered) if self.offered else Fraction(0)


def inventory_id(pool_id: str, resource_class: ResourceClass) -> str:
    return f"{pool_id}/{resource_class}"


def hold(inventory: Inventory, units: int) -> Inventory:
    """Hold `units` for an approved request; raises `capacity_exceeded`."""
    if units and units > inventory.free:
        raise capacity_exceeded(
            inventory.resource_class, inventory.pool_id, max(inventory.free, 0), units
        )
    return replace(inventory, held=inventory.held + units)


def post(inventory: Inventory, units: int) -> Inventory:
    """What was held is delivered and runs."""
    return replace(inventory, held=inventory.held - units, allocated=inventory.allocated + units)


def unhold(inventory: Inventory, units: int) -> Inventory:
    """An approved request ended without delivery."""
    return replace(inventory, held=inventory.held - units)


def free(inventory: Inventory, units: int) -> Inventory:
    """What ran was released."""
    return replace(inventory, allocated=inventory.allocated - units)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRecord(Value):
    """What was stated of one class of one pool, from `stated_at` until the next record."""

    pool_id: str
    provider_id: str
    resource_class: ResourceClass
    total: int
    reserved: int
    allocation_ratio_percent: int
    stated_at: datetime
    stated_by: str
    reason: str = ""

    @property
    def offered(self) -> int:
        return self.total * self.allocation_ratio_percent // 100


@dataclass(frozen=True, slots=True)
class MeanCapacity:
    """What a pool had of a class on a period's average, weighted by the seconds it stood there."""

    pool_id: str
    total: Fraction
    offered: Fraction


def mean_capacity(
    inventory: Inventory, history: Iterable[InventoryRecord], period: Period
) -> MeanCapacity:
    """The average over a period by the records; an inventory without any has always been so.

    Before its first record there was nothing.
    """
    dated = sorted(history, key=lambda each: (each.stated_at, each.id))
    if not dated:
        return MeanCapacity(
            inventory.pool_id, Fraction(inventory.total), Fraction(inventory.offered)
        )
    ends = [*(record.stated_at for record in dated[1:]), period.end]
    total_seconds = offered_seconds = 0
    for record, until in zip(dated, ends, strict=True):
        if until <= record.stated_at:
            continue
        stood = Period(record.stated_at, until).overlap(period)
        if stood is not None:
            total_seconds += record.total * stood.seconds
            offered_seconds += record.offered * stood.seconds
    return MeanCapacity(
        inventory.pool_id,
        Fraction(total_seconds, period.seconds),
        Fraction(offered_seconds, period.seconds),
    )
