"""Working under a lease: each commit on behalf of a message or a job checks that it is still ours.

Owns the check and its prolonging; who takes what up is `outbox` and `jobs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from cloudmgr.domain.errors import lease_lost
from cloudmgr.domain.jobs import Job
from cloudmgr.domain.leases import Backoff, Lease
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.services.world import Node, World

L = TypeVar("L", OutboxMessage, Job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a worker works with. `clock` is the machine's, `outside` whatever those who send need,
    `every` how many seconds lie between two runs of a recurring kind of job."""

    node: Node
    clock: Callable[[], datetime]
    outside: Any = None
    lease_seconds: int = 120
    backoff: Backoff = field(default_factory=Backoff)
    every: Mapping[str, int] = field(default_factory=dict)
    on_fault: Callable[[str, Exception], None] = lambda what, error: None

    def lease(self, token: str) -> Lease:
        return Lease(token, self.clock() + timedelta(seconds=self.lease_seconds))

    def now(self, world: World) -> datetime:
        """The node's time: a rehearsal's own clock, else the machine's."""
        settings = world.seek(NodeSettings, NODE_ID)
        if settings is not None and settings.rehearsal and settings.clock is not None:
            return settings.clock
        return self.clock()


class Held(Generic[L]):
    """A message or a job as it was when this worker took it up."""

    def __init__(self, shop: Workshop, record: L) -> None:
        self.shop = shop
        self.record: L = record
        self._token = record.lease

    @contextmanager
    def transaction(self) -> Iterator[World]:
        """One commit that happens only while the lease is ours, and prolongs it.

        Raises `lease_lost` when another worker took it over or somebody cancelled it.
        """
        kind = type(self.record)
        with self.shop.node.transaction() as world:
            world.lock((kind, self.record.id))
            if world.get(kind, self.record.id).lease != self._token:
                raise lease_lost(kind.__name__, self.record.id)
            yield world
            left = world.get(kind, self.record.id)
            if left.lease == self._token:
                until = self.shop.lease(self._token).until
                left = world.put(replace(left, leased_until=until))
        self.record = left

    def current(self, world: World) -> L:
        """The record as this transaction sees it."""
        found: L = world.get(type(self.record), self.record.id)
        return found


def told(error: Exception) -> str:
    """An unexpected failure in one line, for the record: what a database adds to it could hold
    what was to be stored."""
    first = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {first}"
