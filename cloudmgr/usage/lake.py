"""The usage lake: where raw readings are kept, and from where they are rolled up.

Owns storage in memory or as Parquet files. Which partitions count is decided by the manifest its
callers keep in the node's database, so a file left by a crashed transaction counts for nothing.
What a reading must be is `usage.quarantine`, what is computed `usage.rollup`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.period import Month, Period
from cloudmgr.domain.errors import CloudmgrError, lake_damaged
from cloudmgr.usage.batches import Int64s, as_int64, digest_of, whole
from cloudmgr.usage.engine import DuckDbEngine, Engine, Session
from cloudmgr.usage.partitions import partition_name, quarantine_name, ranked, within
from cloudmgr.usage.quarantine import FIRST_INSTANT
from cloudmgr.usage.rollup import (
    COUNT_SCHEMA,
    HOURLY_SCHEMA,
    LAKE_SCHEMA,
    MONTHLY_SCHEMA,
    Wanted,
    counted,
    hourly,
    hours_of,
    latest,
    monthly,
)

_SHANGHAI_AHEAD_SECONDS = 8 * 3600
_DAY_SECONDS = 86_400
_FIRST_SECOND = int(FIRST_INSTANT.timestamp())


@dataclass(frozen=True, slots=True)
class Written:
    """Where a batch went: its partitions in the order of their days, and its quarantine."""

    partitions: tuple[str, ...]
    quarantine_path: str | None


class UsageLake(Protocol):
    """What every lake does. `partitions` is always a manifest: names in the order of batches.

    Of a reading (resource, meter, time) that several batches bring, the last batch's counts.
    """

    def write(
        self, batch_id: str, pool_id: str, accepted: pa.Table, quarantined: pa.Table
    ) -> Written:
        """Keep both parts of a split batch. Nothing counts until a manifest names it."""
        ...

    def rollup_hours(
        self,
        partitions: Sequence[str],
        period: Period,
        *,
        meters: Collection[str] | None = None,
        resources: Collection[str] | None = None,
    ) -> pa.Table:
        """HOURLY_SCHEMA of the whole hours of `period`, ordered by resource, meter, hour."""
        ...

    def rollup_month(
        self,
        partitions: Sequence[str],
        month: Month,
        *,
        meters: Collection[str] | None = None,
        resources: Collection[str] | None = None,
    ) -> pa.Table:
        """MONTHLY_SCHEMA of a billing month, ordered by resource, meter."""
        ...

    def count_readings(self, partitions: Sequence[str], period: Period) -> pa.Table:
        """COUNT_SCHEMA: how many readings each resource has in the whole hours of `period`."""
        ...

    def quarantined(self, path: str) -> pa.Table:
        """The quarantined rows of one batch, QUARANTINE_SCHEMA."""
        ...


class _Lake(ABC):
    """What both stores share: naming, splitting by day, and rolling up through an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(
        self, batch_id: str, pool_id: str, accepted: pa.Table, quarantined: pa.Table
    ) -> Written:
        names = []
        for day, rows in _by_day(accepted):
            name = partition_name(pool_id, day, batch_id, digest_of(rows))
            self._keep(name, _stored(rows))
            names.append(name)
        if not quarantined.num_rows:
            return Written(tuple(names), None)
        path = quarantine_name(pool_id, batch_id, _quarantine_digest(quarantined))
        self._keep(path, quarantined)
        return Written(tuple(names), path)

    def rollup_hours(
        self,
        partitions: Sequence[str],
        period: Period,
        *,
        meters: Collection[str] | None = None,
        resources: Collection[str] | None = None,
    ) -> pa.Table:
        hours_of(period)
        found = self._rolled(partitions, Wanted(period, meters, resources), hourly)
        return HOURLY_SCHEMA.empty_table() if found is None else found

    def rollup_month(
        self,
        partitions: Sequence[str],
        month: Month,
        *,
        meters: Collection[str] | None = None,
        resources: Collection[str] | None = None,
    ) -> pa.Table:
        found = self._rolled(partitions, Wanted(month.period, meters, resources), monthly)
        return MONTHLY_SCHEMA.empty_table() if found is None else found

    def count_readings(self, partitions: Sequence[str], period: Period) -> pa.Table:
        hours_of(period)
        found = self._rolled(partitions, Wanted(period), counted)
        return COUNT_SCHEMA.empty_table() if found is None else found

    @abstractmethod
    def quarantined(self, path: str) -> pa.Table: ...

    def _rolled(
        self,
        partitions: Sequence[str],
        wanted: Wanted,
        rollup: Callable[[Session, ibis.Table, Wanted], pa.Table],
    ) -> pa.Table | None:
        """None where no partition belongs to the period."""
        alone, ranks = ranked(within(partitions, wanted.period))
        with self._engine.session() as session:
            tables = [self._opened(session, alone)] if alone else []
            if ranks:
                repeated = latest([self._opened(session, names) for names in ranks])
                tables.append(repeated.select(LAKE_SCHEMA.names))
            if not tables:
                return None
            rows = ibis.union(*tables, distinct=False) if len(tables) > 1 else tables[0]
            return rollup(session, rows, wanted)

    @abstractmethod
    def _keep(self, name: str, rows: pa.Table) -> None:
        """Store rows under a name, whole or not at all; a name's content never changes."""

    @abstractmethod
    def _opened(self, session: Session, names: Sequence[str]) -> ibis.Table:
        """The stored readings of several partitions in LAKE_SCHEMA; raises `lake_damaged`."""


class MemoryLake(_Lake):
    """A lake of Arrow tables, for simulations and fast tests; gone with the process."""

    def __init__(self, engine: Engine | None = None) -> None:
        super().__init__(engine or DuckDbEngine())
        self._tables: dict[str, pa.Table] = {}

    def quarantined(self, path: str) -> pa.Table:
        return self._table(path)

    def _keep(self, name: str, rows: pa.Table) -> None:
        self._tables[name] = rows

    def _opened(self, session: Session, names: Sequence[str]) -> ibis.Table:
        return session.from_arrow(pa.concat_tables(self._table(name) for name in names))

    def _table(self, name: str) -> pa.Table:
        if name not in self._tables:
            raise lake_damaged(name, "it is not there")
        return self._tables[name]


class DirectoryLake(_Lake):
    """A lake of Parquet files under `root`; a file is durable before its name is known.

    `durable` False may lose the last files when the power fails, for rehearsals.
    """

    def __init__(self, root: Path, engine: Engine | None = None, *, durable: bool = True) -> None:
        super().__init__(engine or DuckDbEngine())
        self._root = root
        self._durable = durable

    def quarantined(self, path: str) -> pa.Table:
        try:
            return pq.read_table(self._existing(path), partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise lake_damaged(path, str(error)) from error

    def _keep(self, name: str, rows: pa.Table) -> None:
        path = self._root / name
        if self._durable:
            _make_durable_folder(path.parent)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            with temporary.open("wb") as file:
                pq.write_table(rows, file, compression="zstd", compression_level=1)
                if self._durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        if self._durable:
            _sync_folder(path.parent)

    def _opened(self, session: Session, names: Sequence[str]) -> ibis.Table:
        paths = [str(self._existing(name)) for name in names]
        return session.from_parquet(paths, LAKE_SCHEMA)

    def _rolled(
        self,
        partitions: Sequence[str],
        wanted: Wanted,
        rollup: Callable[[Session, ibis.Table, Wanted], pa.Table],
    ) -> pa.Table | None:
        try:
            return super()._rolled(partitions, wanted, rollup)
        except CloudmgrError:
            raise
        except Exception:
            # Engines word a broken file each in their own way; name it, or let theirs stand.
            for name in within(partitions, wanted.period):
                self._check(name)
            raise

    def _check(self, name: str) -> None:
        try:
            pq.read_table(self._existing(name), partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise lake_damaged(name, str(error)) from error

    def _existing(self, name: str) -> Path:
        path = self._root / name
        if not path.is_file():
            raise lake_damaged(name, "it is not there")
        return path


def _by_day(accepted: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Accepted rows by the Shanghai day of their time, days in order, rows in the order sent."""
    if not accepted.num_rows:
        return
    days = _shanghai_days(as_int64(accepted.column("time")) // 10**6)
    if days.min() == days.max():
        yield _date(days[0]), accepted
        return
    for day in np.unique(days):
        yield _date(day), accepted.filter(pa.array(days == day))


def _date(day: np.int64) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))


def _shanghai_days(seconds: Int64s) -> Int64s:
    """Days since 1970 on Shanghai's calendar, by a constant offset (see `usage.rollup`)."""
    assert seconds.min() >= _FIRST_SECOND, "readings before 2000 belong to no billing month"
    return (seconds + _SHANGHAI_AHEAD_SECONDS) // _DAY_SECONDS


def _stored(rows: pa.Table) -> pa.Table:
    """Readings in LAKE_SCHEMA."""
    hours = as_int64(rows.column("time")) // 3_600_000_000
    columns = [whole(rows.column(name)) for name in ("resource", "meter", "time", "value")]
    columns.insert(3, pa.array(hours.astype(np.int32)))
    return pa.Table.from_arrays(columns, schema=LAKE_SCHEMA)


def _quarantine_digest(quarantined: pa.Table) -> str:
    reasons = "\n".join(quarantined.column("reason").to_pylist())
    return hashlib.sha256((digest_of(quarantined) + reasons).encode()).hexdigest()


def _make_durable_folder(folder: Path) -> None:
    """Create a folder so that a power cut cannot take it away again."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
