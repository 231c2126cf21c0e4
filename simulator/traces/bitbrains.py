"""Bitbrains of the Grid Workloads Archive (GWA-T-12): `;` separated, one N.csv per VM.

Owns that format and its quirks: the header says milliseconds but times are seconds; a
timestamp or a five-minute bin may repeat, and then the larger value of each column stands;
months lie in folders of their own (2013-7, 2013-8, ...), which one path may hold together.
Use is cores x percent / 100.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from simulator.traces.base import (
    MCORES,
    SAMPLE_MS,
    SAMPLE_S,
    Floats,
    Ints,
    TraceChunk,
    bad_file,
    bad_row,
    numeric_or_as_met,
    plain_files,
)

COLUMNS = (
    "Timestamp [ms]",
    "CPU cores",
    "CPU capacity provisioned [MHZ]",
    "CPU usage [MHZ]",
    "CPU usage [%]",
    "Memory capacity provisioned [KB]",
    "Memory usage [KB]",
    "Disk read throughput [KB/s]",
    "Disk write throughput [KB/s]",
    "Network received throughput [KB/s]",
    "Network transmitted throughput [KB/s]",
)
_CPU = (0, 1, 4)
_ALL = (0, 1, 4, 5, 6, 9, 10)
_KIB_PER_GIB = 1024 * 1024
_YEAR_2200_S = 7_258_118_400


class BitbrainsReader:
    """A month's folder, a folder of months, or one VM's file."""

    format = "bitbrains"
    clock = "the files"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._vms = _files_by_vm(path)

    @property
    def parts(self) -> int:
        return len(self._vms)

    @property
    def extras(self) -> tuple[str, ...]:
        return ("memory_gib", "memory_used_gib", "net_kib_s")

    def files(self) -> tuple[Path, ...]:
        return tuple(file for files in self._vms.values() for file in files)

    def chunks(self, *, extras: bool = True) -> Iterator[TraceChunk]:
        wanted = _ALL if extras else _CPU
        for part, (vm, files) in enumerate(self._vms.items(), start=1):
            months = [read_columns(file, wanted) for file in files]
            yield _binned(vm, [np.concatenate(c) for c in zip(*months, strict=True)], part)

    def order(self, vms: Sequence[str]) -> tuple[str, ...]:
        return numeric_or_as_met(vms)


def read_columns(file: Path, wanted: Sequence[int]) -> list[Floats]:
    """The columns of COLUMNS at these positions, checked; raises `bad_trace` with the line."""
    _check_frame(file)
    names = [f"c{i}" for i in range(len(COLUMNS))]
    try:
        table: Any = csv.read_csv(
            file,
            read_options=csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=csv.ParseOptions(delimiter=";", ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float64()),
                include_columns=[names[i] for i in wanted],
                null_values=[],
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _first_bad_line(file) or bad_file(file, str(error)) from error
    columns = [_floats(table.column(names[i])) for i in wanted]
    _check_values(file, wanted, columns)
    return columns


def _floats(column: Any) -> Floats:
    whole: Any = pa.concat_arrays(column.chunks)
    values: Any = np.from_dlpack(whole)
    return np.asarray(values, dtype=np.float64)


def _check_frame(file: Path) -> None:
    """Header and line end, the two signs that the file is whole."""
    with file.open("rb") as stream:
        header = tuple(cell.strip() for cell in _text(stream.readline()).split(";"))
        if header != COLUMNS:
            raise bad_row(file, 1, "the header is not that of the Bitbrains archive")
        if not stream.readline():
            raise bad_row(file, 2, "there is no reading after the header")
        stream.seek(-1, 2)
        if stream.read(1) != b"\n":
            lines = file.read_bytes().count(b"\n") + 1
            raise _first_bad_line(file) or bad_file(
                file, "the last line has no line end, so the file may be cut short", line=lines
            )


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _first_bad_line(file: Path) -> Exception | None:
    """Read line by line, slowly, to say which one the fast parser choked on."""
    with file.open(encoding="utf-8", errors="replace") as stream:
        next(stream)
        for number, line in enumerate(stream, start=2):
            cells = line.rstrip("\r\n").split(";")
            if len(cells) != len(COLUMNS):
                reason = f"it has {len(cells)} fields instead of {len(COLUMNS)}"
                return bad_row(file, number, reason)
            for name, cell in zip(COLUMNS, cells, strict=True):
                if not _is_number(cell):
                    return bad_row(file, number, f"{cell.strip()!r} in {name} is not a number")
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _check_values(file: Path, wanted: Sequence[int], columns: Sequence[Floats]) -> None:
    for position, values in zip(wanted, columns, strict=True):
        low, high = (1.0, 1e6) if position == 1 else (0.0, 1e15)
        reason = f"is not a {COLUMNS[position]} of at least {low:g}"
        wrong = ~((values >= low) & (values <= high))
        if position == 0:
            wrong |= (values != np.floor(values)) | (values >= _YEAR_2200_S)
            reason = "is not a time in whole seconds since 1970 (the archive's header says ms)"
        if wrong.any():
            row = int(np.argmax(wrong))
            raise bad_row(file, row + 2, f"{values[row]:.15g} {reason}")


def _binned(vm: str, columns: Sequence[Floats], part: int) -> TraceChunk:
    """One VM's readings on the five-minute grid, the larger value where a bin repeats."""
    bins: Ints = columns[0].astype(np.int64) // SAMPLE_S
    order = np.argsort(bins, kind="stable")
    bins = bins[order]
    firsts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))

    def largest(values: Floats) -> Floats:
        return np.maximum.reduceat(values[order], firsts)

    cores, percent = columns[1], columns[2]
    extras: dict[str, Floats] = {}
    if len(columns) == len(_ALL):
        extras = {
            "memory_gib": largest(columns[3]) / _KIB_PER_GIB,
            "memory_used_gib": largest(columns[4]) / _KIB_PER_GIB,
            "net_kib_s": largest(columns[5] + columns[6]),
        }
    return TraceChunk(
        vms=(vm,),
        vm=np.zeros(len(firsts), dtype=np.int32),
        time_ms=bins[firsts] * SAMPLE_MS,
        size_mcores=np.rint(largest(cores) * MCORES).astype(np.int64),
        used_ucores=np.rint(largest(cores * percent) * 10_000).astype(np.int64),
        extras=extras,
        repeated=len(bins) - len(firsts),
        part=part,
    )


def _files_by_vm(path: Path) -> dict[str, tuple[Path, ...]]:
    """Each VM's files in month order, VMs by number."""
    if path.is_file():
        return {path.stem: (path,)}
    months = sorted(
        (p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")),
        key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)],
    )
    found: dict[str, list[Path]] = {}
    for folder in [path, *months]:
        for file in plain_files(folder):
            if not re.fullmatch(r"\d+\.csv", file.name):
                raise bad_file(file, "a Bitbrains folder holds files named N.csv only")
            found.setdefault(file.stem, []).append(file)
    if not found:
        raise bad_file(path, "the folder holds no N.csv files")
    return {vm: tuple(found[vm]) for vm in numeric_or_as_met(list(found))}
