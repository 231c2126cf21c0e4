"""Rows rated a second: the reference city's opening stock through the function that bills.

`python -m benchmarks.rated_rows --json`; no usage, so metered items rate to nothing.
"""

from __future__ import annotations

import json
import time

from catalog.period import Month
from cloudmgr.cities.load import load_city
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.rating import rate_allocation
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.rating import rating_context

ROUNDS = 20


def measured(rounds: int = ROUNDS) -> dict[str, float]:
    """Rate the whole stock `rounds` times; loading the city is not counted."""
    node = MemoryNode()
    with node.transaction() as world:
        load_city(world, "reference")
    with node.reading() as world:
        stock = world.find(Allocation)
        context = rating_context(world, Month(2026, 1))
        rows, began = 0, time.perf_counter()
        for _ in range(rounds):
            for allocation in stock:
                rows += len(rate_allocation(allocation, context))
        wall_s = time.perf_counter() - began
    return {
        "allocations": len(stock) * rounds,
        "rows": rows,
        "wall_s": round(wall_s, 3),
        "rows_per_s": round(rows / wall_s),
    }


if __name__ == "__main__":
    print(json.dumps(measured()))
