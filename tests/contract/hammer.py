"""One process of a crowd: puts the same counter under its lock, again and again.

`python -m tests.contract.hammer URL TIMES NAME`; the counter need not exist.
"""

from __future__ import annotations

import sys

from cloudmgr.domain.capacity import Inventory, hold
from cloudmgr.domain.parties import Region
from cloudmgr.services.world import next_id
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.contract.samples import inventory, record, region


def once(node: SqlNode, name: str) -> None:
    """Take the lock, count one up, number a record and link an event."""
    with node.transaction() as world:
        world.lock((Inventory, "pool-1/VCPU"), (Inventory, "pool-0/VCPU"))
        for pool in ("pool-1", "pool-0"):
            counter = world.seek(Inventory, f"{pool}/VCPU") or world.put(inventory(pool))
            world.put(hold(counter, 1))
        world.put(region(next_id(world, "R"), name_en=name))
        record(world, name)


def main(url: str, times: int, name: str) -> None:
    node = SqlNode(url, MemoryLake(), durable=False)
    for _ in range(times):
        once(node, name)
    with node.reading() as world:
        assert any(each.name_en == name for each in world.stream(Region))
    node.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
