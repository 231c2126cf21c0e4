"""A node, its workers and a pool as real processes, killed in the middle of their work.

Whatever is killed, and whatever the pool answers, both sides have the same in the end: every line
is made once, none is lost. Both are counted anew, from the pool's own list and the node's records.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import httpx
import pytest
from sqlalchemy.engine import URL

from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_orders import PoolOrder, PoolOrderState
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.domain.workorders import WorkOrder, WorkOrderState
from cloudmgr.services.pools_connection import ConnectPool
from cloudmgr.services.pools_orders_results import DecidePoolOrder
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from simulator.pool.failures import Failure
from simulator.pool.lies import Lie
from tests.pools.serving import serving
from tests.pools.works import recount
from tests.support.api import bearer, give_tokens, secret_of
from tests.support.postgres import fresh_database
from tests.support.requests import a_line, approved, confirmed, dispatched, look
from tests.support.served import COMMAND, free_port
from tests.support.stored_town import StoredTown, move_in
from tests.support.worlds import a_town

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
PATIENCE_SECONDS = 240.0
LATE = ("--late", "700")
SETTINGS = {
    "CLOUDMGR_WORKER_LEASE_SECONDS": "3",
    "CLOUDMGR_WORKER_IDLE_SECONDS": "0.05",
    "CLOUDMGR_WORKER_RETRY_SECONDS": "1",
    "CLOUDMGR_WORKER_LONGEST_RETRY_SECONDS": "1",
    "CLOUDMGR_POOL_EXCHANGE_SECONDS": "0.4",
    "CLOUDMGR_POOL_POLL_SECONDS": "1",
    "CLOUDMGR_POOL_HEALTH_SECONDS": "3600",
    "CLOUDMGR_POOL_INCIDENTS_SECONDS": "3600",
}


class Process:
    """`cloudmgr worker` or `cloudmgr serve` on a database, killed when the block ends."""

    def __init__(self, folder: Path, url: str, *words: str) -> None:
        self._folder = folder
        self._url = url
        self._words = words
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDMGR")}
        words = [*COMMAND, *self._words, "--data", str(self._folder)]
        environment = {**own, **SETTINGS, "CLOUDMGR_DATABASE_URL": self._url}
        with (self._folder / f"{self._words[0]}.log").open("a") as told:
            self._running = subprocess.Popen(words, stdout=told, stderr=told, env=environment)

    def check(self) -> None:
        """Fail with its last words where it has ended by itself."""
        ended = self._running is not None and self._running.poll() is not None
        assert not ended, (self._folder / f"{self._words[0]}.log").read_text()[-2000:]

    def kill(self) -> None:
        """As the power would: nothing is finished, nothing is closed."""
        if self._running is not None:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait()
            self._running = None


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated empty database of each kind."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'node.db'}"
        upgrade(made)
        yield made
        return
    server: URL = request.getfixturevalue("postgres_server")
    with fresh_database(server) as database:
        text = database.render_as_string(hide_password=False)
        upgrade(text)
        yield text


@contextmanager
def stored_town(url: str) -> Iterator[StoredTown]:
    """The small city on that database, its x86 pool at scheduling level; all have tokens."""
    node = SqlNode(url, MemoryLake(), durable=False)
    town = move_in(a_town(), node)
    with node.transaction() as world:
        give_tokens(world, town.now)
    pool = town.look(ResourcePool, "x86")
    town.change(pool, management_level=ManagementLevel.SCHEDULING)
    # The other pool is worked by people: nothing of these requests may go there.
    town.change(town.look(ResourcePool, "kunpeng"), department_ids=("transport",))
    yield town
    node.close()


def soon(what: str, seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Turns of waiting; fails when there have been enough."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def dispatch_over_http(served: str, serve: Process, request: ResourceRequest) -> None:
    """As the desk does it; asked again under its key for as long as nobody answers."""
    headers = {**bearer(secret_of("desk.b")), "Idempotency-Key": f"dispatch-{request.id}"}
    for _ in soon(f"the dispatch of {request.id}"):
        try:
            path = f"{served}/api/v1/requests/{request.id}/dispatch"
            answer = httpx.post(path, headers=headers, timeout=5)
        except httpx.TransportError:
            serve.check()
            continue
        assert answer.is_success, answer.text
        return


def ordered(town: StoredTown) -> tuple[int, int]:
    """How many orders are begun and open, and how many have ended."""
    orders = town.all(PoolOrder)
    sent = sum(each.state is PoolOrderState.SENT for each in orders)
    return sent, sum(not each.open for each in orders)


def all_delivered(town: StoredTown, requests: list[ResourceRequest]) -> bool:
    states = {look(town, request).state for request in requests}
    return states == {RequestState.AWAITING_CONFIRMATION}


def settled(
    town: StoredTown, requests: list[ResourceRequest], pool: str, workers: list[Process]
) -> None:
    """Wait for every delivery, confirm it, count both sides."""
    for _ in soon("the last delivery"):
        if all_delivered(town, requests):
            break
        for worker in workers:
            worker.check()
    for request in requests:
        confirmed(town, request)
    recount(town, pool)
    assert len(town.all(WorkOrder, state=WorkOrderState.DONE)) == len(requests)
    assert not town.all(WorkOrder, state=(WorkOrderState.OPEN, WorkOrderState.ACCEPTED))


def lived_through(
    url: str, folder: Path, *, requests: int, kills: int, workers: int, seed: int
) -> None:
    """Dispatch over HTTP, kill a worker each time an order was just begun, now and then the node
    or the pool too; then let everything be and count."""
    chance = random.Random(seed)
    state, node_port = folder / "pool", free_port()
    mishaps = ("--fail-percent", "25", "--seed", str(seed), "--delay", "60", "--work", "300")
    with ExitStack() as stack, stored_town(url) as town:
        made = [
            approved(town, *(a_line(line=1 + n) for n in range(1 + number % 2)))
            for number in range(requests)
        ]
        serve = Process(folder, url, "serve", "--port", str(node_port))
        stack.enter_context(serve)
        some = [stack.enter_context(Process(folder, url, "worker")) for _ in range(workers)]
        with serving(state, "--resources", "0", *mishaps, *LATE) as pool:
            town.give(ConnectPool(pool_id="x86", url=pool), "centre.a")
            for request in made:
                dispatch_over_http(f"http://127.0.0.1:{node_port}", serve, request)
            for _ in range(kills):
                _kill_when_begun(town, [serve, *some], chance)
        for process in (serve, *some):  # the pool was killed too, and comes back at its address
            process.kill()
        with serving(state, "--resources", "0") as pool:
            town.give(ConnectPool(pool_id="x86", url=pool), "centre.a")
            for process in some:
                process.start()
            settled(town, made, pool, some)


def _kill_when_begun(town: StoredTown, processes: list[Process], chance: random.Random) -> None:
    """Whoever began an order is killed in the middle of it: all are, and all start again."""
    before = ordered(town)
    for _ in soon("a step of any order"):
        now = ordered(town)
        if now != before or (now[0] == 0 and now[1] > 0):
            break
    time.sleep(chance.random() * 0.3)
    for process in processes:
        process.kill()
    for process in processes:
        process.start()


@pytest.mark.parametrize("seed", [1])
def test_workers_killed_while_they_order_make_nothing_twice_and_lose_nothing(
    url: str, tmp_path: Path, seed: int
) -> None:
    lived_through(url, tmp_path, requests=2, kills=1, workers=1, seed=seed)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [2])
def test_many_workers_killed_many_times_make_nothing_twice_and_lose_nothing(
    url: str, tmp_path: Path, seed: int
) -> None:
    lived_through(url, tmp_path, requests=12, kills=6, workers=2, seed=seed)


WRONG = (
    (),
    ("--lie", str(Lie.DOUBLE_PROVISION)),
    ("--lie", str(Lie.PHANTOM_SUCCESS)),
    ("--lie", str(Lie.NEVER_DOES)),
    ("--fail-percent", "100", "--fail", str(Failure.CUT)),
    ("--fail-percent", "100", "--fail", str(Failure.HELD_UP), *LATE),
    ("--fail-percent", "100", "--fail", str(Failure.TWICE)),
)


@pytest.mark.parametrize("options", [WRONG[1], WRONG[4]], ids=" ".join)
def test_a_worker_killed_before_a_wrong_pool_ends_exact_when_the_pool_is_right_again(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    upgrade(url)
    wrong_then_right(url, tmp_path, options)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_whatever_a_pool_does_wrong_both_sides_end_alike(
    url: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    wrong_then_right(url, tmp_path, options)


def wrong_then_right(url: str, folder: Path, options: tuple[str, ...]) -> None:
    """Ordered from a pool that does wrong, the worker killed over it; then it does right."""
    state = folder / "pool"
    with stored_town(url) as town, Process(folder, url, "worker") as worker:
        made = [approved(town, a_line()) for _ in range(2)]
        with serving(state, "--resources", "0", *options) as pool:
            town.give(ConnectPool(pool_id="x86", url=pool), "centre.a")
            for request in made:
                dispatched(town, request)
            for _ in soon("an order"):
                if sum(ordered(town)):
                    break
            time.sleep(0.2)
            worker.kill()
            worker.start()
            time.sleep(6)
        worker.kill()
        with serving(state, "--resources", "0") as pool:
            town.give(ConnectPool(pool_id="x86", url=pool), "centre.a")
            _said_what_never_was(town)
            worker.start()
            for request in made:
                _asked_again(town, request)
            settled(town, made, pool, [worker])


def _said_what_never_was(town: StoredTown) -> None:
    """A pool that reports what it never made reports it for ever: the reviewer has looked."""
    for order in town.all(PoolOrder, state=PoolOrderState.SENT):
        if "does not show" in order.problem:
            reason = "there is no such machine in the pool's console"
            decision = DecidePoolOrder(pool_order_id=order.id, done=False, reason=reason)
            town.give(decision, "centre.a")


def _asked_again(town: StoredTown, request: ResourceRequest) -> None:
    """What failed is dispatched again, as the desk does."""
    refused = [each for each in town.all(PoolOrder, request_id=request.id) if each.decided_by]
    if not refused:
        return
    for _ in soon(f"the failure of {request.id}"):
        if look(town, request).state is RequestState.FAILED:
            break
    dispatched(town, request)


def test_the_processes_of_this_file_are_the_commands_people_run() -> None:
    told = subprocess.run(
        [*COMMAND, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "worker" in told.stdout
    assert sys.executable == COMMAND[0]
