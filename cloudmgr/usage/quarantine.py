"""Splits a batch into the rows that count and those that do not, each with its reason.

Owns the tests of a row against the life of its resource; the reasons and their order are
`domain.metering.QuarantineReason`. Accepted and quarantined rows always add up to those sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.period import Period, utc
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.metering import LARGEST_VALUE, METERS, QuarantineReason
from cloudmgr.usage.batches import NAME, READING_SCHEMA, Int64s, as_int64, whole

QUARANTINE_SCHEMA = pa.schema(
    [
        *READING_SCHEMA,
        pa.field("reason", NAME, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
"""Readings with their reason and the row of the batch, counted from 1."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
"""No billing month lies earlier, and Shanghai's clock has been UTC+8 ever since."""

_REASONS = tuple(QuarantineReason)
_METER_IDS = pa.array([meter.id for meter in METERS], pa.string())
_METER_INDEX = {meter.id: index for index, meter in enumerate(METERS)}

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ResourceLife:
    """When one allocation lives, in which pool, and which meters it has."""

    resource: str
    pool_id: str
    period: Period
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ResourceLives:
    """Lives of many resources as arrays; build it with `of`.

    `starts` and `ends` are seconds since 1970 UTC, half-open; `has_meter` is resources x METERS.
    Each array has one more entry at its end, a life without length, which unknown ids index.
    """

    ids: Any
    starts: Int64s
    ends: Int64s
    pools: npt.NDArray[np.str_]
    has_meter: Bools

    @classmethod
    def of(cls, lives: Iterable[ResourceLife]) -> ResourceLives:
        """Raises `bad_value` for a resource twice, an unknown meter, a life before 2000."""
        known = tuple(lives)
        ids = [life.resource for life in known]
        if len(set(ids)) != len(ids):
            raise bad_value("lives", "a resource is named twice")
        has_meter = np.zeros((len(known) + 1, len(METERS)), dtype=np.bool_)
        for index, life in enumerate(known):
            if life.period.start < FIRST_INSTANT:
                raise bad_value("lives", f"{life.resource} begins before the year 2000")
            for meter in life.meters:
                if meter not in _METER_INDEX:
                    raise bad_value("lives", f"{life.resource} has the unknown meter {meter!r}")
                has_meter[index, _METER_INDEX[meter]] = True
        return cls(
            ids=pa.array(ids, pa.string()),
            starts=_seconds([life.period.start for life in known]),
            ends=_seconds([life.period.end for life in known]),
            pools=np.array([*(life.pool_id for life in known), ""]),
            has_meter=has_meter,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """`accepted` in READING_SCHEMA, `quarantined` in QUARANTINE_SCHEMA, both in the order sent."""

    accepted: Any
    quarantined: Any

    @property
    def reasons(self) -> dict[QuarantineReason, int]:
        """How many rows each reason holds back; reasons without rows are left out."""
        counts = pc.value_counts(self.quarantined.column("reason").cast(pa.string())).to_pylist()
        found = {QuarantineReason(each["values"]): each["counts"] for each in counts}
        return {reason: found[reason] for reason in QuarantineReason if reason in found}


def split(rows: pa.Table, *, pool_id: str, lives: ResourceLives, now: datetime) -> Split:
    """Judge canonical rows sent by a pool at `now`.

    A resource of another pool is as unknown as one that does not exist. Of rows that would
    count and name the same resource, meter and time, the first counts.
    """
    codes = _reason_codes(rows, pool_id, lives, now)
    if not codes.any():
        return Split(rows, QUARANTINE_SCHEMA.empty_table())
    kept = pa.array(codes == 0)
    held = np.flatnonzero(codes)
    reasons = pa.DictionaryArray.from_arrays(
        pa.array(codes[held] - 1, pa.int32()), pa.array([str(r) for r in _REASONS], pa.string())
    )
    quarantined = rows.filter(pc.invert(kept))
    return Split(
        accepted=rows.filter(kept).combine_chunks(),
        quarantined=pa.Table.from_arrays(
            [*quarantined.combine_chunks().columns, reasons, pa.array(held + 1, pa.int64())],
            schema=QUARANTINE_SCHEMA,
        ),
    )


def _reason_codes(
    rows: pa.Table, pool_id: str, lives: ResourceLives, now: datetime
) -> npt.NDArray[np.int8]:
    """Per row 0 where it counts, else 1 + the index of its first reason."""
    resource, meter = whole(rows.column("resource")), whole(rows.column("meter"))
    resource_codes, meter_codes = resource.indices.to_numpy(), meter.indices.to_numpy()
    life_of_code = _positions(resource.dictionary, lives.ids)
    life_of_code[lives.pools[life_of_code] != pool_id] = -1
    known_meter_of_code = _positions(meter.dictionary, _METER_IDS)
    life, known_meter = life_of_code[resource_codes], known_meter_of_code[meter_codes]
    seconds = as_int64(rows.column("time")) // 10**6
    value = whole(rows.column("value"))
    numbers = pc.fill_null(value, 0).to_numpy()
    refused: dict[QuarantineReason, Bools] = {
        QuarantineReason.UNKNOWN_RESOURCE: life < 0,
        QuarantineReason.UNKNOWN_METER: known_meter < 0,
        QuarantineReason.WRONG_METER: ~lives.has_meter[life, known_meter],
        QuarantineReason.NOT_FINITE: pc.is_null(value).to_numpy(zero_copy_only=False),
        QuarantineReason.NEGATIVE: numbers < 0,
        QuarantineReason.TOO_LARGE: numbers > LARGEST_VALUE,
        QuarantineReason.IN_FUTURE: seconds > (utc(now) - _EPOCH) // _SECOND,
        QuarantineReason.OUTSIDE_LIFE: (seconds < lives.starts[life])
        | (seconds >= lives.ends[life]),
    }
    codes = np.zeros(rows.num_rows, dtype=np.int8)
    # The last reason is set first, so that the first one stays.
    for index in range(len(_REASONS) - 1, -1, -1):
        if _REASONS[index] in refused:
            codes[refused[_REASONS[index]]] = index + 1
    counted = np.flatnonzero(codes == 0)
    series = life[counted] * len(METERS) + known_meter[counted]
    repeated = counted[_repeats(series, seconds[counted])]
    codes[repeated] = _REASONS.index(QuarantineReason.DUPLICATE_ROW) + 1
    return codes


def _positions(ids: pa.Array, known: pa.Array) -> Int64s:
    """For each id its position in `known`, -1 where it is not there."""
    found: Int64s = pc.fill_null(pc.index_in(ids, value_set=known), -1).to_numpy().astype(np.int64)
    return found


def _repeats(series: Int64s, seconds: Int64s) -> Int64s:
    """Positions of rows whose (series, second) stands in an earlier row already."""
    if len(series) < 2:
        return np.empty(0, dtype=np.int64)
    instants = seconds - seconds.min()
    span = int(instants.max()) + 1
    # Readings of a century and 10^8 series fit many times over.
    assert (int(series.max()) + 1) * span < 2**63, "more series and seconds than keys can tell"
    keys = series * span + instants
    # Most pools send series by series in time order, then nothing needs sorting.
    if (keys[1:] > keys[:-1]).all():
        return np.empty(0, dtype=np.int64)
    first = np.unique(keys, return_index=True)[1]
    repeated = np.ones(len(keys), dtype=np.bool_)
    repeated[first] = False
    return np.flatnonzero(repeated)


def _seconds(moments: Sequence[datetime]) -> Int64s:
    """For each moment the first whole second since 1970 UTC not before it, and a last 0."""
    return np.array([*(-((_EPOCH - moment) // _SECOND) for moment in moments), 0], dtype=np.int64)
