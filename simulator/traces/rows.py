"""What every reading must be, whatever file it came from. Owns the checks, not the messages' place.

A reader passes `refuse(row, reason)`, which knows how its file counts rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulator.traces.base import MCORES, Floats, TraceChunk, TraceError

Refuse = Callable[[int, str], TraceError]
_LARGEST_CORES = 1e6
_LARGEST_EXTRA = 1e15


class RowCheck:
    """Checks one reading after the other across chunks; remembers each VM's last instant."""

    def __init__(self) -> None:
        self._last_ms: dict[str, int] = {}

    def numbers(
        self, size: Floats, used: Floats, extras: Mapping[str, Floats], refuse: Refuse
    ) -> None:
        """Sizes in cores above 0 (at least a millicore), use from 0 up, extras from 0 up or NaN."""
        least = 1 / MCORES
        self._within(size, least, _LARGEST_CORES, "vcpu must be a number above 0", refuse)
        self._within(
            used, 0.0, _LARGEST_CORES, "cpu_used_cores must be a number of at least 0", refuse
        )
        for name, values in extras.items():
            known = np.where(np.isnan(values), 0.0, values)
            self._within(known, 0.0, _LARGEST_EXTRA, f"{name} must not be negative", refuse)

    def order(self, chunk: TraceChunk, refuse: Refuse) -> None:
        """Within one VM time does not go back, and every VM has a name."""
        worst: tuple[int, str] | None = None
        for vm, rows in chunk.by_vm():
            if not vm:
                raise refuse(int(rows[0]), "vm is empty")
            time_ms = chunk.time_ms[rows]
            before = np.diff(time_ms, prepend=self._last_ms.get(vm, time_ms[0])) < 0
            if before.any():
                at = int(rows[int(np.argmax(before))])
                if worst is None or at < worst[0]:
                    worst = (at, vm)
            self._last_ms[vm] = int(time_ms[-1])
        if worst:
            raise refuse(worst[0], f"time goes back in VM {worst[1]}; sort each VM's rows by time")

    @staticmethod
    def _within(values: Floats, low: float, high: float, rule: str, refuse: Refuse) -> None:
        wrong = ~((values >= low) & (values <= high))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise refuse(at, f"{rule}, and it is {values[at]:g}")
