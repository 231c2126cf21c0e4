"""Reads readings from JSON lines: one object a line with resource, meter, time, value.

For pools that cannot write Arrow; it is slower, and says which line is wrong. What the values
mean and where their fractions end is `usage.batches`.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from cloudmgr.domain.errors import bad_batch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIELDS = {"resource", "meter", "time", "value"}
_INT64_MAX = 2**63 - 1


def read_json_lines(body: bytes, max_rows: int) -> pa.Table:
    """One row a line, the last line may end in a newline or not. Raises `bad_batch`."""
    resources: list[str] = []
    meters: list[str] = []
    seconds: list[int] = []
    values: list[int | None] = []
    lines = body.split(b"\n")
    if not lines[-1].strip():
        lines.pop()
    if len(lines) > max_rows:
        raise bad_batch("body", f"it has more than {max_rows} rows; send it as several batches")
    for number, line in enumerate(lines, start=1):
        row = _parsed(line, number)
        resources.append(_text(row["resource"], "resource", number))
        meters.append(_text(row["meter"], "meter", number))
        seconds.append(_seconds(row["time"], number))
        values.append(_value(row["value"], number))
    return pa.table(
        {
            "resource": pa.array(resources, pa.string()),
            "meter": pa.array(meters, pa.string()),
            "time": pa.array(seconds, pa.int64()).cast(pa.timestamp("s", tz="UTC")),
            "value": pa.array(values, pa.int64()),
        }
    )


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise bad_batch(f"line {number}", "it is not a JSON object") from error
    if not isinstance(row, dict) or row.keys() != _FIELDS:
        raise bad_batch(
            f"line {number}", "send one object with exactly resource, meter, time and value"
        )
    return row


def _text(value: object, field: str, number: int) -> str:
    if not isinstance(value, str):
        raise bad_batch(f"line {number}", f"{field} is not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise bad_batch(f"line {number}", f"{field} is not valid Unicode") from error
    return value


def _seconds(value: object, number: int) -> int:
    """Whole seconds since 1970 UTC; fractions of a second end here."""
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise bad_batch(
            f"line {number}", 'time is not a moment; write "2026-01-01T00:05:00Z"'
        ) from error
    if moment.tzinfo is None:
        raise bad_batch(
            f"line {number}", 'time has no time zone; write it as "2026-01-01T00:05:00Z"'
        )
    return (moment - _EPOCH) // _SECOND


def _value(value: object, number: int) -> int | None:
    """A whole number, rounded down; None when it is missing or not finite."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_batch(f"line {number}", "value is not a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        value = math.floor(value)
    return max(-_INT64_MAX, min(_INT64_MAX, value))
