"""What a simulated pool begins with: its settings, capacity, first resources and one old alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.incidents import Severity
from cloudmgr.domain.pools_interface import OccurrenceKind, PoolOccurrence, ProvisionOrder

TOTAL_UNITS = {
    ResourceClass.VCPU: 2_000,
    ResourceClass.MEMORY_MIB: 8_000_000,
    ResourceClass.STORAGE_GIB_STANDARD: 500_000,
    ResourceClass.STORAGE_GIB_SSD: 200_000,
    ResourceClass.STORAGE_GIB_OBJECT: 500_000,
    ResourceClass.STORAGE_GIB_BACKUP: 500_000,
    ResourceClass.GPU: 64,
    ResourceClass.BANDWIDTH_MBPS: 20_000,
    ResourceClass.PUBLIC_IP: 500,
    ResourceClass.LICENCE: 1_000,
}
"""Base units of a whole pool (示例参数)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How a simulated pool is set up.

    `opened_at` is when its first `resources` began to run, `work` how long an order takes.
    """

    pool_id: str
    opened_at: datetime
    seed: int = 0
    work: timedelta = timedelta(0)
    resources: int = 3


def first_orders(settings: PoolSettings) -> Iterator[ProvisionOrder]:
    """What runs since the pool opened."""
    for number in range(1, settings.resources + 1):
        yield ProvisionOrder(
            reference=f"{settings.pool_id}-EARLIER-{number}",
            sku_id="vm-x86-2c4g",
            quantity=1,
            amounts=(
                ResourceAmount(ResourceClass.VCPU, 2),
                ResourceAmount(ResourceClass.MEMORY_MIB, 4096),
            ),
            zone=Zone.EXTRANET,
        )


def first_alarm(settings: PoolSettings) -> PoolOccurrence:
    """The one thing that ever went wrong."""
    opened = settings.opened_at + timedelta(hours=9)
    restored = opened + timedelta(minutes=30)
    return PoolOccurrence(
        id="AL-00000001",
        kind=OccurrenceKind.ALARM,
        severity=Severity.MINOR,
        description="a fan of one host was slow",
        resource_ids=(),
        opened_at=opened,
        changed_at=restored,
        restored_at=restored,
    )
