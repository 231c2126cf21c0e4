"""What the script speaks to: commands by named people, on a node over HTTP or in this process.

Owns nothing of the rules. The HTTP driver reads every route from the node's OpenAPI document, by
the command's name; the node driver performs the same command value on any node it is given.
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
from cloudmgr.services import commands
from cloudmgr.services.clock import MoveClock
from cloudmgr.services.closing import close_period
from cloudmgr.services.commands import Command
from cloudmgr.services.periods import ClosePeriod
from cloudmgr.services.reading import page
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.usage import IngestUsage
from cloudmgr.services.world import Node, World
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


class NodeDriver:
    """The same commands performed on a node in this process, in memory or on a database, that
    holds a loaded city."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._actors: dict[str, Actor] = {}
        with node.reading() as world:
            self._users = {user.login: user.id for user in world.find(User)}

    def perform(self, login: str, command: Command) -> Any:
        with self.node.transaction() as world:
            return commands.perform(world, command, self._actor(world, login), _clock(world))

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        found: list[V] = []
        after: str | None = ""
        with self.node.reading() as world:
            while after is not None:
                actor = self._actor(world, login)
                part = page(world, actor, kind, after=after, limit=PAGE, **where)
                found.extend(part.items)
                after = part.next_after
        return tuple(found)

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        command = IngestUsage(batch_id=batch_id, pool_id=pool_id, batch=batch_of(rows))
        received: UsageBatch = self.perform(login, command)
        return received

    def close_month(self, login: str, month: Month) -> None:
        with self.node.reading() as world:
            actor, now = self._actor(world, login), _clock(world)
        close_period(self.node, ClosePeriod(month=str(month)), actor, now)

    def move_clock(self, login: str, to: datetime) -> None:
        self.perform(login, MoveClock(now=to))

    def audit_events(self, login: str) -> int:
        count = 0
        with self.node.reading() as world:
            while events := world.audit_events(after=count):
                count = events[-1].sequence
        return count

    def _actor(self, world: World, login: str) -> Actor:
        if login not in self._actors:
            self._actors[login] = actor_of(world, self._users[login])
        return self._actors[login]


def _clock(world: World) -> datetime:
    clock = world.get(NodeSettings, NODE_ID).clock
    assert clock is not None, "a loaded city is a rehearsal"
    return clock
