"""What the script speaks to: commands by named people, on a node over HTTP or on a MemoryWorld.

Owns nothing of the rules. The HTTP driver reads every route from the node's OpenAPI document, by
the command's name; the memory driver performs the same command value.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from catalog.period import Month
from cloudmgr.domain.access import Actor
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import User
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.values import Value
from cloudmgr.services import clock, commands
from cloudmgr.services.closing import close_period
from cloudmgr.services.commands import Command
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.periods import ClosePeriod
from cloudmgr.services.reading import page
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.usage import IngestUsage
from cloudmgr.usage.batches import batch_of

V = TypeVar("V", bound=Value)
PAGE = 500


class Driver(Protocol):
    """Every call names the login of the person who acts; refusals are `CloudmgrError`s."""

    def perform(self, login: str, command: Command) -> Any:
        """Perform a command and return its result."""

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        """All records of a kind the person may see, filtered by equality, in order of ids."""

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        """Send a batch of meter readings."""

    def close_month(self, login: str, month: Month) -> None:
        """Close a billing month, page by page."""

    def move_clock(self, login: str, to: datetime) -> None:
        """Move the rehearsal's clock; what is due runs."""

    def audit_events(self, login: str) -> int:
        """How many events the audit chain holds."""


class MemoryDriver:
    """The same commands performed on a `MemoryNode` that holds a loaded city."""

    def __init__(self, node: MemoryNode) -> None:
        self.node = node
        self._actors: dict[str, Actor] = {}
        with node.reading() as world:
            self._users = {user.login: user.id for user in world.find(User)}

    def perform(self, login: str, command: Command) -> Any:
        with self.node.transaction() as world:
            settings = world.get(NodeSettings, NODE_ID)
            assert settings.clock is not None, "a loaded city is a rehearsal"
            return commands.perform(world, command, self._actor(login), settings.clock)

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        found: list[V] = []
        after: str | None = ""
        with self.node.reading() as world:
            while after is not None:
                part = page(world, self._actor(login), kind, after=after, limit=PAGE, **where)
                found.extend(part.items)
                after = part.next_after
        return tuple(found)

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        command = IngestUsage(batch_id=batch_id, pool_id=pool_id, batch=batch_of(rows))
        received: UsageBatch = self.perform(login, command)
        return received

    def close_month(self, login: str, month: Month) -> None:
        with self.node.reading() as world:
            now = world.get(NodeSettings, NODE_ID).clock
        assert now is not None, "a loaded city is a rehearsal"
        close_period(self.node, ClosePeriod(month=str(month)), self._actor(login), now)

    def move_clock(self, login: str, to: datetime) -> None:
        self.perform(login, clock.MoveClock(now=to))

    def audit_events(self, login: str) -> int:
        return len(self.node.events)

    def _actor(self, login: str) -> Actor:
        if login not in self._actors:
            with self.node.reading() as world:
                self._actors[login] = actor_of(world, self._users[login])
        return self._actors[login]
