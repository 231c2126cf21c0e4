"""MemoryWorld: every record in dictionaries, with the same refusals as the store. For simulation
and fast tests. One `MemoryNode` is one database; its transactions undo themselves on errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.errors import CloudmgrError, already_exists, taken
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.values import Value
from cloudmgr.services.world import CheckedWorld, Ge, Le, Message, Scope, V, unique_fields
from cloudmgr.usage.lake import MemoryLake, UsageLake

_Index = dict[Any, set[str]]
_NONE: set[str] = set()


class MemoryNode:
    """A database in memory: records by kind, indexes made when first asked for."""

    def __init__(self, usage: UsageLake | None = None) -> None:
        self.usage = usage or MemoryLake()
        self.records: dict[type[Value], dict[str, Value]] = defaultdict(dict)
        self.indexes: dict[tuple[type[Value], str], _Index] = {}
        self.numbers: dict[str, int] = defaultdict(int)
        self.events: list[AuditEvent] = []
        self.kept: dict[str, tuple[Any, Any]] = {}
        self.writes: dict[type[Value], int] = defaultdict(int)

    @contextmanager
    def transaction(self) -> Iterator[MemoryWorld]:
        """One unit of work: committed on leaving, undone by an exception."""
        world = MemoryWorld(self)
        try:
            yield world
            world.flush()
        except BaseException:
            world.undo()
            raise

    @contextmanager
    def reading(self) -> Iterator[MemoryWorld]:
        """A world to read from; what is put there is undone."""
        world = MemoryWorld(self)
        try:
            yield world
        finally:
            world.undo()

    @property
    def messages(self) -> list[Message]:
        """What was said so far, in order."""
        stored = self.records[OutboxMessage]
        return [Message.of(cast("OutboxMessage", stored[id])) for id in sorted(stored)]

    def index(self, kind: type[Value], field: str) -> _Index:
        """The ids of a kind by the values of one field."""
        key = (kind, field)
        if key not in self.indexes:
            index: _Index = defaultdict(set)
            for record in self.records[kind].values():
                index[getattr(record, field)].add(record.id)
            self.indexes[key] = index
        return self.indexes[key]

    def write(self, kind: type[Value], id: str, value: Value | None) -> None:
        """Set or (for an undo) take away a record, keeping the indexes true."""
        self.writes[kind] += 1
        old = self.records[kind].get(id)
        for (indexed, field), index in self.indexes.items():
            if indexed is kind:
                if old is not None:
                    index[getattr(old, field)].discard(id)
                if value is not None:
                    index[getattr(value, field)].add(id)
        if value is None:
            self.records[kind].pop(id, None)
        else:
            self.records[kind][id] = value


class MemoryWorld(CheckedWorld):
    """One transaction on a `MemoryNode`."""

    def __init__(self, node: MemoryNode) -> None:
        super().__init__(node.kept)
        self._node = node
        self._undo: list[tuple[type[Value], str, Value | None]] = []
        self._numbers: dict[str, int] = {}
        self._count = len(node.events)

    @property
    def usage(self) -> UsageLake:
        return self._node.usage

    def seek(self, kind: type[V], id: str) -> V | None:
        return cast("V | None", self._node.records[kind].get(id))

    def find(
        self, kind: type[V], /, *, after: str = "", limit: int | None = None, **where: Any
    ) -> tuple[V, ...]:
        found: list[V] = []
        if limit == 0:
            return ()
        for record in self.stream(kind, after=after, **where):
            found.append(record)
            if limit is not None and len(found) == limit:
                break
        return tuple(found)

    def stream(self, kind: type[V], /, *, after: str = "", **where: Any) -> Iterator[V]:
        records = self._node.records[kind]
        fitting = [
            id for id in self._candidates(kind, where) if id > after and fits(records[id], where)
        ]
        for id in sorted(fitting):
            yield cast("V", records[id])

    def number(self, series: str) -> int:
        self._numbers.setdefault(series, self._node.numbers[series])
        self._node.numbers[series] += 1
        return self._node.numbers[series]

    def audit_events(
        self, *, after: int = 0, limit: int = 1000, subjects: tuple[str, ...] = ()
    ) -> tuple[AuditEvent, ...]:
        events = self._node.events
        if not subjects:
            return tuple(events[after : after + limit])
        fitting = (event for event in events[after:] if event.subject in subjects)
        return tuple(islice(fitting, limit))

    def undo(self) -> None:
        """Put everything back as it was when the transaction began."""
        for kind, id, value in reversed(self._undo):
            self._node.write(kind, id, value)
        self._node.numbers.update(self._numbers)
        del self._node.events[self._count :]

    def _candidates(self, kind: type[Value], where: dict[str, Any]) -> Collection[str]:
        sets = []
        for field, wanted in where.items():
            if isinstance(wanted, Le | Ge):
                continue
            index = self._node.index(kind, field)
            if isinstance(wanted, tuple):
                sets.append(set().union(*(index.get(option, _NONE) for option in wanted)))
            else:
                sets.append(index.get(wanted, _NONE))
        if not sets:
            return tuple(self._node.records[kind])
        return set.intersection(*sorted(sets, key=len))

    def _save(self, before: Value | None, after: Value) -> None:
        if before is None and after.id in self._node.records[type(after)]:
            raise already_exists(type(after).__name__, after.id)
        self._check_unique(after)
        self._undo.append((type(after), after.id, before))
        self._node.write(type(after), after.id, after)

    def _insert(self, values: list[Value]) -> None:
        fresh: set[tuple[type[Value], str]] = set()
        for value in values:
            key = (type(value), value.id)
            if value.id in self._node.records[type(value)] or key in fresh:
                raise already_exists(type(value).__name__, value.id)
            fresh.add(key)
        before = len(self._undo)
        try:
            for value in values:
                self._save(None, value)
        except CloudmgrError:  # all or none, as the store does it
            for kind, id, old in reversed(self._undo[before:]):
                self._node.write(kind, id, old)
            del self._undo[before:]
            raise

    def _check_unique(self, value: Value) -> None:
        kind = type(value)
        for field in unique_fields(kind):
            held = getattr(value, field)
            if held is not None and self._node.index(kind, field).get(held, _NONE) - {value.id}:
                raise taken(kind.__name__, unique_fields(kind))

    def _take_locks(self, scopes: list[Scope]) -> None:
        """One process, one thread: taking turns is enough."""

    def _revision(self, kinds: tuple[type[Value], ...]) -> Any:
        return tuple(self._node.writes[kind] for kind in kinds)

    def audit_head(self) -> AuditEvent | None:
        return self._node.events[-1] if self._node.events else None

    def _own_head(self) -> AuditEvent | None:
        return self.audit_head()

    def _append_audit(self, event: AuditEvent) -> None:
        self._node.events.append(event)


def fits(record: Value, where: dict[str, Any]) -> bool:
    for field, wanted in where.items():
        held = getattr(record, field)
        if isinstance(wanted, Le):
            if held is None or held > wanted.bound:
                return False
        elif isinstance(wanted, Ge):
            if held is None or held < wanted.bound:
                return False
        elif held not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            return False
    return True
