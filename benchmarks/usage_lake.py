"""Rows a second into and out of the usage lake: `python -m benchmarks.usage_lake --json`.

Plays a month of five-minute readings of one city, a batch per pool and day, into both lakes:
from Arrow in memory, and from Parquet bodies into a folder; then rolls the month up.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.period import Month
from cloudmgr.domain.metering import METERS
from cloudmgr.usage.batches import (
    NAME,
    READING_SCHEMA,
    TIME,
    BatchFormat,
    batch_of,
    read_batch,
)
from cloudmgr.usage.engine import DuckDbEngine
from cloudmgr.usage.lake import DirectoryLake, MemoryLake, UsageLake
from cloudmgr.usage.quarantine import ResourceLife, ResourceLives, split

MONTH = Month(2026, 1)
POOLS = 6
SAMPLING_SECONDS = 300
SAMPLES_A_DAY = 86_400 // SAMPLING_SECONDS
SEED = 20260101


def resources_for(rows: int) -> int:
    """How many resources give about so many readings in the month."""
    return max(POOLS, rows // (SAMPLES_A_DAY * MONTH.days))


def lives_of(resources: int) -> ResourceLives:
    """Resources spread over the pools, each with one meter, alive all month."""
    return ResourceLives.of(
        ResourceLife(f"al-{i:06d}", f"pool-{i % POOLS}", MONTH.period, (_meter(i),))
        for i in range(resources)
    )


def batches(resources: int) -> Iterator[tuple[str, str, pa.Table]]:
    """(batch id, pool id, readings) for each pool and day of the month."""
    random = np.random.default_rng(SEED)
    for day in range(MONTH.days):
        midnight = MONTH.period.start + timedelta(days=day)
        for pool in range(POOLS):
            members = np.arange(pool, resources, POOLS)
            yield f"d{day:02d}", f"pool-{pool}", _readings(random, members, midnight)


def _readings(
    random: np.random.Generator,
    members: np.ndarray[tuple[int], np.dtype[np.int64]],
    start: datetime,
) -> pa.Table:
    codes = pa.array(np.repeat(np.arange(len(members)), SAMPLES_A_DAY), pa.int32())
    names = pa.array([f"al-{i:06d}" for i in members], pa.string())
    meters = pa.array([_meter(int(i)) for i in members], pa.string())
    seconds = int(start.timestamp()) + np.arange(SAMPLES_A_DAY) * SAMPLING_SECONDS
    times = pa.array(np.tile(seconds, len(members)) * 10**6, pa.int64())
    return pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(codes, names),
            pa.DictionaryArray.from_arrays(codes, meters).cast(pa.string()).cast(NAME),
            times.cast(TIME),
            pa.array(random.integers(0, 16_000, len(codes))),
        ],
        schema=READING_SCHEMA,
    )


def _meter(index: int) -> str:
    return METERS[index % len(METERS)].id


def measured(lake: UsageLake, resources: int, *, as_parquet: bool) -> dict[str, float]:
    """Seconds and rows a second; making the readings and their bodies is not counted."""
    lives, now = lives_of(resources), MONTH.period.end
    partitions: list[str] = []
    rows, ingest_s = 0, 0.0
    for batch_id, pool_id, table in batches(resources):
        body = _parquet(table) if as_parquet else b""
        began = time.perf_counter()
        batch = read_batch(body, BatchFormat.PARQUET) if as_parquet else batch_of(table)
        parts = split(batch.rows, pool_id=pool_id, lives=lives, now=now)
        written = lake.write(batch_id, pool_id, parts.accepted, parts.quarantined)
        ingest_s += time.perf_counter() - began
        partitions += written.partitions
        rows += batch.sent
    began = time.perf_counter()
    hours = lake.rollup_hours(partitions, MONTH.period).num_rows
    hours_s = time.perf_counter() - began
    began = time.perf_counter()
    counted = sum(lake.rollup_month(partitions, MONTH).column("count").to_pylist())
    month_s = time.perf_counter() - began
    if counted != rows:
        raise RuntimeError(f"{rows} rows went in and {counted} came out")
    return {
        "rows": rows,
        "batches": POOLS * MONTH.days,
        "hours": hours,
        "ingest_s": round(ingest_s, 3),
        "hours_s": round(hours_s, 3),
        "month_s": round(month_s, 3),
        "wall_s": round(ingest_s + hours_s + month_s, 3),
        "rows_in_per_s": round(rows / ingest_s),
        "rows_out_per_s": round(rows / (hours_s + month_s)),
    }


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="readings, roughly")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--memory-limit-mib", type=int, default=None)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    resources = resources_for(args.rows)
    engine = DuckDbEngine(args.threads, args.memory_limit_mib)
    results = {"memory": measured(MemoryLake(engine), resources, as_parquet=False)}
    with tempfile.TemporaryDirectory() as folder:
        lake = DirectoryLake(Path(folder), engine)
        results["directory"] = measured(lake, resources, as_parquet=True)
    if args.json:
        print(json.dumps(results))
        return
    for name, result in results.items():
        sys.stdout.write(f"{name}: " + ", ".join(f"{k} {v}" for k, v in result.items()) + "\n")


if __name__ == "__main__":
    main()
