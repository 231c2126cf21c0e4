"""A node on which every command is carried out and then undone: what it answers is real, and the
next one meets the same records.

For tests that send thousands of commands to one city and look at the answers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from cloudmgr.services.world import World
from cloudmgr.store.world import SqlNode


class _Undo(Exception):
    """Leaves a transaction without a commit."""


class UndoneNode:
    """The records of another node, as they are."""

    def __init__(self, node: SqlNode) -> None:
        self._node = node

    @contextmanager
    def transaction(self) -> Iterator[World]:
        """One unit of work that is written and taken back."""
        try:
            with self._node.transaction() as world:
                yield world
                world.flush()
                raise _Undo
        except _Undo:
            return

    def reading(self) -> AbstractContextManager[World]:
        return self._node.reading()
