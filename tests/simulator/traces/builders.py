"""Traces in their true formats, written where a test asks. They are made up, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

FIXTURES = Path(__file__).parent / "fixtures"
DAY = 288
FIRST = datetime(2030, 1, 1, tzinfo=UTC)

Row = tuple[Any, datetime | None, float | None, float | None]


def planetlab_file(folder: Path, name: str, percent: Sequence[object]) -> Path:
    """One VM's file, a line per value."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(f"{value}\n" for value in percent))
    return file


def planetlab_day(folder: Path) -> Path:
    """A day of two VMs: `a` at 100 then 7 percent, `b` counting up from 0 to 100."""
    planetlab_file(folder, "b_example_org", [k % 101 for k in range(DAY)])
    planetlab_file(folder, "a_example_org", [100, *[7] * (DAY - 1)])
    return folder


def readings(
    vm: object,
    used: Sequence[float],
    *,
    size: float = 1,
    start: datetime = FIRST,
    step_s: int = 300,
) -> list[Row]:
    """A VM's rows at even steps."""
    return [(vm, start + timedelta(seconds=step_s * k), size, u) for k, u in enumerate(used)]


def long_parquet(
    file: Path, *groups: Sequence[Row], vm: Any = None, zone: str | None = "UTC"
) -> Path:
    """A long-form Parquet file with one row group per sequence of rows."""
    schema = pa.schema(
        [
            ("vm", vm or pa.string()),
            ("time", pa.timestamp("ms", tz=zone)),
            ("vcpu", pa.float64()),
            ("cpu_used_cores", pa.float64()),
        ]
    )
    with parquet.ParquetWriter(file, schema) as writer:
        for rows in groups:
            columns = [
                pa.array([row[i] for row in rows], schema.field(i).type) for i in range(len(schema))
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    return file


def long_csv(file: Path, rows: Sequence[str], *, head: str = "vm,time,vcpu,cpu_used_cores") -> Path:
    """A long-form CSV file."""
    file.write_text("".join(f"{line}\n" for line in (head, *rows)))
    return file
