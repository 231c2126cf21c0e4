"""What a trace holds, in one pass: counts, times, gaps, repeats and the fleet's use. Owns the
figures of `simulator traces inspect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from simulator.traces.base import MCORES, PPM, SAMPLE_MS, Ints, TraceChunk, TraceReader
from simulator.traces.registry import byte_size, file_digest

_BINS = 10_000
_PPM_PER_BIN = PPM // _BINS


@dataclass(frozen=True, slots=True)
class Inspection:
    """Figures of a whole trace.

    `interval_s` is the most common step between readings of one VM; `gaps` counts the five
    minutes without a reading between a VM's first and last; `repeated_timestamps` the readings
    that share their five minutes with an earlier one of the same VM; `over_size` those that
    used more than the VM's size. The CPU figures are percent of size over all readings, at most
    100; the 95th percentile is the least hundredth of a percent that 95 % do not exceed.
    """

    format: str
    vms: int
    samples: int
    interval_s: int | None
    start: str | None
    end: str | None
    clock: str
    gaps: int
    repeated_timestamps: int
    over_size: int
    cpu_mean_pct: float
    cpu_p95_pct: float
    cpu_max_pct: float
    bytes: int
    digest: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def inspect(reader: TraceReader, *, step: Callable[[int], None]) -> Inspection:
    """Read the whole trace once; raises `bad_trace`."""
    tally = _Tally()
    for chunk in reader.chunks(extras=False):
        tally.add(chunk)
        step(chunk.part)
    mean, p95, most = tally.cpu_pct()
    return Inspection(
        format=reader.format,
        vms=len(tally.last_ms),
        samples=tally.samples,
        interval_s=tally.interval_s(),
        start=_iso(tally.start_ms),
        end=_iso(tally.end_ms),
        clock=reader.clock,
        gaps=tally.gaps,
        repeated_timestamps=tally.repeated,
        over_size=tally.over_size,
        cpu_mean_pct=mean,
        cpu_p95_pct=p95,
        cpu_max_pct=most,
        bytes=byte_size(reader),
        digest=file_digest(reader),
    )


class _Tally:
    """Sums over readings; the work of a chunk does not depend on what came before it but for
    each VM's last instant."""

    def __init__(self) -> None:
        self.samples = self.gaps = self.repeated = self.over_size = 0
        self.start_ms: int | None = None
        self.end_ms: int | None = None
        self.last_ms: dict[str, int] = {}
        self._steps: Counter[int] = Counter()
        self._sum_ppm = 0
        self._max_ppm = 0
        self._histogram: Ints = np.zeros(_BINS + 1, dtype=np.int64)

    def add(self, chunk: TraceChunk) -> None:
        if not len(chunk):
            return
        self.samples += len(chunk)
        self.repeated += chunk.repeated
        self.over_size += int((chunk.used_ucores > chunk.size_mcores * MCORES).sum())
        first, last = int(chunk.time_ms.min()), int(chunk.time_ms.max())
        self.start_ms = first if self.start_ms is None else min(self.start_ms, first)
        self.end_ms = last if self.end_ms is None else max(self.end_ms, last)
        shares = chunk.share_ppm()
        self._sum_ppm += int(shares.sum())
        self._max_ppm = max(self._max_ppm, int(shares.max()))
        self._histogram += np.bincount(-(-shares // _PPM_PER_BIN), minlength=_BINS + 1)
        for vm, rows in chunk.by_vm():
            self._add_times(vm, chunk.time_ms[rows])

    def _add_times(self, vm: str, time_ms: Ints) -> None:
        before = self.last_ms.get(vm)
        if before is not None:
            time_ms = np.concatenate(([before], time_ms))
        self.last_ms[vm] = int(time_ms[-1])
        slots = np.diff(time_ms // SAMPLE_MS)
        self.repeated += int((slots == 0).sum())
        self.gaps += int((slots[slots > 0] - 1).sum())
        steps, counts = np.unique(np.diff(time_ms), return_counts=True)
        self._steps.update(dict(zip(steps.tolist(), counts.tolist(), strict=True)))

    def interval_s(self) -> int | None:
        """The commonest step, the shorter one of two equally common."""
        steps = {step: count for step, count in self._steps.items() if step > 0}
        if not steps:
            return None
        return int(min(steps, key=lambda step: (-steps[step], step))) // 1000

    def cpu_pct(self) -> tuple[float, float, float]:
        """Mean, 95th percentile and maximum."""
        if not self.samples:
            return 0.0, 0.0, 0.0
        rank = -(-self.samples * 95 // 100)
        at = int(np.searchsorted(np.cumsum(self._histogram), rank))
        percent = PPM // 100
        mean = round(self._sum_ppm / self.samples / percent, 4)
        return mean, at * _PPM_PER_BIN / percent, self._max_ppm / percent


def _iso(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
