"""get, seek, find and stream, alike in memory and on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloudmgr.domain.errors import NotFound
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Region, RegionLevel
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.services.world import Ge, Le
from cloudmgr.store import world as sql_world
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import NOON, region, request, timer

HOUR = timedelta(hours=1)


def _ids(found: Any) -> list[str]:
    return [each.id for each in found]


def test_a_record_comes_back_as_it_was_put(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        stored = world.put(request(due_at=NOON + timedelta(microseconds=1)))
    with node.transaction() as world:
        assert world.get(ResourceRequest, "REQ-1") == stored
        assert world.seek(ResourceRequest, "REQ-1") == stored


def test_what_is_not_there_is_none_or_a_refusal(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        assert world.seek(Region, "nowhere") is None
        with pytest.raises(NotFound, match="not_found"):
            world.get(Region, "nowhere")


def test_records_of_two_kinds_may_share_an_id(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(region("x"))
        world.put(timer("x"))
        assert isinstance(world.get(Region, "x"), Region)
        assert isinstance(world.get(Timer, "x"), Timer)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["a", "b", "c", "d"]),
        ({"parent_id": None}, ["a"]),
        ({"parent_id": "a"}, ["b", "c"]),
        ({"parent_id": ("a", "b")}, ["b", "c", "d"]),
        ({"parent_id": (None, "b")}, ["a", "d"]),
        ({"parent_id": ()}, []),
        ({"parent_id": (None,)}, ["a"]),
        ({"parent_id": "a", "level": RegionLevel.COUNTY}, ["c"]),
        ({"level": (RegionLevel.CITY, RegionLevel.PROVINCE)}, ["a", "b"]),
        ({"parent_id": Le("a")}, ["b", "c"]),
        ({"parent_id": Ge("b")}, ["d"]),
        ({"id": Ge("c")}, ["c", "d"]),
        ({"version": 1}, ["a", "b", "c", "d"]),
    ],
)
def test_conditions_are_equality_choice_bounds_and_none(
    node: NodeUnderTest, where: dict[str, Any], expected: list[str]
) -> None:
    with node.transaction() as world:
        world.put(region("d", parent_id="b", level=RegionLevel.COUNTY))
        world.put(region("c", parent_id="a", level=RegionLevel.COUNTY))
        world.put(region("b", parent_id="a"))
        world.put(region("a", level=RegionLevel.PROVINCE))
    with node.transaction() as world:
        assert _ids(world.find(Region, **where)) == expected
        assert _ids(world.stream(Region, **where)) == expected


def test_bounds_of_instants_include_the_bound(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        for hours in range(4):
            world.put(timer(f"T{hours}", due_at=NOON + hours * HOUR))
        world.put(advance(world.get(Timer, "T1"), TimerState.DONE))
    with node.transaction() as world:
        due = world.find(Timer, state=TimerState.PENDING, due_at=Le(NOON + 2 * HOUR))
        assert _ids(due) == ["T0", "T2"]
        assert _ids(world.find(Timer, due_at=Ge(NOON + 2 * HOUR))) == ["T2", "T3"]


def test_the_order_is_that_of_code_points_and_not_of_a_language(node: NodeUnderTest) -> None:
    ids = ["a", "B", "_", "b-1", "b/1", "B1", "市", "区", "é", "z", "10", "9", "\U00020000", "﹏"]
    with node.transaction() as world:
        for id in ids:
            world.put(region(id))
    with node.transaction() as world:
        assert _ids(world.find(Region)) == sorted(ids)
        assert _ids(world.find(Region, after="b")) == [id for id in sorted(ids) if id > "b"]


def test_pages_by_after_and_limit_join_to_the_whole(node: NodeUnderTest) -> None:
    ids = [f"R-{number:03d}" for number in range(7)]
    with node.transaction() as world:
        world.put_many(region(id) for id in ids)
    with node.transaction() as world:
        first = _ids(world.find(Region, limit=3))
        second = _ids(world.find(Region, after=first[-1], limit=3))
        last = _ids(world.find(Region, after=second[-1], limit=3))
        assert first + second + last == ids
        assert world.find(Region, limit=0) == ()


def test_a_stream_goes_on_over_its_pages(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_world, "PAGE_RECORDS", 3)
    ids = [f"R-{number:03d}" for number in range(9)]
    with node.transaction() as world:
        world.put_many(region(id) for id in ids)
    with node.transaction() as world:
        assert _ids(world.stream(Region)) == ids
        assert _ids(world.stream(Region, after="R-006")) == ["R-007", "R-008"]


def test_a_transaction_finds_what_it_has_put(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(request())
        world.put(advance(world.get(ResourceRequest, "REQ-1"), RequestState.UNIT_SIGNING))
        found = world.find(ResourceRequest, state=RequestState.UNIT_SIGNING)
        assert found == (world.get(ResourceRequest, "REQ-1"),)
        assert found[0].version == 2
        assert not world.find(ResourceRequest, state=RequestState.DRAFT)
        assert list(world.stream(ResourceRequest)) == list(found)


def test_a_field_that_is_not_there_is_a_defect(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(region())
        with pytest.raises(AttributeError):
            world.find(Region, colour="red")
