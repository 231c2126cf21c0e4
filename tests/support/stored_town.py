"""The small city of `tests.support.worlds` on a database: moved there as it stands."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from cloudmgr.store.mapper import mapper_of
from cloudmgr.store.tables import NUMBERS
from cloudmgr.store.world import SqlNode
from tests.support.worlds import Town


class StoredTown(Town):
    """A town whose records are a node's, by whatever process they were written."""

    def __init__(self, node: SqlNode) -> None:
        super().__init__()
        self.node = node

    def transaction(self) -> AbstractContextManager[Any]:  # type: ignore[override]
        return self.node.transaction()

    def reading(self) -> AbstractContextManager[Any]:  # type: ignore[override]
        return self.node.reading()


def move_in(town: Town, node: SqlNode) -> StoredTown:
    """Write a town's records and numbers into an empty database, whatever states they are in.

    Its audit chain begins anew there.
    """
    with node.transaction() as world:
        for kind, records in town.snapshot().items():
            mapper = mapper_of(kind)
            world.run(mapper.table.insert(), [mapper.row(each) for each in records.values()])
        numbers = [{"series": name, "value": value} for name, value in town.numbers.items()]
        if numbers:
            world.run(NUMBERS.insert(), numbers)
    stored = StoredTown(node)
    stored.now = town.now
    return stored
