"""What lists and reports ask of the store directly: pages in either order, counts, messages.

Who may see what is asked by the caller, who puts it into `where`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

from sqlalchemy import func, select

from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.services.world import Message, V
from cloudmgr.store import statements
from cloudmgr.store.mapper import mapper_of
from cloudmgr.store.world import SqlWorld


@dataclass(frozen=True, slots=True)
class Page(Generic[V]):
    """`items` of a list, and the id to continue `after`; None on the last page."""

    items: tuple[V, ...]
    next_after: str | None


def page(
    world: SqlWorld,
    kind: type[V],
    *,
    where: Mapping[str, Any],
    after: str = "",
    limit: int = 50,
    descending: bool = False,
) -> Page[V]:
    """At most `limit` records that fit `where` (conditions as in `World.find`), by their ids."""
    mapper = mapper_of(kind)
    wanted = statements.chosen(mapper, where, after=after, limit=limit + 1, descending=descending)
    found = tuple(mapper.value(row) for row in world.run(*wanted))
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].id if more else None)


def count(world: SqlWorld, kind: type[V], *, where: Mapping[str, Any]) -> int:
    """How many records fit `where`."""
    wanted, values = statements.chosen(mapper_of(kind), where)
    fitting = wanted.order_by(None).subquery()
    return int(world.run(select(func.count()).select_from(fitting), values).scalar_one())


def messages(world: SqlWorld) -> tuple[Message, ...]:
    """What was said so far, in order."""
    return tuple(Message.of(each) for each in world.find(OutboxMessage))
