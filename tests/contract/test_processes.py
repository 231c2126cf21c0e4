"""Several processes on one database: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cloudmgr.domain import audit
from cloudmgr.domain.capacity import Inventory, hold
from cloudmgr.domain.errors import Conflict, Unavailable
from cloudmgr.domain.parties import Region
from cloudmgr.store.world import SqlNode, SqlWorld
from cloudmgr.usage.lake import MemoryLake
from tests.contract.samples import inventory, record, region

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, TIMES = 4, 25

Step = Callable[[SqlWorld], None]


def test_a_counter_put_by_four_processes_ends_exact(url: str, sql: SqlNode) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.contract.hammer", url, str(TIMES), f"process {number}"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    complaints = [each.communicate(timeout=120)[1] for each in crowd]
    assert [each.returncode for each in crowd] == [0] * PROCESSES, complaints
    done = PROCESSES * TIMES
    with sql.reading() as world:
        assert [each.held for each in world.find(Inventory)] == [done, done]
        # The first put made each counter, every other counted one up.
        assert [each.version for each in world.find(Inventory)] == [done + 1, done + 1]
        regions = [each.id for each in world.find(Region)]
        assert regions == [f"R-{number:08d}" for number in range(1, done + 1)]
        assert audit.verify(world.audit_events()) == done


def test_a_reader_does_not_wait_for_a_writer_and_sees_one_moment(sql: SqlNode) -> None:
    with sql.transaction() as world:
        world.put(region("before"))
    with sql.transaction() as writing, sql.reading() as reading:
        writing.put(region("after"))
        assert [each.id for each in reading.find(Region)] == ["before"]
        assert reading.seek(Region, "after") is None
    with sql.transaction() as writing, sql.reading() as reading:
        assert len(reading.find(Region)) == 2
        writing.put(region("later"))
        assert len(reading.find(Region)) == 2


@pytest.mark.postgres
def test_a_locked_counter_is_read_again(postgres_sql: SqlNode) -> None:
    with postgres_sql.transaction() as world:
        world.put(inventory())
    with postgres_sql.transaction() as slow:
        assert slow.get(Inventory, "pool-1/VCPU").held == 0
        with postgres_sql.transaction() as quick:
            quick.lock((Inventory, "pool-1/VCPU"))
            quick.put(hold(quick.get(Inventory, "pool-1/VCPU"), 5))
        slow.lock((Inventory, "pool-1/VCPU"))
        assert slow.get(Inventory, "pool-1/VCPU").held == 5


@pytest.mark.postgres
def test_what_changed_between_reading_and_putting_is_stale(postgres_sql: SqlNode) -> None:
    with postgres_sql.transaction() as world:
        world.put(region())
    with postgres_sql.transaction() as slow:
        held = slow.get(Region, "city")
        with postgres_sql.transaction() as quick:
            quick.put(quick.get(Region, "city"))
        with pytest.raises(Conflict, match=r"stale_version.*you hold version 1, it is at 2"):
            slow.put(held)


def _waits_for(holder: SqlNode, first: Step, second: Step) -> None:
    """`second` in another transaction waits until the one that did `first` has committed."""
    done = threading.Event()

    def follow() -> None:
        with holder.transaction() as world:
            second(world)
        done.set()

    thread = threading.Thread(target=follow)
    with holder.transaction() as world:
        first(world)
        thread.start()
        assert not done.wait(timeout=0.5)
    thread.join(timeout=30)
    assert done.is_set()


@pytest.mark.postgres
def test_a_counter_that_does_not_exist_yet_is_locked_all_the_same(postgres_sql: SqlNode) -> None:
    def make(world: SqlWorld) -> None:
        world.lock((Inventory, "pool-1/VCPU"))
        world.put(inventory(held=1))

    def count_up(world: SqlWorld) -> None:
        world.lock((Inventory, "pool-1/VCPU"))
        world.put(hold(world.get(Inventory, "pool-1/VCPU"), 1))

    _waits_for(postgres_sql, make, count_up)
    with postgres_sql.reading() as world:
        assert world.get(Inventory, "pool-1/VCPU").held == 2


@pytest.mark.postgres
def test_an_event_waits_for_the_one_before_it(postgres_sql: SqlNode) -> None:
    for pair in (("1", "2"), ("3", "4")):
        first, second = (partial(record, subject=subject) for subject in pair)
        _waits_for(postgres_sql, first, second)
    with postgres_sql.reading() as world:
        assert [event.subject for event in world.audit_events()] == ["1", "2", "3", "4"]
        assert audit.verify(world.audit_events()) == 4


@pytest.mark.postgres
def test_a_deadlock_is_told_as_busy(postgres_sql: SqlNode) -> None:
    with postgres_sql.transaction() as world:
        world.put(inventory("a"))
        world.put(inventory("b"))
    both_hold_one = threading.Barrier(2)
    told: list[str] = []

    def cross(first: str, second: str) -> None:
        try:
            with postgres_sql.transaction() as world:
                world.lock((Inventory, f"{first}/VCPU"))
                both_hold_one.wait(timeout=20)
                world.lock((Inventory, f"{second}/VCPU"))
        except Unavailable as refused:
            told.append(refused.code)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert told == ["busy"]


def test_who_waits_too_long_is_told_busy(
    sqlite_sql: SqlNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudmgr.store.world.PATIENCE_SECONDS", 0.01)
    with sqlite_sql.transaction(), pytest.raises(Unavailable, match="busy"):
        sqlite_sql.transaction().__enter__()


def test_another_process_that_writes_for_too_long_is_told_as_busy(
    sqlite_made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudmgr.store.engine.PATIENCE_SECONDS", 0.01)
    first, second = SqlNode(sqlite_made, MemoryLake()), SqlNode(sqlite_made, MemoryLake())
    with first.transaction() as world:
        record(world, "holds the file")
        with pytest.raises(Unavailable, match="busy"):
            second.transaction().__enter__()
    first.close()
    second.close()
