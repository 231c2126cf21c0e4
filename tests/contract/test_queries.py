"""The queries of lists, on both databases."""

from __future__ import annotations

from cloudmgr.domain.parties import Region
from cloudmgr.services.world import Ge
from cloudmgr.store.queries import count, page
from cloudmgr.store.world import SqlNode
from tests.contract.samples import region


def _with_regions(node: SqlNode) -> None:
    with node.transaction() as world:
        world.put_many(region(f"R-{number}", parent_id="top") for number in range(5))
        world.put(region("R-other"))


def test_pages_join_to_the_list_in_either_order(sql: SqlNode) -> None:
    _with_regions(sql)
    expected = [f"R-{number}" for number in range(5)]
    with sql.reading() as world:
        for descending in (False, True):
            found: list[str] = []
            after: str | None = ""
            while after is not None:
                part = page(
                    world,
                    Region,
                    where={"parent_id": "top"},
                    after=after,
                    limit=2,
                    descending=descending,
                )
                found += [each.id for each in part.items]
                after = part.next_after
            assert found == (expected[::-1] if descending else expected)


def test_the_last_page_says_so_even_when_it_is_full(sql: SqlNode) -> None:
    _with_regions(sql)
    with sql.reading() as world:
        assert page(world, Region, where={}, limit=6).next_after is None
        assert page(world, Region, where={}, limit=5).next_after == "R-4"
        assert page(world, Region, where={"id": "nowhere"}, limit=5).items == ()


def test_counts_obey_the_conditions(sql: SqlNode) -> None:
    _with_regions(sql)
    with sql.reading() as world:
        assert count(world, Region, where={}) == 6
        assert count(world, Region, where={"parent_id": None}) == 1
        assert count(world, Region, where={"id": Ge("R-3")}) == 3
