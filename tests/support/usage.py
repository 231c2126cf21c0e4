"""Builders of readings, lives and bodies for tests of metering."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.period import Month, Period
from cloudmgr.domain.metering import MeterReading
from cloudmgr.usage.batches import Batch, batch_of
from cloudmgr.usage.quarantine import ResourceLife, ResourceLives

JANUARY = Month(2026, 1)
START = JANUARY.period.start
NOW = JANUARY.next().period.end


def at(minutes: int = 0, *, days: int = 0) -> datetime:
    """An instant so long after the beginning of January 2026 in Shanghai."""
    return START + timedelta(days=days, minutes=minutes)


def reading(
    *,
    resource: str = "al-1",
    meter: str = "egress_mib",
    time: datetime = START,
    value: int = 1,
) -> MeterReading:
    return MeterReading(resource, meter, time, value)


def table_of(readings: Iterable[MeterReading]) -> pa.Table:
    """Readings as plain columns, as a sender without dictionaries would send them."""
    rows = tuple(readings)
    return pa.table(
        {
            "resource": pa.array([row.resource for row in rows], pa.string()),
            "meter": pa.array([row.meter for row in rows], pa.string()),
            "time": pa.array([row.time for row in rows], pa.timestamp("us", tz="UTC")),
            "value": pa.array([row.value for row in rows], pa.int64()),
        }
    )


def batch(*readings: MeterReading) -> Batch:
    return batch_of(table_of(readings))


def readings_of(table: pa.Table) -> list[MeterReading]:
    return [
        MeterReading(row["resource"], row["meter"], row["time"], row["value"])
        for row in table.select(["resource", "meter", "time", "value"]).to_pylist()
    ]


def life(
    *,
    resource: str = "al-1",
    pool_id: str = "pool-a",
    start: datetime = START,
    end: datetime = NOW,
    meters: Sequence[str] = ("egress_mib",),
) -> ResourceLife:
    return ResourceLife(resource, pool_id, Period(start, end), tuple(meters))


def lives(*known: ResourceLife) -> ResourceLives:
    return ResourceLives.of(known or (life(),))


def parquet_body(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return bytes(sink.getvalue())


def arrow_body(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def json_lines_body(readings: Iterable[MeterReading]) -> bytes:
    return b"".join(
        json.dumps(
            {
                "resource": row.resource,
                "meter": row.meter,
                "time": row.time.astimezone(UTC).isoformat(),
                "value": row.value,
            }
        ).encode()
        + b"\n"
        for row in readings
    )
