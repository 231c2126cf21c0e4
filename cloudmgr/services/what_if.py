"""A world in which things may be tried: it reads from another and keeps to itself what is put.

So a preview is made by the very commands it is a preview of. Numbers given out here are of no
series; nothing is locked, audited or sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.errors import already_exists
from cloudmgr.domain.values import Value
from cloudmgr.services.memory import fits
from cloudmgr.services.world import CheckedWorld, Message, Scope, V, World
from cloudmgr.usage.lake import UsageLake

D = TypeVar("D")
_BEYOND_ALL_SERIES = 90_000_000


class WhatIfWorld(CheckedWorld):
    """One trial over `base`, which stays as it is."""

    def __init__(self, base: World) -> None:
        super().__init__({})
        self._base = base
        self._put: dict[type[Value], dict[str, Value]] = defaultdict(dict)
        self._numbers: dict[str, int] = defaultdict(lambda: _BEYOND_ALL_SERIES)

    @property
    def usage(self) -> UsageLake:
        return self._base.usage

    def seek(self, kind: type[V], id: str) -> V | None:
        own = self._put[kind].get(id)
        return cast("V", own) if own is not None else self._base.seek(kind, id)

    def find(
        self, kind: type[V], /, *, after: str = "", limit: int | None = None, **where: Any
    ) -> tuple[V, ...]:
        own = self._put[kind]
        found = {each.id: each for each in self._base.find(kind, after=after, **where)}
        for id in own.keys() & found.keys():
            del found[id]
        for id, value in own.items():
            if id > after and fits(value, where):
                found[id] = cast("V", value)
        return tuple(found[id] for id in sorted(found))[:limit]

    def stream(self, kind: type[V], /, *, after: str = "", **where: Any) -> Iterator[V]:
        yield from self.find(kind, after=after, **where)

    def number(self, series: str) -> int:
        self._numbers[series] += 1
        return self._numbers[series]

    def outbox(self, message: Message) -> None:
        """Nobody is told of what is only tried."""

    def derived(self, name: str, kinds: tuple[type[Value], ...], make: Callable[[], D]) -> D:
        return make()

    def audit_events(
        self, *, after: int = 0, limit: int = 1000, subjects: tuple[str, ...] = ()
    ) -> tuple[AuditEvent, ...]:
        return self._base.audit_events(after=after, limit=limit, subjects=subjects)

    def audit_head(self) -> AuditEvent | None:
        return self._base.audit_head()

    def _save(self, before: Value | None, after: Value) -> None:
        if before is None and self.seek(type(after), after.id) is not None:
            raise already_exists(type(after).__name__, after.id)
        self._put[type(after)][after.id] = after

    def _insert(self, values: list[Value]) -> None:
        for value in values:
            self._save(None, value)

    def _take_locks(self, scopes: list[Scope]) -> None:
        """Nothing here is anybody else's."""

    def _revision(self, kinds: tuple[type[Value], ...]) -> Any:
        return None

    def _own_head(self) -> AuditEvent | None:
        return self.audit_head()

    def _append_audit(self, event: AuditEvent) -> None:
        """What is only tried did not happen."""
