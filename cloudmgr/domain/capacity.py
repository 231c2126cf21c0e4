"""Capacity of a pool per resource class: what is free, and reserve -> post -> free.

free = floor(total x allocation_ratio) - reserved - held - allocated (DOMAIN.md 4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

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
