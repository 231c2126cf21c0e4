"""One worker's turn: the next message, the next job. Owns nothing else; loops and sleeping are the
edge's. Several workers at once, in threads or in processes, take turns by their leases."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from cloudmgr.services.jobs import run_next
from cloudmgr.services.leases import Workshop
from cloudmgr.services.outbox import deliver_next


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker; no two that live at once have the same `name`."""

    shop: Workshop
    name: str
    _turns: count[int] = field(default_factory=lambda: count(1))

    def run_once(self) -> bool:
        """Do one message and one job; False when neither was due."""
        token = f"{self.name}/{next(self._turns)}"
        sent = deliver_next(self.shop, token)
        ran = run_next(self.shop, token)
        return sent or ran

    def run_until_idle(self, at_most: int = 10_000) -> int:
        """Turns until nothing is due; returns how many did something."""
        for turns in range(at_most):
            if not self.run_once():
                return turns
        return at_most
