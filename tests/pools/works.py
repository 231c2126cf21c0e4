"""A small city with a worker of its own, and pools as processes that it is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cloudmgr.worker  # noqa: F401  (the receivers register themselves)
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.leases import Backoff
from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_interface import PoolResource
from cloudmgr.pools.outside import Limits, Pools
from cloudmgr.services.leases import Workshop
from cloudmgr.services.pools_connection import ConnectPool
from cloudmgr.services.worker import Worker
from tests.pools.serving import client_of, serving
from tests.support.requests import check_conserved
from tests.support.worlds import Town, a_town

QUICK = Limits(exchange_seconds=0.5, attempts=2, wait_seconds=0.3, poll_seconds=1)


class Machine:
    """The machine's clock of a test: goes on when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Works(Town):
    """A town with a worker of its own."""

    def ready(self, folder: Path) -> Works:
        self.machine = Machine()
        self.worker = Worker(
            Workshop(
                node=self,
                clock=self.machine,
                outside=Pools(folder, QUICK),
                lease_seconds=30,
                backoff=Backoff(first_seconds=5, longest_seconds=60, attempts=3),
                every={},
            ),
            "one",
        )
        return self

    def work(self, rounds: int = 1) -> None:
        """Let the worker do all that is due, then time pass; `rounds` times."""
        for _ in range(rounds):
            self.worker.run_until_idle(200)
            self.machine.now += timedelta(seconds=61)


def a_working_town(folder: Path) -> Works:
    """Its secrets folder is `folder`."""
    works = Works()
    other = a_town()
    for kind, records in other.records.items():
        works.records[kind] = dict(records)
    works.numbers.update(other.numbers)
    works.events, works.now = list(other.events), other.now
    return works.ready(folder)


def connected(town: Town, url: str, pool_id: str = "x86") -> None:
    pool = town.look(ResourcePool, pool_id)
    if pool.management_level is not ManagementLevel.SCHEDULING:
        town.change(pool, management_level=ManagementLevel.SCHEDULING)
    town.give(ConnectPool(pool_id=pool_id, url=url), "centre.a")


@contextmanager
def pool_of(town: Town, state: Path, *options: str) -> Iterator[str]:
    """A pool process that the town's x86 pool is connected to."""
    with serving(state, "--resources", "0", *options) as url:
        connected(town, url)
        yield url


def there(url: str) -> dict[str, list[PoolResource]]:
    """What a pool has, by our reference."""
    with client_of(url) as client:
        found: dict[str, list[PoolResource]] = {}
        for each in client.resources():
            found.setdefault(each.reference, []).append(each)
        return found


def recount(town: Town, url: str) -> None:
    """Both sides have the same, each once: nothing is double, nothing is lost."""
    ours = {
        each.id: each
        for each in town.all(Allocation, pool_id="x86")
        if each.delivered_at is not None and each.state is not AllocationState.RELEASED
    }
    theirs = there(url)
    assert {reference: len(each) for reference, each in theirs.items()} == dict.fromkeys(ours, 1)
    for id, allocation in ours.items():
        assert theirs[id][0].id == allocation.provider_resource_id
        if allocation.state is not AllocationState.RESERVED:
            assert theirs[id][0].amounts == tuple(sorted(allocation.resources))
    check_conserved(town)
