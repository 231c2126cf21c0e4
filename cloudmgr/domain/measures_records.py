"""What a provider's cycle is judged by: its records, gathered into one frozen value.

Owns in which cycle a thing is judged: an order by its due date, an incident by when it began, a
rating by when it was given; so each counts once. Gathering is the services' part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import UnitPrice, Yuan
from catalog.period import Month, Period
from catalog.standards import ServiceStandard
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.capacity import (
    Inventory,
    InventoryRecord,
    MeanCapacity,
    mean_capacity,
)
from cloudmgr.domain.incidents import Incident
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.domain.workorders import WorkOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuTerms:
    """What one unit of a Sku takes and promises, by the catalog in force when the cycle ended."""

    sku_id: str
    vcpus: int
    standard: ServiceStandard


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Millicores in use per hour in one pool; hours without a reading are absent."""

    pool_id: str
    hourly_millicores: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Readings that count and readings expected of one allocation in one month."""

    allocation_id: str
    received: int
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """What was billed at a unit price, and the ceiling in force for it (None: there is none)."""

    amount: Yuan
    unit_price: UnitPrice
    ceiling_unit_price: UnitPrice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRecords:
    """Everything a provider's cycle is judged by.

    `inventories` are the VCPU rows of its pools and `inventory_records` what was stated of them
    before, `allocations` all that ever ran there,
    `migration_request_ids` the requests of kind migrate-in among the orders'. Whether minutes
    that were paid back as service credits also cost points is `credited_incidents_score`.
    """

    provider_id: str
    months: tuple[Month, ...]
    work_orders: tuple[WorkOrder, ...] = ()
    migration_request_ids: tuple[str, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    terms: tuple[SkuTerms, ...] = ()
    incidents: tuple[Incident, ...] = ()
    inventories: tuple[Inventory, ...] = ()
    inventory_records: tuple[InventoryRecord, ...] = ()
    pool_use: tuple[PoolUse, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    rows_sent: int = 0
    rows_quarantined: int = 0
    lines: tuple[PricedLine, ...] = ()
    ratings: tuple[ServiceRating, ...] = ()
    credited_incidents_score: bool = False

    @property
    def period(self) -> Period:
        """The cycle as one period; its months follow each other."""
        return Period(self.months[0].period.start, self.months[-1].period.end)

    def in_cycle(self, moment: datetime | None) -> bool:
        return moment is not None and self.period.contains(moment)

    def capacities(self) -> tuple[MeanCapacity, ...]:
        """What each pool had on the cycle's average, by what was stated then."""
        return tuple(
            mean_capacity(
                inventory,
                [each for each in self.inventory_records if each.pool_id == inventory.pool_id],
                self.period,
            )
            for inventory in self.inventories
        )

    def terms_by_sku(self) -> dict[str, SkuTerms]:
        return {terms.sku_id: terms for terms in self.terms}
