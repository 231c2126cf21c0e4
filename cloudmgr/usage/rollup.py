"""The one rollup: readings to hourly and monthly usage, written once in Ibis for every engine.

Owns the expressions and the shapes of their results. Works on the `hour` column (hours since
1970 UTC), so it needs no time zones in the engine: Asia/Shanghai is a whole number of hours off
UTC and has had no daylight saving since 1991, so its months begin on whole UTC hours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import bad_period
from catalog.period import Period
from cloudmgr.usage.batches import NAME, TIME
from cloudmgr.usage.engine import Session

LAKE_SCHEMA = pa.schema(
    [
        pa.field("resource", NAME, nullable=False),
        pa.field("meter", NAME, nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("hour", pa.int32(), nullable=False),
        pa.field("value", pa.int64(), nullable=False),
    ]
)
"""Stored readings; `hour` is the hour since 1970 UTC that holds `time`."""

HOURLY_SCHEMA = pa.schema(
    [("resource", pa.string()), ("meter", pa.string()), ("hour", TIME)]
    + [(name, pa.int64()) for name in ("sum", "count", "max")]
)
COUNT_SCHEMA = pa.schema([("resource", pa.string()), ("count", pa.int64())])
MONTHLY_SCHEMA = pa.schema(
    [("resource", pa.string()), ("meter", pa.string())]
    + [(name, pa.int64()) for name in ("sum", "count", "max", "p95", "p99")]
)

_KEY = ("resource", "meter")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which readings a rollup takes; None means all."""

    period: Period
    meters: Collection[str] | None = None
    resources: Collection[str] | None = None


def latest(ranked: Sequence[ibis.Table]) -> ibis.Table:
    """Readings of partitions that hold several files: of one repeated, the last file's counts.

    `ranked[k]` holds the k-th file of each partition, in the order of the batches.
    """
    numbered = [table.mutate(rank=ibis.literal(rank)) for rank, table in enumerate(ranked)]
    rows = ibis.union(*numbered, distinct=False) if len(numbered) > 1 else numbered[0]
    return rows.group_by([*_KEY, "time", "hour"]).agg(value=rows.value.argmax(rows["rank"]))


def hourly(session: Session, readings: ibis.Table, wanted: Wanted) -> pa.Table:
    """HOURLY_SCHEMA, ordered by resource, meter, hour."""
    rows = _chosen(session, readings, wanted)
    usage = rows.group_by([*_KEY, "hour"]).agg(**_totals(rows))
    found = session.run(usage.order_by([*_KEY, "hour"]))
    instants = pc.multiply(found.column("hour").cast(pa.int64()), _HOUR_US).cast(TIME)
    return found.set_column(2, "hour", instants).cast(HOURLY_SCHEMA)


def counted(session: Session, readings: ibis.Table, wanted: Wanted) -> pa.Table:
    """COUNT_SCHEMA, ordered by resource: cheap, because nothing is sorted but the answer."""
    rows = _chosen(session, readings, wanted)
    usage = rows.group_by("resource").agg(count=rows.count())
    return session.run(usage.order_by("resource")).cast(COUNT_SCHEMA)


def monthly(session: Session, readings: ibis.Table, wanted: Wanted) -> pa.Table:
    """MONTHLY_SCHEMA, ordered by resource, meter.

    The percentiles are `domain.metering.nearest_rank`: the readings sorted, and one of them
    picked by an integer rank. Engines' own quantile functions differ or need more memory.
    """
    rows = _chosen(session, readings, wanted)
    usage = rows.group_by(list(_KEY)).agg(**_totals(rows), ordered=rows.value.collect().sort())
    ranks = {f"p{p}": (usage["count"] * p + 99) // 100 - 1 for p in (95, 99)}
    picked = usage.mutate(**{name: usage.ordered[rank] for name, rank in ranks.items()})
    return session.run(picked.drop("ordered").order_by(list(_KEY))).cast(MONTHLY_SCHEMA)


def hours_of(period: Period) -> tuple[int, int]:
    """The period as [first, last) hours since 1970 UTC; raises `bad_period` for broken hours."""
    if (period.start - _EPOCH) % _HOUR or (period.end - _EPOCH) % _HOUR:
        raise bad_period(
            f"usage is rolled up by whole hours; {period.start.isoformat()} to "
            f"{period.end.isoformat()} does not begin and end on one"
        )
    return (period.start - _EPOCH) // _HOUR, (period.end - _EPOCH) // _HOUR


def _chosen(session: Session, readings: ibis.Table, wanted: Wanted) -> ibis.Table:
    first, last = hours_of(wanted.period)
    rows = readings.filter((readings.hour >= first) & (readings.hour < last))
    if wanted.meters is not None:
        rows = rows.filter(rows.meter.isin(sorted(wanted.meters)))
    if wanted.resources is not None:
        # A join, not a list of literals: a close asks for thousands of resources at a time.
        ids = pa.table({"resource": pa.array(sorted(wanted.resources), pa.string())})
        rows = rows.semi_join(session.from_arrow(ids), "resource")
    return rows


def _totals(rows: ibis.Table) -> dict[str, ibis.Value]:
    return {
        "sum": rows.value.sum().cast("int64"),
        "count": rows.count(),
        "max": rows.value.max(),
    }
