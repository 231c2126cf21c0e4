"""Rows rated a second by the function that bills, and readings a second from the lake to lines.

`python -m benchmarks.rated_rows [--allocations N]`. What is rated is the reference city's opening
stock over and over, each time in other quantities, because amounts of equal lines are kept.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice

import numpy as np
import pyarrow as pa

from catalog.period import Month
from catalog.skus import PricingModel
from cloudmgr.cities.load import load_city
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.rating import HourlySums, RatingContext, rate_allocation
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.memory import MemoryNode, MemoryWorld
from cloudmgr.services.rating import rating_context
from cloudmgr.services.usage import hourly_sums
from cloudmgr.usage.batches import READING_SCHEMA, batch_of
from cloudmgr.usage.engine import DuckDbEngine

MONTH = Month(2026, 1)
ALLOCATIONS = 10_000
METERED = 200
SAMPLES = MONTH.days * 288
HOURS = MONTH.days * 24
SEED = 20260101


def measured(allocations: int = ALLOCATIONS) -> dict[str, dict[str, float]]:
    """Loading the city and making its usage is not counted."""
    node = MemoryNode()
    with node.transaction() as world:
        load_city(world, "reference")
        context = rating_context(world, MONTH)
        stock = world.find(Allocation)
        recurring = many([each for each in stock if not _metered(each, context)], allocations)
        metered = many([each for each in stock if _metered(each, context)], METERED)
        return {
            "recurring": rated(recurring, context, {}),
            "metered": rated(metered, context, _usage(metered)),
            "from_the_lake": from_the_lake(world, metered, context),
        }


def many(stock: Sequence[Allocation], count: int) -> list[Allocation]:
    """So many allocations like those of the stock, each of its own size and under its own id."""
    return [
        replace(
            each,
            id=f"{each.id}-{number}",
            quantity=number + 1,
            segments=tuple(replace(segment, quantity=number + 1) for segment in each.segments),
        )
        for number, each in enumerate(islice(cycle(stock), count))
    ]


def rated(
    stock: Sequence[Allocation], context: RatingContext, usage: dict[str, HourlySums]
) -> dict[str, float]:
    """One pass over a stock whose lines are all different."""
    began = time.perf_counter()
    rows = sum(len(rate_allocation(each, context, usage.get(each.id, ()))) for each in stock)
    wall_s = time.perf_counter() - began
    hours = sum(map(len, usage.values()))
    return {
        "allocations": len(stock),
        "rows": rows,
        "rows_per_s": round(rows / wall_s),
        **({"hours": hours, "hours_per_s": round(hours / wall_s)} if hours else {}),
        "wall_s": round(wall_s, 3),
    }


def from_the_lake(
    world: MemoryWorld, stock: Sequence[Allocation], context: RatingContext
) -> dict[str, float]:
    """A month of readings in the lake, rolled up to hours and rated; starting the engine for the
    first time is not counted."""
    with DuckDbEngine().session():
        pass
    for pool in world.find(ResourcePool):
        _keep(world, pool, [each for each in stock if each.pool_id == pool.id], context)
    began = time.perf_counter()
    usage = hourly_sums(world, MONTH, {each.id for each in stock})
    rows = sum(len(rate_allocation(each, context, usage.get(each.id, ()))) for each in stock)
    wall_s = time.perf_counter() - began
    readings = len(stock) * SAMPLES
    return {
        "readings": readings,
        "rows": rows,
        "readings_per_s": round(readings / wall_s),
        "rows_per_s": round(rows / wall_s),
        "wall_s": round(wall_s, 3),
    }


def _keep(
    world: MemoryWorld, pool: ResourcePool, stock: Sequence[Allocation], context: RatingContext
) -> None:
    """A month of readings of a pool's metered allocations, one batch."""
    if not stock:
        return
    random = np.random.default_rng(SEED)
    block = np.repeat(np.arange(len(stock), dtype=np.int32), SAMPLES)
    meters = pa.array([str(context.sku(each.sku_id).meter) for each in stock]).dictionary_encode()
    first = int(MONTH.period.start.timestamp())
    seconds = first + np.arange(SAMPLES, dtype=np.int64) * 300
    times = pa.array(np.tile(seconds * 10**6, len(stock))).cast(pa.timestamp("us", tz="UTC"))
    table = pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(block, pa.array([each.id for each in stock])),
            pa.DictionaryArray.from_arrays(meters.indices.to_numpy()[block], meters.dictionary),
            times,
            pa.array(random.integers(0, 500, len(block))),
        ],
        schema=READING_SCHEMA,
    )
    batch = batch_of(table)
    nothing = table.slice(0, 0).append_column("reason", pa.array([], pa.string()))
    written = world.usage.write("bench", pool.id, batch.rows, nothing)
    world.put(
        UsageBatch(
            id=f"bench-{pool.id}",
            pool_id=pool.id,
            provider_id=pool.provider_id,
            digest=batch.digest,
            sequence=world.number("usage_batch"),
            sent=batch.sent,
            accepted=batch.sent,
            quarantined=0,
            reasons=(),
            partitions=written.partitions,
            quarantine_path=None,
            received_at=MONTH.period.end,
        )
    )


def _usage(stock: Sequence[Allocation]) -> dict[str, HourlySums]:
    """Use in every hour of the month, enough for the higher tiers."""
    random = np.random.default_rng(SEED)
    hours = [MONTH.period.start + timedelta(hours=hour) for hour in range(HOURS)]
    units = random.integers(0, 6000, (len(stock), HOURS)).tolist()
    return {
        each.id: tuple(zip(hours, own, strict=True)) for each, own in zip(stock, units, strict=True)
    }


def _metered(allocation: Allocation, context: RatingContext) -> bool:
    return context.sku(allocation.sku_id).model is PricingModel.METERED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allocations", type=int, default=ALLOCATIONS)
    print(json.dumps(measured(parser.parse_args().allocations)))


if __name__ == "__main__":
    main()
