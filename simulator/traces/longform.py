"""The long form: one reading per row, in CSV or Parquet. Owns this project's own trace format.

Columns vm, time, vcpu, cpu_used_cores are required; memory_gib, memory_used_gib, net_kib_s may
follow; others are ignored. `time` carries its offset (UTC or any other), `vcpu` is above 0,
and the rows of one VM are in order of time; VMs may be interleaved. VMs are numbered by their
number when every name is one, otherwise as first met. A path is one file or a folder of parts
read by name.
"""

from __future__ import annotations

import csv as plain_csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv, parquet

from simulator.traces.base import (
    EXTRAS,
    MCORES,
    UCORES,
    Floats,
    TraceChunk,
    TraceError,
    bad_file,
    bad_parquet_row,
    bad_row,
    numeric_or_as_met,
    plain_files,
)
from simulator.traces.rows import RowCheck

REQUIRED = ("vm", "time", "vcpu", "cpu_used_cores")
BATCH_ROWS = 262_144
_BLOCK_BYTES = 8 << 20
_UTC_US = pa.timestamp("us", tz="UTC")


class LongReader:
    """One .csv or .parquet file, or a folder of them."""

    format = "long"
    clock = "the files"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = tuple(plain_files(path)) if path.is_dir() else (path,)
        if not self._files:
            raise bad_file(path, "the folder holds no files")
        heads = [_columns_of(file) for file in self._files]
        for file, head in zip(self._files, heads, strict=True):
            missing = [name for name in REQUIRED if name not in head]
            if missing:
                raise bad_row(file, 1, f"the columns {', '.join(missing)} are missing")
        self._extras = tuple(name for name in EXTRAS if all(name in head for head in heads))
        self._groups = [_row_groups(file) for file in self._files]

    @property
    def parts(self) -> int:
        return sum(self._groups)

    @property
    def extras(self) -> tuple[str, ...]:
        return self._extras

    def files(self) -> tuple[Path, ...]:
        return self._files

    def chunks(self, *, extras: bool = True) -> Iterator[TraceChunk]:
        columns = [*REQUIRED, *(self._extras if extras else ())]
        check = RowCheck()
        done = 0
        for file, groups in zip(self._files, self._groups, strict=True):
            read = _parquet_chunks if _is_parquet(file) else _csv_chunks
            yield from read(file, columns, check, done)
            done += groups

    def order(self, vms: Sequence[str]) -> tuple[str, ...]:
        return numeric_or_as_met(vms)


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _open_parquet(file: Path) -> Any:
    try:
        return parquet.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise bad_file(file, f"the Parquet file is cut short or damaged ({error})") from error


def _columns_of(file: Path) -> list[str]:
    if _is_parquet(file):
        schema = _open_parquet(file).schema_arrow
        for name in REQUIRED:
            if name in schema.names and (reason := _wrong_type(name, schema.field(name).type)):
                raise bad_file(file, f"column {name} {reason}")
        return list(schema.names)
    if file.suffix == ".parquet":
        raise bad_file(file, "the Parquet file is cut short or damaged (no PAR1 at its start)")
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        return next(plain_csv.reader(stream), [])


def _wrong_type(name: str, kind: Any) -> str | None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if name == "vm":
        fits = pa.types.is_integer(kind) or _is_text(kind)
        return None if fits else f"is {kind}; write names or whole numbers"
    if name == "time":
        fits = pa.types.is_timestamp(kind) and kind.tz is not None
        return None if fits else f"is {kind}; write timestamps with a time zone"
    fits = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return None if fits else f"is {kind}; write numbers"


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _row_groups(file: Path) -> int:
    return int(_open_parquet(file).num_row_groups) if _is_parquet(file) else 1


def _parquet_chunks(
    file: Path, columns: Sequence[str], check: RowCheck, done: int
) -> Iterator[TraceChunk]:
    source = _open_parquet(file)
    for group in range(source.num_row_groups):
        row = 0
        batches = source.iter_batches(
            batch_size=BATCH_ROWS, row_groups=[group], columns=list(columns)
        )
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowInvalid, OSError) as error:
                raise bad_file(
                    file, f"row group {group + 1} is cut short or damaged ({error})"
                ) from error
            if batch is None:
                break

            def refuse(at: int, why: str, first: int = row, group: int = group) -> TraceError:
                return bad_parquet_row(file, group + 1, first + at + 1, why)

            yield _chunk(batch, check, refuse, done + group + 1)
            row += batch.num_rows


def _csv_chunks(
    file: Path, columns: Sequence[str], check: RowCheck, done: int
) -> Iterator[TraceChunk]:
    with file.open("rb") as stream:
        stream.seek(-1, 2)
        if stream.read(1) != b"\n":
            lines = file.read_bytes().count(b"\n") + 1
            raise _first_bad_line(file) or bad_file(
                file, "the last line has no line end, so the file may be cut short", line=lines
            )
    kinds = dict.fromkeys(columns, pa.float64()) | {"vm": pa.string(), "time": _UTC_US}
    line = 2
    try:
        batches = csv.open_csv(
            file,
            read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=kinds, include_columns=list(columns), null_values=[""]
            ),
        )
        for batch in batches:

            def refuse(at: int, why: str, first: int = line) -> TraceError:
                return bad_row(file, first + at, why)

            yield _chunk(batch, check, refuse, done + 1)
            line += batch.num_rows
    except pa.ArrowInvalid as error:
        raise _first_bad_line(file) or bad_file(file, str(error)) from error


def _first_bad_line(file: Path) -> TraceError | None:
    """Read line by line, slowly, to say which one the fast parser choked on."""
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = plain_csv.reader(stream)
        head = next(rows)
        for cells in rows:
            if len(cells) != len(head):
                reason = f"it has {len(cells)} fields instead of {len(head)}"
                return bad_row(file, rows.line_num, reason)
            for name, cell in zip(head, cells, strict=True):
                if name in (*REQUIRED, *EXTRAS) and (reason := _cell_problem(name, cell)):
                    return bad_row(file, rows.line_num, reason)
    return None


def _cell_problem(name: str, cell: str) -> str:
    if name == "vm" or (name in EXTRAS and not cell):
        return ""
    if name == "time":
        try:
            aware = datetime.fromisoformat(cell).tzinfo is not None
        except ValueError:
            aware = False
        return "" if aware else f"{cell!r} is not a time with an offset, such as 2026-01-01T00:00Z"
    try:
        float(cell)
    except ValueError:
        return f"{cell!r} in {name} is not a number"
    return "" if "_" not in cell else f"{cell!r} in {name} is not a number"


def _chunk(
    batch: Any, check: RowCheck, refuse: Callable[[int, str], TraceError], part: int
) -> TraceChunk:
    names = batch.column("vm")
    if pa.types.is_dictionary(names.type):  # its own dictionary may be shared and out of order
        names = names.dictionary_decode()
    for name in REQUIRED:
        column = names if name == "vm" else batch.column(name)
        if column.null_count:
            empty = _array(column.is_null().cast(pa.int8()))
            raise refuse(int(np.argmax(empty)), f"{name} is empty")
    names = names.dictionary_encode()
    used = _floats(batch, "cpu_used_cores")
    size = _floats(batch, "vcpu")
    extras = {name: _floats(batch, name) for name in EXTRAS if name in batch.schema.names}
    time_us = _array(batch.column("time").cast(_UTC_US).cast(pa.int64()))
    check.numbers(size, used, extras, refuse)
    chunk = TraceChunk(
        vms=tuple(str(name) for name in names.dictionary.to_pylist()),
        vm=_array(names.indices).astype(np.int32, copy=False),
        time_ms=time_us // 1000,
        size_mcores=np.rint(size * MCORES).astype(np.int64),
        used_ucores=np.rint(used * UCORES).astype(np.int64),
        extras=extras,
        part=part,
    )
    check.order(chunk, refuse)
    return chunk


def _floats(batch: Any, name: str) -> Floats:
    """A column as cores, gibibytes or rates; NaN where it is empty."""
    column = batch.column(name).cast(pa.float64())
    if column.null_count:
        column = compute.fill_null(column, np.nan)
    values: Floats = _array(column)
    return values


def _array(column: Any) -> Any:
    """A column without nulls as numpy, without the detour Arrow's own to_numpy takes."""
    return np.from_dlpack(column)
