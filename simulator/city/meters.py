"""What the pools measure: every day each pool sends the readings of what it runs.

Allocation i follows trace i mod n as a share of its size, from sample 0 at the cut-over; a short
trace repeats whole days. What a pool does not know is not left out: it goes on measuring until
the day is over, and the node sorts it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.period import DAY, Month, local_day, midnight
from catalog.skus import PricingModel, Sku
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.usage.batches import READING_SCHEMA
from simulator.city.stage import Process, Stage
from simulator.traces.shares import TraceShares

SAMPLE_SECONDS = 300
SAMPLES_A_DAY = 288
SAMPLES_A_MONTH = 31 * SAMPLES_A_DAY
METERED_HEADROOM = 8
"""A metered item's size is the rate that would use its monthly estimate eight times over, so that
a trace at one eighth of its size uses about what was estimated [sample]."""
PPM = 1_000_000


class Meters:
    """The meters of all pools of a stage."""

    def __init__(self, stage: Stage, shares: TraceShares, skus: dict[str, Sku]) -> None:
        self.stage = stage
        self.shares = shares
        self.skus = skus

    def run(self, month: Month) -> Process:
        """Send each day of a month shortly after it has ended."""
        for offset in range(month.days):
            day = month.first + timedelta(days=offset)
            yield self.stage.until(midnight(day + DAY) + timedelta(hours=1))
            for pool in self.stage.city.pools:
                login = self.stage.login(Role.PROVIDER, pool.provider_id)
                running = self.stage.find(login, Allocation, pool_id=pool.id)
                rows = self.rows(running, day)
                if rows.num_rows:
                    batch_id = f"{pool.id}-{day.isoformat()}"
                    self.stage.driver.ingest(login, pool.id, batch_id, rows)

    def rows(self, allocations: Iterable[Allocation], day: date) -> pa.Table:
        """The readings of one day: resource, meter, time, value."""
        measured = [each for each in allocations if self._measured(each, day)]
        start = midnight(day)
        first = (start - self.stage.origin) // timedelta(seconds=SAMPLE_SECONDS)
        indices = np.array([index_of(each) for each in measured], dtype=np.int64)
        block = self.shares.block(indices, first, SAMPLES_A_DAY)
        times = _times(start)
        values, instants = [], []
        for allocation, shares in zip(measured, block, strict=True):
            begun = _begun(allocation, start)
            values.append(_readings(self.skus[allocation.sku_id], allocation, shares)[begun:])
            instants.append(times[begun:])
        meters = [str(self.skus[each.sku_id].meter) for each in measured]
        return _table([each.id for each in measured], meters, instants, values)

    def _measured(self, allocation: Allocation, day: date) -> bool:
        if allocation.delivered_at is None or self.skus[allocation.sku_id].meter is None:
            return False
        ended = allocation.ended_at
        return local_day(allocation.delivered_at) <= day and (
            ended is None or local_day(ended) >= day
        )


def index_of(allocation: Allocation) -> int:
    """Which allocation of the city it is, from 0: allocations are numbered as they are made."""
    return int(allocation.id.rpartition("-")[2]) - 1


def _readings(sku: Sku, allocation: Allocation, shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """A day of integer readings. Deltas carry their fractions on within the day, so that small
    counts are not lost sample by sample."""
    if sku.model is not PricingModel.METERED:
        return shares * _gauge_size(sku, allocation) // PPM
    monthly = allocation.estimate_units * sku.meter_units_per_unit * METERED_HEADROOM
    assert monthly * PPM * SAMPLES_A_DAY < 2**63, f"{allocation.id} expects more than fits"
    running = np.cumsum(shares) * monthly // (PPM * SAMPLES_A_MONTH)
    return np.diff(running, prepend=0)


def _gauge_size(sku: Sku, allocation: Allocation) -> int:
    """The full scale of a gauge in its own unit."""
    per_unit = {
        "cpu_millicores": sku.vcpus * 1000,
        "memory_used_mib": sku.memory_mib,
        "bandwidth_kbps": 1000,
        "gpu_millicards": 1000,
        "storage_used_gib": 1,
    }
    return per_unit[str(sku.meter)] * allocation.quantity


def _begun(allocation: Allocation, start: datetime) -> int:
    """The first sample of the day at or after the delivery."""
    assert allocation.delivered_at is not None
    late = allocation.delivered_at - start
    return max(-(-late // timedelta(seconds=SAMPLE_SECONDS)), 0)


def _times(start: datetime) -> NDArray[np.int64]:
    """The day's sampling instants in microseconds since 1970."""
    base = int(start.timestamp()) * PPM
    return base + np.arange(SAMPLES_A_DAY, dtype=np.int64) * SAMPLE_SECONDS * PPM


def _table(
    ids: Sequence[str],
    meters: Sequence[str],
    instants: Sequence[NDArray[np.int64]],
    values: Sequence[NDArray[np.int64]],
) -> pa.Table:
    """One table of a block of readings per resource."""
    if not ids:
        return READING_SCHEMA.empty_table()
    block = np.repeat(np.arange(len(ids), dtype=np.int32), [len(each) for each in values])
    kinds = pa.array(meters).dictionary_encode()
    return pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(block, pa.array(ids)),
            pa.DictionaryArray.from_arrays(kinds.indices.to_numpy()[block], kinds.dictionary),
            pa.array(np.concatenate(instants)).cast(pa.timestamp("us", tz="UTC")),
            pa.array(np.concatenate(values)),
        ],
        schema=READING_SCHEMA,
    )
