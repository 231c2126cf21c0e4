"""The world in memory: its indexes and its undoing are true to the records, whatever is done.

What every world must do alike is `tests/contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import Conflict
from cloudmgr.domain.parties import Region, RegionLevel
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.services.memory import MemoryNode, MemoryWorld
from cloudmgr.services.world import Ge, Le, World, next_id
from tests.support.judged import a_request
from tests.support.worlds import MONDAY, Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


class Stop(Exception):
    """Something goes wrong at the end of a transaction."""


@contextmanager
def failing(node: MemoryNode) -> Iterator[MemoryWorld]:
    """A transaction that fails when everything is done."""
    with suppress(Stop), node.transaction() as world:
        yield world
        raise Stop


@pytest.mark.parametrize("kind", [Budget, Contract, Inventory, Quota])
def test_a_counter_is_put_under_its_lock_only(town: Town, kind: Any) -> None:
    counter = town.all(kind)[0]
    with town.transaction() as world:
        with pytest.raises(Conflict, match="unlocked_put"):
            world.put(counter)
        world.lock((kind, counter.id))
        assert world.put(counter).version == counter.version + 1
    with pytest.raises(Conflict, match="unlocked_put"), town.transaction() as world:
        world.put(town.look(kind, counter.id))  # the lock ended with its transaction


def test_nobody_overwrites_what_they_have_not_seen(town: Town) -> None:
    region = town.look(Region, "city")
    town.change(region, name_en="Seen by nobody")
    with pytest.raises(CloudmgrError) as refused, town.transaction() as world:
        world.put(replace(region, name_en="Mine"))
    assert refused.value.code == "stale_version"
    assert (refused.value.details["held"], refused.value.details["stored"]) == (1, 2)
    with pytest.raises(CloudmgrError, match="already_exists"), town.transaction() as world:
        world.put(replace(region, version=0))


def test_a_state_is_not_written_around_its_table(town: Town) -> None:
    town.keep(a_request(state=RequestState.DRAFT))
    jumped = replace(a_request(state=RequestState.APPROVED), version=1)
    with pytest.raises(CloudmgrError) as refused, town.transaction() as world:
        world.put(jumped)
    assert refused.value.details == {"state": "draft", "to": "approved"}
    with pytest.raises(CloudmgrError, match="illegal_transition"), town.transaction() as world:
        world.put(a_request(id="REQ-2", state=RequestState.COMPLETED))


def test_numbers_of_a_failed_transaction_are_given_again() -> None:
    node = MemoryNode()
    with failing(node) as world:
        assert next_id(world, "REQ") == "REQ-00000001"
    with node.transaction() as world:
        assert next_id(world, "REQ") == "REQ-00000001"
        assert next_id(world, "ALC") == "ALC-00000001"
    with node.reading() as world:
        assert next_id(world, "REQ") == "REQ-00000002"
    with node.transaction() as world:
        assert next_id(world, "REQ") == "REQ-00000002"


def test_what_is_worked_out_from_records_is_kept_until_one_changes(town: Town) -> None:
    made: list[int] = []

    def count(world: World) -> int:
        def make() -> int:
            made.append(len(world.find(Region)))
            return made[-1]

        return world.derived("regions", (Region,), make)

    with town.transaction() as world:
        assert (count(world), count(world)) == (2, 2)
    with town.transaction() as world:
        assert count(world) == 2
        assert len(made) == 1
        world.put(Region(id="new", name_zh="新", name_en="New", level=RegionLevel.COUNTY))
        assert count(world) == 3, "one's own puts are seen at once"
    with town.reading() as world:
        assert count(world) == 3
    with failing(town) as world:
        world.put(Region(id="lost", name_zh="", name_en="", level=RegionLevel.COUNTY))
        assert count(world) == 4
    with town.reading() as world:
        assert count(world) == 3, "what was undone is not kept for others"


# --- indexes and undoing --------------------------------------------------------------------

NAMES = st.sampled_from("abc")
WRITES = st.lists(
    st.tuples(st.sampled_from("pufr"), st.integers(0, 5), NAMES, st.sampled_from(RegionLevel)),
    max_size=25,
)


def _region(number: int, name: str, level: RegionLevel) -> Region:
    return Region(id=f"R{number}", name_zh="", name_en=name, level=level)


def _opened(node: MemoryNode, what: str) -> AbstractContextManager[MemoryWorld]:
    if what == "r":
        return node.reading()
    return failing(node) if what == "f" else node.transaction()


def _play(node: MemoryNode, writes: Any) -> dict[str, tuple[str, RegionLevel]]:
    """Put, fail and read; returns what a plain dictionary says of it."""
    expected: dict[str, tuple[str, RegionLevel]] = {}
    for what, number, name, level in writes:
        fresh = _region(number, name, level)
        with _opened(node, what) as world:
            known = world.seek(Region, fresh.id)
            world.put(replace(fresh, version=known.version if known else 0))
            assert world.find(Region, name_en=name, level=level)
        if what in "pu":
            expected[fresh.id] = (name, level)
    return expected


@given(WRITES)
def test_finding_by_index_is_finding_by_looking_at_every_record(writes: Any) -> None:
    node = MemoryNode()
    expected = _play(node, writes)
    with node.reading() as world:
        for name in "abc":
            for level in RegionLevel:
                found = [each.id for each in world.find(Region, name_en=name, level=level)]
                assert found == sorted(k for k, v in expected.items() if v == (name, level))
            either = world.find(Region, name_en=(name, "a"))
            assert {each.id for each in either} == {
                k for k, v in expected.items() if v[0] in (name, "a")
            }
        assert len(world.find(Region)) == len(expected)


@given(WRITES)
def test_bounds_and_pages_agree_with_the_whole(writes: Any) -> None:
    node = MemoryNode()
    _play(node, writes)
    with node.reading() as world:
        whole = [each.id for each in world.find(Region)]
        assert [each.id for each in world.find(Region, id=Le("R2"))] == [
            id for id in whole if id <= "R2"
        ]
        assert [each.id for each in world.find(Region, id=Ge("R2"), name_en="a")] == [
            each.id for each in world.find(Region, name_en="a") if each.id >= "R2"
        ]
        half = world.find(Region, limit=2)
        rest = world.find(Region, after=half[-1].id) if half else ()
        assert [each.id for each in (*half, *rest)] == whole


def test_a_null_field_is_neither_at_most_nor_at_least_anything(town: Town) -> None:
    town.keep(a_request(state=RequestState.DRAFT))
    for bound in (Le(MONDAY), Ge(MONDAY)):
        assert town.all(ResourceRequest, due_at=bound) == ()
    assert len(town.all(ResourceRequest, due_at=None)) == 1
