"""Usage batches: received once, split, kept; and what billing and assessment read from them.

Readings live in `world.usage` (the lake); which files count is decided by the `UsageBatch`
records, so a file left by a crashed transaction counts for nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.period import Month
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.metering import (
    METERS,
    BatchVerdict,
    MeterKind,
    decide_batch,
    expected_samples,
)
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.usage import ReasonCount, UsageBatch, usage_batch_id
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.world import World
from cloudmgr.usage.batches import Batch
from cloudmgr.usage.quarantine import ResourceLife, ResourceLives, split

CPU_METER = "cpu_millicores"
BILLED_METERS = frozenset(meter.id for meter in METERS if meter.kind is MeterKind.DELTA)

HourlySums = dict[str, tuple[tuple[datetime, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestUsage(Command):
    """A pool sends a batch of readings under an id of its own; the same batch twice changes
    nothing.

    `batch` is a `cloudmgr.usage.batches.Batch`: canonical rows and their digest.
    """

    batch_id: str
    pool_id: str
    batch: Any


@handles(Role.PROVIDER)
def ingest_usage(world: World, command: IngestUsage, actor: Actor, now: datetime) -> UsageBatch:
    """Raises `batch_changed` for other contents under an id that the pool used before."""
    pool = world.get(ResourcePool, command.pool_id)
    require_in(actor, pool.provider_id, "ResourcePool", pool.id, Role.PROVIDER)
    batch: Batch = command.batch
    id = usage_batch_id(pool.id, command.batch_id)
    world.lock((UsageBatch, id))  # who sends it twice at once waits for the first answer
    known = world.seek(UsageBatch, id)
    verdict = decide_batch(command.batch_id, known.digest if known else None, batch.digest)
    if known is not None and verdict is BatchVerdict.REPEATED:
        return known
    parts = split(batch.rows, pool_id=pool.id, lives=lives_of(world, pool.id, now), now=now)
    written = world.usage.write(command.batch_id, pool.id, parts.accepted, parts.quarantined)
    return world.put(
        UsageBatch(
            id=id,
            pool_id=pool.id,
            provider_id=pool.provider_id,
            digest=batch.digest,
            sequence=world.number("usage_batch"),
            sent=batch.rows.num_rows,
            accepted=parts.accepted.num_rows,
            quarantined=parts.quarantined.num_rows,
            reasons=tuple(
                ReasonCount(reason=str(reason), rows=rows) for reason, rows in parts.reasons.items()
            ),
            partitions=written.partitions,
            quarantine_path=written.quarantine_path,
            received_at=now,
        )
    )


def lives_of(world: World, pool_id: str, now: datetime) -> ResourceLives:
    """The delivered allocations of a pool with the meters of all Skus they ever had."""
    lives = []
    meter_of: dict[str, str | None] = {}
    for allocation in world.find(Allocation, pool_id=pool_id):
        life = allocation.life
        if life is None:
            continue
        skus = {allocation.sku_id, *(segment.sku_id for segment in allocation.segments)}
        for sku in skus - meter_of.keys():
            meter_of[sku] = sku_at(world, sku, now).meter
        meters = {meter for sku in skus if (meter := meter_of[sku])}
        lives.append(ResourceLife(allocation.id, pool_id, life, tuple(sorted(meters))))
    return ResourceLives.of(lives)


def manifest(world: World) -> tuple[str, ...]:
    """All partitions that count, in the order their batches came."""
    batches = sorted(world.find(UsageBatch), key=lambda batch: batch.sequence)
    return tuple(name for batch in batches for name in batch.partitions)


def hourly_sums(world: World, month: Month, resources: Collection[str] | None = None) -> HourlySums:
    """Billed use per allocation: (hour, base units) in hour order; hours without use are absent."""
    table = world.usage.rollup_hours(
        manifest(world), month.period, meters=BILLED_METERS, resources=resources
    )
    sums: dict[str, list[tuple[datetime, int]]] = {}
    columns = (table.column(name).to_pylist() for name in ("resource", "hour", "sum"))
    for resource, hour, units in zip(*columns, strict=True):
        sums.setdefault(resource, []).append((hour, units))
    return {resource: tuple(hours) for resource, hours in sums.items()}


def pool_hourly_cpu(world: World, month: Month) -> HourlySums:
    """Millicores in use per pool and hour: the sum of its allocations' hourly means."""
    table = world.usage.rollup_hours(manifest(world), month.period, meters={CPU_METER})
    if not table.num_rows:
        return {}
    pools = {each.id: each.pool_id for each in world.find(Allocation)}
    resource = table.column("resource").combine_chunks().dictionary_encode()
    names = pa.array([pools[id] for id in resource.dictionary.to_pylist()])
    pool = pc.take(names, resource.indices)
    mean = pc.divide(table.column("sum"), table.column("count"))
    grouped = (
        pa.table({"pool": pool, "hour": table.column("hour"), "mean": mean})
        .group_by(["pool", "hour"])
        .aggregate([("mean", "sum")])
        .sort_by([("pool", "ascending"), ("hour", "ascending")])
    )
    found: dict[str, list[tuple[datetime, int]]] = {}
    columns = (grouped.column(name).to_pylist() for name in ("pool", "hour", "mean_sum"))
    for name, hour, millicores in zip(*columns, strict=True):
        found.setdefault(name, []).append((hour, millicores))
    return {name: tuple(hours) for name, hours in found.items()}


def coverage(world: World, month: Month) -> dict[str, tuple[int, int]]:
    """Per allocation that has a meter: (readings that count, readings expected) in the month."""
    table = world.usage.count_readings(manifest(world), month.period)
    columns = (table.column(name).to_pylist() for name in ("resource", "count"))
    counts: dict[str, int] = dict(zip(*columns, strict=True))
    found: dict[str, tuple[int, int]] = {}
    for allocation in world.find(Allocation):
        life = allocation.life
        expected = expected_samples(life, month) if life else 0
        # By the catalog at the month's end: a Sku that came during the month is in it.
        if expected and sku_at(world, allocation.sku_id, month.period.end).meter:
            found[allocation.id] = (counts.get(allocation.id, 0), expected)
    return found
