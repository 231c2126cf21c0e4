"""What a node keeps because it was worked out from many records, alike on every world."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.parties import Region
from cloudmgr.domain.timers import Timer
from cloudmgr.services.world import World
from cloudmgr.store.world import SqlNode
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import region, timer


class Making:
    """The names of all regions, and how often they were read."""

    def __init__(self) -> None:
        self.times = 0

    def names(self, world: World) -> tuple[str, ...]:
        def make() -> tuple[str, ...]:
            self.times += 1
            return tuple(each.name_en for each in world.find(Region))

        return world.derived("names", (Region,), make)


def test_it_is_made_once_until_a_record_of_its_kinds_changes(node: NodeUnderTest) -> None:
    making = Making()
    with node.transaction() as world:
        stored = world.put(region(name_en="first"))
    for _ in range(2):
        with node.transaction() as world:
            assert making.names(world) == ("first",)
            world.put_many([timer(f"T-{world.number('T')}")])
    assert making.times == 1
    with node.transaction() as world:
        assert len(world.find(Timer)) == 2
        world.put(replace(stored, name_en="second"))
    with node.reading() as world:
        assert making.names(world) == ("second",)
        assert making.names(world) == ("second",)
    assert making.times == 2


def test_what_a_transaction_put_is_seen_in_it_and_by_nobody_after_its_rollback(
    node: NodeUnderTest,
) -> None:
    making = Making()
    with node.transaction() as world:
        stored = world.put(region(name_en="kept"))

    def see_and_fail(world: World, name: str) -> None:
        world.put(replace(stored, name_en=name))
        assert making.names(world) == (name,)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), node.transaction() as world:
        see_and_fail(world, "undone")
    with node.transaction() as world:
        # The same count and the same sum of versions as in the transaction undone.
        world.put(replace(stored, name_en="other"))
    with node.transaction() as world:
        assert making.names(world) == ("other",)


def test_it_is_asked_for_once_a_transaction(node: NodeUnderTest) -> None:
    making = Making()
    with node.transaction() as world:
        world.put(region(name_en="first"))
    with node.transaction() as world:
        assert making.names(world) is making.names(world)
        world.put(region("other", name_en="second"))
        assert making.names(world) == ("first", "second")
    assert making.times == 2


@pytest.mark.postgres
def test_who_waited_for_a_lock_sees_what_was_committed_meanwhile(postgres_sql: SqlNode) -> None:
    making = Making()
    with postgres_sql.transaction() as waiting:
        assert making.names(waiting) == ()
        with postgres_sql.transaction() as world:
            world.put(region(name_en="new"))
        assert making.names(waiting) == ()
        waiting.lock((Inventory, "pool-1/VCPU"))
        assert making.names(waiting) == ("new",)
