"""Gathers what providers are judged by: everything a cycle left in the world, read once.

Owns which records are read and to which month a usage batch belongs; what they mean is
`cloudmgr.domain.measures`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.errors import CloudmgrError
from catalog.period import Month, Period
from catalog.prices import PriceBook
from catalog.quantity import ResourceClass
from catalog.tiers import rate_at
from catalog.versions import CatalogVersion, version_at
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.capacity import Inventory, InventoryRecord, inventory_id
from cloudmgr.domain.incidents import Incident
from cloudmgr.domain.lines import LineKind, RatedLine
from cloudmgr.domain.measures_records import (
    Coverage,
    PoolUse,
    PricedLine,
    ProviderRecords,
    SkuTerms,
)
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services import usage
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import World
from cloudmgr.usage.partitions import pool_and_day

_PRICED_KINDS = (LineKind.CHARGE, LineKind.ONE_OFF)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Cycle:
    """What all providers of a cycle share, read once."""

    months: tuple[Month, ...]
    allocations: dict[str, tuple[Allocation, ...]]
    pool_hours: dict[str, tuple[int, ...]]
    coverage: dict[str, tuple[Coverage, ...]]
    migrations: frozenset[str]
    book: PriceBook
    catalog: CatalogVersion
    credited_incidents_score: bool

    @property
    def period(self) -> Period:
        return Period(self.months[0].period.start, self.months[-1].period.end)


def gather(
    world: World, months: tuple[Month, ...], *, credited_incidents_score: bool
) -> tuple[ProviderRecords, ...]:
    """The records of every provider that had something running in the cycle, by provider id."""
    cycle = _cycle(world, months, credited_incidents_score)
    return tuple(_records(world, cycle, each) for each in sorted(cycle.allocations))


def _cycle(world: World, months: tuple[Month, ...], credited_incidents_score: bool) -> _Cycle:
    period = Period(months[0].period.start, months[-1].period.end)
    by_provider: dict[str, list[Allocation]] = defaultdict(list)
    for allocation in world.stream(Allocation):
        if allocation.life is not None and allocation.life.overlap(period):
            by_provider[allocation.provider_id].append(allocation)
    hours: dict[str, list[int]] = defaultdict(list)
    covered: dict[str, list[Coverage]] = defaultdict(list)
    for month in months:
        for pool_id, sums in usage.pool_hourly_cpu(world, month).items():
            hours[pool_id].extend(millicores for _, millicores in sums)
        for allocation_id, (received, expected) in usage.coverage(world, month).items():
            covered[allocation_id].append(
                Coverage(allocation_id=allocation_id, received=received, expected=expected)
            )
    book = price_book(world)
    migrations = world.find(ResourceRequest, kind=RequestKind.MIGRATE_IN)
    return _Cycle(
        months=months,
        allocations={key: tuple(found) for key, found in by_provider.items()},
        pool_hours={key: tuple(found) for key, found in hours.items()},
        coverage={key: tuple(found) for key, found in covered.items()},
        migrations=frozenset(request.id for request in migrations),
        book=book,
        catalog=version_at(book.versions, period.end - _INSTANT),
        credited_incidents_score=credited_incidents_score,
    )


def _records(world: World, cycle: _Cycle, provider_id: str) -> ProviderRecords:
    allocations = cycle.allocations[provider_id]
    pools = [
        pool
        for pool in world.find(ResourcePool, provider_id=provider_id)
        if pool.state is not PoolState.RETIRED
    ]
    orders = world.find(WorkOrder, provider_id=provider_id)
    batches = [
        batch
        for batch in world.find(UsageBatch, provider_id=provider_id)
        if month_of_batch(batch) in cycle.months
    ]
    return ProviderRecords(
        provider_id=provider_id,
        months=cycle.months,
        work_orders=orders,
        migration_request_ids=tuple(
            sorted({order.request_id for order in orders} & cycle.migrations)
        ),
        allocations=allocations,
        terms=_terms(cycle.catalog, allocations),
        incidents=tuple(
            incident
            for incident in world.find(Incident, provider_id=provider_id)
            if _touches(incident, cycle.period)
        ),
        inventories=tuple(_vcpu_inventories(world, pools)),
        inventory_records=world.find(
            InventoryRecord, provider_id=provider_id, resource_class=ResourceClass.VCPU
        ),
        pool_use=tuple(
            PoolUse(pool_id=pool.id, hourly_millicores=cycle.pool_hours[pool.id])
            for pool in pools
            if pool.id in cycle.pool_hours
        ),
        coverage=tuple(
            each for allocation in allocations for each in cycle.coverage.get(allocation.id, ())
        ),
        rows_sent=sum(batch.sent for batch in batches),
        rows_quarantined=sum(batch.quarantined for batch in batches),
        lines=_priced(world, cycle, provider_id),
        ratings=world.find(ServiceRating, provider_id=provider_id),
        credited_incidents_score=cycle.credited_incidents_score,
    )


def _terms(catalog: CatalogVersion, allocations: Iterable[Allocation]) -> tuple[SkuTerms, ...]:
    """By the catalog at the cycle's end: a Sku that came during the cycle is in it, and none
    ever vanishes."""
    ids = {
        sku_id
        for allocation in allocations
        for sku_id in (allocation.sku_id, *(segment.sku_id for segment in allocation.segments))
    }
    return tuple(
        SkuTerms(
            sku_id=sku_id, vcpus=catalog.sku(sku_id).vcpus, standard=catalog.standard_of(sku_id)
        )
        for sku_id in sorted(ids)
    )


def _touches(incident: Incident, period: Period) -> bool:
    over = incident.restored_at
    return incident.opened_at < period.end and (over is None or over > period.start)


def _vcpu_inventories(world: World, pools: Iterable[ResourcePool]) -> Iterator[Inventory]:
    for pool in pools:
        inventory = world.seek(Inventory, inventory_id(pool.id, ResourceClass.VCPU))
        if inventory is not None:
            yield inventory


def month_of_batch(batch: UsageBatch) -> Month:
    """The month of a batch's first reading, or of its arrival when none was accepted."""
    days = [pool_and_day(name)[1] for name in batch.partitions]
    if not days:
        return Month.of(batch.received_at)
    return Month(min(days).year, min(days).month)


def _priced(world: World, cycle: _Cycle, provider_id: str) -> tuple[PricedLine, ...]:
    """The cycle's charges beside the ceiling in force when each began."""
    lines = world.find(
        RatedLine,
        provider_id=provider_id,
        month=tuple(map(str, cycle.months)),
        kind=_PRICED_KINDS,
    )
    ceilings: dict[tuple[str, datetime, int], Decimal | None] = {}
    found = []
    for line in lines:
        key = (line.sku_id, line.start, line.tier_from)
        if key not in ceilings:
            ceilings[key] = _ceiling(cycle.book, *key)
        found.append(
            PricedLine(
                amount=line.amount,
                unit_price=line.unit_price,
                ceiling_unit_price=ceilings[key],
            )
        )
    return tuple(found)


def _ceiling(book: PriceBook, sku_id: str, moment: datetime, tier_from: int) -> Decimal | None:
    """The ceiling of the tier; None where the catalog sets none."""
    try:
        return rate_at(book.ceiling_at(sku_id, moment), tier_from)
    except CloudmgrError as error:
        if error.code != "no_ceiling":
            raise
        return None
