"""PlanetLab day folders: a file per VM, 288 lines of whole percent, five minutes apart.

Owns that format. The files carry no size and no clock: a VM is one core, and the day is the
folder's name when that reads YYYYMMDD, otherwise 1970-01-01, which `clock` says.
Source of the format: the CoMon data as distributed with CloudSim (Beloglazov and Buyya, 2012).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from simulator.traces.base import (
    DAY_SAMPLES,
    MCORES,
    SAMPLE_MS,
    UCORES,
    Ints,
    TraceChunk,
    bad_file,
    bad_row,
    plain_files,
)

_PERCENT = {str(value).encode(): value for value in range(101)}


class PlanetLabReader:
    """A day folder, or one of its files."""

    format = "planetlab"

    def __init__(self, path: Path) -> None:
        self.path = path
        folder = path if path.is_dir() else path.parent
        self._files = tuple(plain_files(path)) if path.is_dir() else (path,)
        if not self._files:
            raise bad_file(path, "the folder holds no files; point to one day's folder")
        self._start_ms, self.clock = _day_of(folder.name)

    @property
    def parts(self) -> int:
        return len(self._files)

    @property
    def extras(self) -> tuple[str, ...]:
        return ()

    def files(self) -> tuple[Path, ...]:
        return self._files

    def chunks(self, *, extras: bool = True) -> Iterator[TraceChunk]:
        time_ms = self._start_ms + np.arange(DAY_SAMPLES, dtype=np.int64) * SAMPLE_MS
        for part, file in enumerate(self._files, start=1):
            yield TraceChunk(
                vms=(file.name,),
                vm=np.zeros(DAY_SAMPLES, dtype=np.int32),
                time_ms=time_ms,
                size_mcores=np.full(DAY_SAMPLES, MCORES, dtype=np.int64),
                used_ucores=read_percent(file) * (UCORES // 100),
                part=part,
            )

    def order(self, vms: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(vms))


def read_percent(file: Path) -> Ints:
    """The 288 percentages of one file; raises `bad_trace` with the line."""
    lines = file.read_bytes().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    values = []
    for number, line in enumerate(lines, start=1):
        value = _PERCENT.get(line.rstrip(b"\r"))
        if value is None:
            text = line.decode("utf-8", "replace")[:40]
            raise bad_row(file, number, f"{text!r} is not a whole percentage from 0 to 100")
        values.append(value)
    if len(values) != DAY_SAMPLES:
        raise bad_file(
            file,
            f"it has {len(values)} lines, and a day has {DAY_SAMPLES}",
            line=min(len(values), DAY_SAMPLES) + 1,
        )
    return np.array(values, dtype=np.int64)


def _day_of(name: str) -> tuple[int, str]:
    """The first instant in milliseconds, and the words for where it comes from."""
    if len(name) == 8 and name.isascii() and name.isdigit():
        try:
            day = datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return int(day.timestamp()) * 1000, "the folder's name; the files carry none"
    return 0, "none in the files or the folder's name; counted from 1970-01-01"
