"""What a city follows: each VM's CPU use as a share of its size. Owns the grid and the repeat.

A share is a whole number of millionths (ppm): floor(10^6 x used / size), at most 10^6, with
`used` in whole microcores and `size` in whole millicores. Sample k of a VM is the five minutes
k after the five minutes of its first reading; of several readings in one sample the larger
share stands, and a sample without a reading repeats the one before it. Allocation i follows
trace i mod n, and a trace repeats its whole days (288 samples each); what lies beyond the last
whole day is not used, and a trace shorter than a day is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.errors import Invalid
from simulator.traces.base import DAY_SAMPLES, SAMPLE_MS, Ints, TraceChunk
from simulator.traces.registry import file_digest, open_trace

RECORDED = "录得数据 recorded"
SYNTHETIC = "合成数据 synthetic"


@dataclass(frozen=True, slots=True, eq=False)
class TraceShares:
    """Shares of n traces, end to end in `flat_ppm`.

    Trace j starts at `starts[j]` and repeats after `periods[j]` samples, a whole number of days.
    `horizon` is the first sample that was not loaded for some trace that goes on, None when
    every trace is here in full.
    """

    names: tuple[str, ...]
    flat_ppm: NDArray[np.int32]
    starts: Ints
    periods: Ints
    horizon: int | None
    digest: str
    format: str
    synthetic: bool = False

    def __len__(self) -> int:
        return len(self.names)

    @property
    def label(self) -> str:
        """What reports write beside figures made from it."""
        return SYNTHETIC if self.synthetic else RECORDED

    @property
    def shares_ppm(self) -> tuple[Ints, ...]:
        """Each trace's loaded samples, in order."""
        ends = [*self.starts[1:], len(self.flat_ppm)]
        return tuple(
            self.flat_ppm[start:end].astype(np.int64)
            for start, end in zip(self.starts, ends, strict=True)
        )

    def share_at(self, i: int, k: int) -> int:
        """The share of allocation i at sample k, in ppm."""
        return int(self.block([i], k, 1)[0, 0])

    def window(self, i: int, start_sample: int, count: int) -> Ints:
        """Shares of allocation i at `count` samples from `start_sample` on, in ppm."""
        row: Ints = self.block([i], start_sample, count)[0]
        return row

    def block(self, indices: Sequence[int] | Ints, start: int, count: int) -> Ints:
        """(len(indices), count) shares in ppm; raises `bad_trace_window`."""
        chosen = np.asarray(indices, dtype=np.int64)
        beyond = self.horizon is not None and start + count > self.horizon
        if start < 0 or count < 0 or beyond or (chosen < 0).any():
            raise Invalid(
                "bad_trace_window",
                f"samples {start} to {start + count} are outside the {self.horizon or 'whole'} "
                "loaded; load the trace with more samples",
            )
        chosen %= len(self)
        samples = np.arange(start, start + count, dtype=np.int64)
        periods = self.periods[chosen]
        if count and start + count > int(self.periods.min()):
            at = samples[None, :] % periods[:, None]
        else:
            at = np.broadcast_to(samples, (len(chosen), count))
        return self.flat_ppm[self.starts[chosen][:, None] + at].astype(np.int64)


def load_shares(path: Path, format: str, *, samples_needed: int | None = None) -> TraceShares:
    """Read a recorded trace, at most `samples_needed` samples of each VM (all when None).

    Raises `bad_trace`, `trace_too_short`, `unknown_trace_format`, `trace_not_found`.
    """
    reader = open_trace(path, format)
    grid = ShareGrid(samples_needed)
    for chunk in reader.chunks(extras=False):
        grid.add(chunk)
    names = reader.order(grid.names)
    return grid.shares(names, digest=file_digest(reader), format=format)


class ShareGrid:
    """Gathers readings, chunk by chunk, into shares on the five-minute grid."""

    def __init__(self, samples_needed: int | None = None) -> None:
        self._needed = samples_needed
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._runs: dict[str, list[tuple[Ints, Ints]]] = {}

    @property
    def names(self) -> list[str]:
        """VMs in the order they were first met."""
        return list(self._first)

    def add(self, chunk: TraceChunk) -> None:
        slots = chunk.time_ms // SAMPLE_MS
        shares = chunk.share_ppm()
        for vm, rows in chunk.by_vm():
            mine = slots[rows]
            first = self._first.setdefault(vm, int(mine[0]))
            self._last[vm] = int(mine[-1])
            mine = mine - first
            if self._needed is not None:
                mine = mine[: np.searchsorted(mine, self._needed)]
            if len(mine):
                run = (mine, shares[rows[: len(mine)]])
                self._runs.setdefault(vm, []).append(run)

    def shares(self, names: Sequence[str], *, digest: str, format: str) -> TraceShares:
        """The traces in this order; raises `trace_too_short`."""
        kept: list[NDArray[np.int32]] = []
        periods: list[int] = []
        cut = False
        for vm in names:
            length = self._last[vm] - self._first[vm] + 1
            period = length // DAY_SAMPLES * DAY_SAMPLES
            if period == 0:
                raise Invalid(
                    "trace_too_short",
                    f"VM {vm} has {length} samples, and a trace needs at least one day "
                    f"({DAY_SAMPLES}); leave it out or bring a longer one",
                    vm=vm,
                    samples=length,
                )
            keep = period if self._needed is None else min(period, self._needed)
            cut |= keep < period
            kept.append(self._filled(vm, keep))
            periods.append(period)
        if not kept:
            raise Invalid("trace_too_short", "the trace holds no VM; bring one that does")
        lengths = np.array([len(each) for each in kept], dtype=np.int64)
        return TraceShares(
            names=tuple(names),
            flat_ppm=np.concatenate(kept),
            starts=np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64),
            periods=np.array(periods, dtype=np.int64),
            horizon=self._needed if cut else None,
            digest=digest,
            format=format,
        )

    def _filled(self, vm: str, keep: int) -> NDArray[np.int32]:
        """One VM's first `keep` samples, gaps repeating the sample before them."""
        slots = np.concatenate([run[0] for run in self._runs[vm]])
        shares = np.concatenate([run[1] for run in self._runs[vm]])
        firsts = np.flatnonzero(np.diff(slots, prepend=-1))
        slots, shares = slots[firsts], np.maximum.reduceat(shares, firsts)
        lengths = np.diff(slots, append=max(keep, int(slots[-1]) + 1))
        return np.repeat(shares, lengths)[:keep].astype(np.int32)
