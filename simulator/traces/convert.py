"""A trace of any format as long-form Parquet, written as it is read. Owns the writing only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from catalog.errors import Invalid
from simulator.traces.base import MCORES, UCORES, TraceChunk, TraceReader

GROUP_ROWS = 250_000
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written; `repeated` readings were merged into others on the way."""

    rows: int
    vms: int
    repeated: int
    bytes: int | None


def convert(reader: TraceReader, out: str, *, step: Callable[[int], None]) -> Converted:
    """Write the trace to the file `out` ("-": standard output) and say what was written.

    `step` is told how many of the reader's parts are done. The file appears under its name only
    when it is whole. Raises `bad_trace`, and `bad_output` when `out` cannot be written.
    """
    if out == STDOUT:
        return _write(reader, sys.stdout.buffer, step)
    target = Path(out)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with partial.open("wb") as stream:
            written = _write(reader, stream, step)
        partial.replace(target)
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid(
            "bad_output", f"{target} cannot be written ({why}); choose another file"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return Converted(written.rows, written.vms, written.repeated, target.stat().st_size)


def _write(reader: TraceReader, sink: Any, step: Callable[[int], None]) -> Converted:
    schema = _schema(reader.extras)
    waiting: list[Any] = []
    rows = repeated = 0
    vms: set[str] = set()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()

        for chunk in reader.chunks():
            waiting.append(_table(chunk, schema))
            rows += len(chunk)
            repeated += chunk.repeated
            vms.update(chunk.vms)
            if sum(each.num_rows for each in waiting) >= GROUP_ROWS:
                flush()
            step(chunk.part)
        flush()
    return Converted(rows, len(vms), repeated, None)


def _schema(extras: tuple[str, ...]) -> Any:
    return pa.schema(
        [
            ("vm", pa.string()),
            ("time", pa.timestamp("ms", tz="UTC")),
            ("vcpu", pa.float64()),
            ("cpu_used_cores", pa.float64()),
            *((name, pa.float64()) for name in extras),
        ]
    )


def _table(chunk: TraceChunk, schema: Any) -> Any:
    columns: list[Any] = [
        pa.DictionaryArray.from_arrays(chunk.vm, list(chunk.vms)).dictionary_decode(),
        pa.array(chunk.time_ms).cast(pa.timestamp("ms", tz="UTC")),
        pa.array(chunk.size_mcores / MCORES),
        pa.array(chunk.used_ucores / UCORES),
        *(
            pa.array(chunk.extras[name], mask=np.isnan(chunk.extras[name]))
            for name in schema.names[4:]
        ),
    ]
    return pa.Table.from_arrays(columns, schema=schema)
