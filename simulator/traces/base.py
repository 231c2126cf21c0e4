"""What a trace is: a stream of chunks of CPU readings, and how a bad one is refused.

Owns the shape every reader yields and the one error of bad rows. File formats live one per
module beside it; `registry` knows their names.

A reading says: this VM, of this size, used so many cores at this instant. Sizes are whole
millicores and use is whole microcores, so that everything after the reader is integer work and
gives the same bytes on every machine. Within one VM time never goes back, across chunks too;
different VMs may come one after the other or interleaved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.errors import Invalid

SAMPLE_S = 300
SAMPLE_MS = SAMPLE_S * 1000
DAY_SAMPLES = 24 * 3600 // SAMPLE_S
MCORES = 1_000
UCORES = 1_000_000
PPM = 1_000_000
EXTRAS = ("memory_gib", "memory_used_gib", "net_kib_s")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class TraceError(Invalid):
    """A row or file that is not what its format promises: mend it, or fetch it again."""


def bad_row(file: Path, line: int, reason: str) -> TraceError:
    """`line` is 1-based, the header included."""
    return TraceError(
        "bad_trace",
        f"{file}, line {line}: {reason}; mend or remove that line and read the trace again",
        file=str(file),
        line=line,
        reason=reason,
    )


def bad_parquet_row(file: Path, row_group: int, row: int, reason: str) -> TraceError:
    """`row_group` and `row` within it are 1-based."""
    return TraceError(
        "bad_trace",
        f"{file}, row group {row_group}, row {row}: {reason}; mend or remove that row and read "
        "the trace again",
        file=str(file),
        line=row,
        row_group=row_group,
        row=row,
        reason=reason,
    )


def bad_file(file: Path, reason: str, *, line: int | None = None) -> TraceError:
    """The file as a whole is cut short or of another format; `line` is where that shows."""
    where = f"{file}, line {line}" if line else str(file)
    return TraceError(
        "bad_trace",
        f"{where}: {reason}; fetch the file again from where it came",
        file=str(file),
        line=line,
        reason=reason,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TraceChunk:
    """Some readings; every array has one entry per reading.

    `vm` indexes `vms`; `time_ms` is milliseconds since 1970 UTC; `size_mcores` > 0 and
    `used_ucores` >= 0. `extras` holds those of EXTRAS the trace has, NaN where one reading
    lacks the value. `repeated` counts readings the reader merged into the larger one of their
    five minutes, and `part` says how many of the reader's `parts` are done.
    """

    vms: tuple[str, ...]
    vm: NDArray[np.int32]
    time_ms: Ints
    size_mcores: Ints
    used_ucores: Ints
    extras: dict[str, Floats] = field(default_factory=dict)
    repeated: int = 0
    part: int = 0

    def __len__(self) -> int:
        return len(self.time_ms)

    def share_ppm(self) -> Ints:
        """floor(10^6 x used / size) of every reading, within 0 and 10^6."""
        shares: Ints = np.minimum(self.used_ucores * MCORES // self.size_mcores, PPM)
        return shares

    def by_vm(self) -> Iterator[tuple[str, Ints]]:
        """Each VM of the chunk with the rows that are its own, in their order."""
        if len(self.vms) == 1:
            yield self.vms[0], np.arange(len(self), dtype=np.int64)
            return
        order = np.argsort(self.vm, kind="stable")
        cuts = np.flatnonzero(np.diff(self.vm[order])) + 1
        for rows in np.split(order, cuts):
            if len(rows):
                yield self.vms[int(self.vm[rows[0]])], rows


class TraceReader(Protocol):
    """One trace at one path, in one format."""

    format: str
    path: Path
    clock: str  # where the times come from, for people

    @property
    def parts(self) -> int:
        """How many parts a full reading has, for progress bars."""

    @property
    def extras(self) -> tuple[str, ...]:
        """Which of EXTRAS this trace has."""

    def files(self) -> tuple[Path, ...]:
        """The files it is made of, in reading order."""

    def chunks(self, *, extras: bool = True) -> Iterator[TraceChunk]:
        """Read it from the start; raises `bad_trace`. `extras=False` reads CPU columns only."""

    def order(self, vms: Sequence[str]) -> tuple[str, ...]:
        """VMs in the order a run numbers them, given the order they were first met in."""


def numeric_or_as_met(vms: Sequence[str]) -> tuple[str, ...]:
    """By number when every name is one, otherwise as first met."""
    if all(name.isascii() and name.isdigit() for name in vms):
        return tuple(sorted(vms, key=lambda name: (int(name), name)))
    return tuple(vms)


def plain_files(folder: Path) -> list[Path]:
    """The files of a folder but for hidden ones, by name."""
    return sorted(
        (p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")),
        key=lambda p: p.name,
    )
