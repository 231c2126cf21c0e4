"""Sorting a handful of numbers inside kernels. Owns insertion sort and nothing else.

The lists are short, and numpy's own sorts cost seconds to compile.
"""

from __future__ import annotations

from simulator.consolidation.fleet import Floats, Ints
from simulator.kernels import compiled


@compiled
def sort(values: Floats) -> None:
    """Ascending, in place."""
    for i in range(1, len(values)):
        value = values[i]
        at = i
        while at > 0 and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


@compiled
def sort_by_descending(keys: Floats, items: Ints) -> None:
    """Items in place by `keys[item]`, the greatest first; equals keep their order."""
    for i in range(1, len(items)):
        item = items[i]
        at = i
        while at > 0 and keys[items[at - 1]] < keys[item]:
            items[at] = items[at - 1]
            at -= 1
        items[at] = item
