"""云资源动态管理清单: the dated document of what every pool has, gave out and has left.

Owns what a line says and when it lies below the waterline; a list is made once and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from catalog.period import Month
from catalog.quantity import ResourceClass
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.pools import PoolKind, PoolState, ResourcePool
from cloudmgr.domain.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceList(Value):
    """The document of a month, as everything stood at its first instant; `id` is the month.

    `digest` is over its lines in their order, so that a copy on paper can be held against them.
    """

    month: Month
    as_of: datetime
    pools: int
    lines: int
    below_waterline: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceListLine(Value):
    """One class of one pool in base units; `id` is `<month>/<pool>/<class>`.

    Without a waterline in the policy nothing lies below it (`waterline` None is "not set").
    """

    list_id: str
    pool_id: str
    provider_id: str
    pool_name: str
    pool_kind: PoolKind
    pool_state: PoolState
    resource_class: ResourceClass
    total: int
    allocation_ratio_percent: int
    offered: int
    reserved: int
    held: int
    allocated: int
    free: int
    waterline: int | None
    below_waterline: bool


def waterline_units(inventory: Inventory, percent: int | None) -> int | None:
    """The least that shall stay free, up to a whole unit; None where no waterline is set."""
    if percent is None:
        return None
    return -(-inventory.offered * percent // 100)


def list_line(
    list_id: str, pool: ResourcePool, inventory: Inventory, waterline_percent: int | None
) -> ResourceListLine:
    """What a list says of one class of one pool."""
    waterline = waterline_units(inventory, waterline_percent)
    return ResourceListLine(
        id=f"{list_id}/{inventory.id}",
        list_id=list_id,
        pool_id=pool.id,
        provider_id=pool.provider_id,
        pool_name=pool.name_zh,
        pool_kind=pool.kind,
        pool_state=pool.state,
        resource_class=inventory.resource_class,
        total=inventory.total,
        allocation_ratio_percent=inventory.allocation_ratio_percent,
        offered=inventory.offered,
        reserved=inventory.reserved,
        held=inventory.held,
        allocated=inventory.allocated,
        free=inventory.free,
        waterline=waterline,
        below_waterline=waterline is not None and inventory.free < waterline,
    )


def free_share(line: ResourceListLine) -> Fraction | None:
    """free / offered; None where nothing is offered."""
    return Fraction(line.free, line.offered) if line.offered else None
