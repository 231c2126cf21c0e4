"""Reads a batch of readings (Parquet, Arrow IPC, JSON lines) into the one canonical Arrow table.

Owns where fractions end and what a batch's digest is; which rows count is `usage.quarantine`.
Values become integers by rounding down (so what is below zero stays below zero), times lose
what is below a second; a value that is missing or not finite becomes null and is quarantined.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cloudmgr.domain.errors import Invalid, bad_batch
from cloudmgr.usage.jsonlines import read_json_lines

MAX_ROWS = 5_000_000
"""Rows of one batch; a pool with more sends several batches."""

LONGEST_ID = 200
TIME = pa.timestamp("us", tz="UTC")
NAME = pa.dictionary(pa.int32(), pa.string())
READING_SCHEMA = pa.schema(
    [
        pa.field("resource", NAME, nullable=False),
        pa.field("meter", NAME, nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.int64()),
    ]
)
COLUMNS = tuple(READING_SCHEMA.names)

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_INT64_MAX = 2**63 - 1
_UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_1_SECONDS, _YEAR_9999_SECONDS = -62_135_596_800, 253_402_300_799

Int64s = npt.NDArray[np.int64]


class BatchFormat(StrEnum):
    """What a batch may come as, by media type."""

    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"
    JSON_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Canonical rows (READING_SCHEMA, in the order sent) and the SHA-256 of their content."""

    rows: Any
    digest: str

    @property
    def sent(self) -> int:
        return int(self.rows.num_rows)


def read_batch(body: bytes, form: BatchFormat, *, max_rows: int = MAX_ROWS) -> Batch:
    """Read a received body. Whatever cannot be read raises `bad_batch` and says where."""
    if form is BatchFormat.JSON_LINES:
        return batch_of(read_json_lines(body, max_rows), max_rows=max_rows)
    try:
        table = _read_binary(body, form, max_rows)
        table.validate(full=True)
        return batch_of(table, max_rows=max_rows)
    except Invalid:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        # What Arrow raises for damaged bytes is not one family: UnicodeDecodeError among others.
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise bad_batch("body", f"it is not whole {form.name} ({why})") from error


def batch_of(table: pa.Table, *, max_rows: int = MAX_ROWS) -> Batch:
    """A batch from an Arrow table in memory; raises `bad_batch`."""
    _check_rows(table.num_rows, max_rows)
    rows = canonical(table)
    return Batch(rows, digest_of(rows))


def canonical(table: pa.Table) -> pa.Table:
    """The same rows in READING_SCHEMA, each column one chunk, dictionaries in order of use.

    Takes strings or dictionaries of strings, zoned timestamps of any unit, integers or floats.
    Raises `bad_batch` naming the column, and the row where one row is to blame.
    """
    _check_columns(table.column_names)
    return pa.Table.from_arrays(
        [
            _names(table, "resource"),
            _names(table, "meter"),
            _times(_column(table, "time")),
            _values(_column(table, "value")),
        ],
        schema=READING_SCHEMA,
    )


def digest_of(rows: pa.Table) -> str:
    """SHA-256 over canonical rows: the same rows in the same order, however they were encoded."""
    sha = hashlib.sha256(b"cloudmgr usage batch 1\n" + struct.pack("<q", rows.num_rows))
    for name in ("resource", "meter"):
        column = whole(rows.column(name))
        sha.update(struct.pack("<q", len(column.dictionary)))
        for text in column.dictionary.to_pylist():
            data = text.encode()
            sha.update(struct.pack("<q", len(data)) + data)
        sha.update(np.ascontiguousarray(column.indices.to_numpy(), dtype="<i4").data)
    sha.update(np.ascontiguousarray(as_int64(rows.column("time")), dtype="<i8").data)
    value = whole(rows.column("value"))
    sha.update(np.ascontiguousarray(pc.fill_null(value, 0).to_numpy(), dtype="<i8").data)
    sha.update(np.packbits(pc.is_null(value).to_numpy(zero_copy_only=False)).data)
    return sha.hexdigest()


def as_int64(column: pa.ChunkedArray) -> Int64s:
    """A timestamp or integer column without nulls as 64-bit integers in its own unit."""
    array = whole(column)
    values: Int64s = array.cast(pa.int64()).to_numpy()
    return values


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; columns of one chunk are not copied."""
    if isinstance(column, pa.ChunkedArray):
        if column.num_chunks == 1:
            return column.chunk(0)
        return column.unify_dictionaries().combine_chunks()
    return column


def _read_binary(body: bytes, form: BatchFormat, max_rows: int) -> pa.Table:
    if form is BatchFormat.PARQUET:
        metadata = pq.read_metadata(pa.BufferReader(body))
        _check_rows(metadata.num_rows, max_rows)
        _check_columns(metadata.schema.to_arrow_schema().names)
        # As dictionaries, so that a long id repeated over many rows is never written out.
        with pq.ParquetFile(pa.BufferReader(body), read_dictionary=["resource", "meter"]) as file:
            return file.read(use_threads=False)
    if not body.endswith(_END_OF_STREAM):
        raise bad_batch("body", "the Arrow stream has no end mark, so it was cut short")
    with pa.ipc.open_stream(pa.BufferReader(body)) as stream:
        batches, count = [], 0
        for batch in stream:
            count += batch.num_rows
            _check_rows(count, max_rows)
            batches.append(batch)
        return pa.Table.from_batches(batches, schema=stream.schema)


def _check_columns(names: Sequence[str]) -> None:
    if sorted(names) != sorted(COLUMNS):
        found = ", ".join(names) or "none"
        raise bad_batch("columns", f"found {found}; send exactly {', '.join(COLUMNS)}")


def _check_rows(count: int, max_rows: int) -> None:
    if count > max_rows:
        raise bad_batch("body", f"it has more than {max_rows} rows; send it as several batches")


def _column(table: pa.Table, name: str) -> pa.Array:
    return whole(table.column(name))


def _names(table: pa.Table, name: str) -> pa.Array:
    """A column of ids as a dictionary whose entries are distinct and in order of first use."""
    column = _column(table, name)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if not _is_text(column.type.value_type):
        raise bad_batch(f"column {name}", f"it is {column.type.value_type}, not text")
    if column.null_count:
        _refuse_first(pc.is_null(column.indices), f"{name} is missing")
    distinct = column.dictionary.dictionary_encode()
    codes = pc.take(distinct.indices, column.indices)
    if codes.null_count:
        _refuse_first(pc.is_null(codes), f"{name} is missing")
    codes = codes.to_numpy()
    # Written backwards, so that the first use of each entry is what stays.
    first = np.full(len(distinct.dictionary), len(codes), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    order = np.argsort(first, kind="stable")[: int((first < len(codes)).sum())]
    rank = np.empty(len(first), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    texts = distinct.dictionary.cast(pa.string()).take(pa.array(order))
    _check_ids(texts, first[order], name)
    return pa.DictionaryArray.from_arrays(pa.array(rank[codes], pa.int32()), texts)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _check_ids(texts: pa.Array, first_rows: Int64s, name: str) -> None:
    """Refuse empty and overlong ids at the first row that has one."""
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    bad = np.flatnonzero((lengths == 0) | (lengths > LONGEST_ID))
    if len(bad):
        raise bad_batch(
            f"row {first_rows[bad].min() + 1}", f"{name} must have 1 to {LONGEST_ID} bytes"
        )


def _times(column: pa.Array) -> pa.Array:
    kind = column.type
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        raise bad_batch("column time", f"it is {kind}; send timestamps with the time zone UTC")
    if column.null_count:
        _refuse_first(pc.is_null(column), "time is missing")
    seconds = as_int64(column) // _UNITS_PER_SECOND[kind.unit]
    absurd = (seconds < _YEAR_1_SECONDS) | (seconds > _YEAR_9999_SECONDS)
    if absurd.any():
        _refuse_first(pa.array(absurd), "time is no date of the years 1 to 9999")
    return pa.array(seconds * 10**6, pa.int64()).cast(TIME)


def _values(column: pa.Array) -> pa.Array:
    """Whole numbers; fractions end here, what is not finite becomes null."""
    kind = column.type
    if pa.types.is_null(kind):
        return column.cast(pa.int64())
    if pa.types.is_uint64(kind):
        return pc.min_element_wise(
            column, pa.scalar(_INT64_MAX, pa.uint64()), skip_nulls=False
        ).cast(pa.int64())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if not pa.types.is_floating(kind):
        raise bad_batch("column value", f"it is {kind}; send integers")
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    floors = np.floor(np.where(finite, numbers, 0.0))
    # 2^63 itself is no int64; whatever lies beyond is far above any real reading, and stays so.
    inside = np.clip(floors, -(2.0**63), 2.0**62).astype(np.int64)
    return pa.array(inside, pa.int64(), mask=~finite)


def _refuse_first(bad: pa.Array, why: str) -> None:
    row = pc.index(bad, True).as_py()
    raise bad_batch(f"row {row + 1}", why)
