"""The analytical engine behind the lake: Arrow and Parquet in, Ibis expressions run, Arrow out.

Owns connections, threads and memory; what is computed is `usage.rollup`. Another engine (Spark,
ClickHouse) is another class with these two protocols.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import ibis
import pyarrow as pa

from cloudmgr.domain.errors import bad_value


class Session(Protocol):
    """One run of an engine; expressions made from its tables end with it."""

    def from_parquet(self, paths: Sequence[str], schema: pa.Schema) -> ibis.Table:
        """The rows of several Parquet files, all of that schema, as one table."""
        ...

    def from_arrow(self, table: pa.Table) -> ibis.Table:
        """An Arrow table, not copied where the engine can read Arrow."""
        ...

    def run(self, expression: ibis.Table) -> pa.Table:
        """Compute an expression."""
        ...


class Engine(Protocol):
    """Opens sessions; safe to share between threads."""

    def session(self) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True, slots=True)
class DuckDbEngine:
    """DuckDB in this process, a fresh in-memory database per session.

    `threads` and `memory_limit_mib` bound each session (None: all cores, 80 % of the machine);
    what does not fit spills into `spill_folder` (None: the system's temporary folder). It never
    fetches extensions.
    """

    threads: int | None = None
    memory_limit_mib: int | None = None
    spill_folder: str | None = None

    def __post_init__(self) -> None:
        for field, least in (("threads", 1), ("memory_limit_mib", 64)):
            found = getattr(self, field)
            if found is not None and found < least:
                raise bad_value(field, f"{found} is not at least {least}")

    @contextmanager
    def session(self) -> Iterator[Session]:
        options: dict[str, Any] = {
            "temp_directory": self.spill_folder or tempfile.gettempdir(),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
        if self.threads is not None:
            options["threads"] = self.threads
        if self.memory_limit_mib is not None:
            options["memory_limit"] = f"{self.memory_limit_mib}MiB"
        backend = ibis.duckdb.connect(**options)
        try:
            yield _DuckDbSession(backend, count())
        finally:
            backend.disconnect()


@dataclass(frozen=True, slots=True)
class _DuckDbSession:
    backend: Any
    numbers: Iterator[int]

    def from_parquet(self, paths: Sequence[str], schema: pa.Schema) -> ibis.Table:
        # Not by Ibis' own read_parquet: to learn the columns that calls a function of DuckDB 2
        # that is deprecated. Folders named like Hive partitions must not become columns either.
        files = self.backend.con.read_parquet(list(paths), hive_partitioning=False)
        name = f"parquet_{next(self.numbers)}"
        files.select(*schema.names).create_view(name)
        return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)

    def from_arrow(self, table: pa.Table) -> ibis.Table:
        return ibis.memtable(table)

    def run(self, expression: ibis.Table) -> pa.Table:
        return self.backend.to_pyarrow(expression)
