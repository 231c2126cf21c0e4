"""The World: what a use case may ask for and put back. Owns the protocol and the checks that every
world makes on a put; where records live is left to `memory.py` and to the store.

A world lives for one transaction. `Node` opens them; leaving the block commits, an exception
undoes everything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from cloudmgr.domain import audit as chain
from cloudmgr.domain.errors import already_exists, not_found, stale_version, unlocked_put
from cloudmgr.domain.lifecycle import Lifecycle
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.values import Value
from cloudmgr.usage.lake import UsageLake

V = TypeVar("V", bound=Value)
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Le:
    """Condition: the field is not null and at most this."""

    bound: Any


@dataclass(frozen=True, slots=True)
class Ge:
    """Condition: the field is not null and at least this."""

    bound: Any


Scope = tuple[type[Value], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be sent outside after the commit; `payload` is JSON-ready."""

    topic: str
    subject: str
    payload: dict[str, Any]
    at: datetime

    @classmethod
    def of(cls, stored: OutboxMessage) -> Message:
        """What was to be said, without what became of it."""
        return cls(topic=stored.topic, subject=stored.subject, payload=stored.payload, at=stored.at)


class World(Protocol):
    """Conditions of `find` and `stream`: a plain value is equality, a tuple is "one of", `Le` and
    `Ge` compare. Results come in the order of their ids; `after` continues behind an id."""

    @property
    def usage(self) -> UsageLake: ...

    def get(self, kind: type[V], id: str) -> V:
        """The record; raises `not_found`."""

    def seek(self, kind: type[V], id: str) -> V | None:
        """The record, or None."""

    def find(
        self, kind: type[V], /, *, after: str = "", limit: int | None = None, **where: Any
    ) -> tuple[V, ...]: ...

    def stream(self, kind: type[V], /, *, after: str = "", **where: Any) -> Iterator[V]:
        """As `find`, but never holding more than a page in memory."""

    def lock(self, *scopes: Scope) -> None:
        """Take the counters named until the end of the transaction, in sorted order."""

    def put(self, value: V) -> V:
        """Store one record and return it with its new version.

        Raises `stale_version`, `illegal_transition` (state against the noun's table),
        `unlocked_put` (a counter whose scope is not locked) and `already_exists`, for an id or
        for a field that the kind calls `UNIQUE`.
        """

    def put_many(self, values: Iterable[Value]) -> int:
        """Insert new records in bulk; returns how many."""

    def number(self, series: str) -> int:
        """The next number of a series, from 1, without gaps in committed transactions."""

    def audit(
        self, *, at: datetime, user_id: str, role: str, command: str, subject: str, request_id: str
    ) -> chain.AuditEvent:
        """Append the event of what this transaction has put since the last event."""

    def audit_events(
        self, *, after: int = 0, limit: int = 1000, subjects: tuple[str, ...] = ()
    ) -> tuple[chain.AuditEvent, ...]:
        """The chain in order, behind sequence `after`; only what is about one of `subjects` when
        some are named."""

    def audit_head(self) -> chain.AuditEvent | None:
        """The last event this transaction sees; others may be appending behind it."""

    def outbox(self, message: Message) -> None:
        """Queue a message in this transaction; it is an `OutboxMessage` from the commit on."""

    def derived(self, name: str, kinds: tuple[type[Value], ...], make: Callable[[], D]) -> D:
        """Something worked out from all records of `kinds`, kept by the node until one changes.

        `make` reads them from this world. What this transaction itself has put is seen at once
        and never kept for others.
        """


class Node(Protocol):
    """Where transactions are opened."""

    def transaction(self) -> AbstractContextManager[World]: ...

    def reading(self) -> AbstractContextManager[World]:
        """A world to read from; nothing put there is kept."""


def next_id(world: World, prefix: str) -> str:
    """The next id of a series, padded so that the order of text is the order of making."""
    return f"{prefix}-{world.number(prefix):08d}"


def unique_fields(kind: type[Value]) -> tuple[str, ...]:
    """The fields of which no two records have the same value; None is no value."""
    fields: tuple[str, ...] = getattr(kind, "UNIQUE", ())
    return fields


def _shelved(
    shelf: dict[str, tuple[Any, Any]], name: str, revision: Any, make: Callable[[], D]
) -> D:
    """What stands under a name, made anew unless it was made at this revision."""
    kept = shelf.get(name)
    if kept is None or kept[0] != revision:
        kept = shelf[name] = (revision, make())
    found: D = kept[1]
    return found


def _check_move(before: Any, value: Any) -> None:
    """A record is first stored in an initial state and then moves along its noun's table."""
    table: Lifecycle = value.LIFECYCLE
    if before is None and value.state not in table.initial:
        table.require(value.id, next(iter(table.initial)), str(value.state))
    elif before is not None and before.state != value.state:
        table.require(value.id, str(before.state), str(value.state))


class CheckedWorld(ABC):
    """The part of every world that must not differ: versions, lifecycles, locks, audit digests."""

    def __init__(self, kept: dict[str, tuple[Any, Any]]) -> None:
        self._locked: set[Scope] = set()
        self._puts: Counter[type[Value]] = Counter()
        self._own: dict[str, tuple[Any, Any]] = {}
        self._kept = kept
        self._derived: dict[str, Any] = {}
        self._touched: list[tuple[Value | None, Value]] = []
        self._said: list[Message] = []

    # What a store supplies.
    @abstractmethod
    def seek(self, kind: type[V], id: str) -> V | None: ...
    @abstractmethod
    def _save(self, before: Value | None, after: Value) -> None:
        """Insert (before is None; raises `already_exists`) or update."""

    @abstractmethod
    def _insert(self, values: list[Value]) -> None: ...
    @abstractmethod
    def number(self, series: str) -> int: ...
    @abstractmethod
    def _take_locks(self, scopes: list[Scope]) -> None: ...
    @abstractmethod
    def _revision(self, kinds: tuple[type[Value], ...]) -> Any: ...
    @abstractmethod
    def audit_head(self) -> chain.AuditEvent | None: ...
    @abstractmethod
    def _own_head(self) -> chain.AuditEvent | None:
        """The last event, and nobody else appends one until this transaction ends."""

    @abstractmethod
    def _append_audit(self, event: chain.AuditEvent) -> None: ...

    def get(self, kind: type[V], id: str) -> V:
        found = self.seek(kind, id)
        if found is None:
            raise not_found(kind.__name__, id)
        return found

    def lock(self, *scopes: Scope) -> None:
        wanted = sorted(set(scopes) - self._locked, key=lambda scope: (scope[0].__name__, scope[1]))
        if wanted:
            self._take_locks(wanted)
            self._locked.update(wanted)
            self._derived.clear()  # while we waited, others may have committed

    def put(self, value: V) -> V:
        kind = type(value)
        before = self.seek(kind, value.id) if value.version else None  # a save refuses a taken id
        self._check(before, value)
        after = replace(value, version=value.version + 1)
        self._save(before, after)
        self._touched.append((before, after))
        self._puts[kind] += 1
        return after

    def put_many(self, values: Iterable[Value]) -> int:
        fresh = []
        for value in values:
            self._check(None, value)
            fresh.append(replace(value, version=1))
        self._insert(fresh)
        self._puts.update(type(value) for value in fresh)
        self._touched.extend((None, value) for value in fresh)
        return len(fresh)

    def derived(self, name: str, kinds: tuple[type[Value], ...], make: Callable[[], D]) -> D:
        own = tuple(self._puts[kind] for kind in kinds)
        found: D
        if any(own):
            found = _shelved(self._own, name, own, make)
        elif name in self._derived:
            found = self._derived[name]
        else:
            found = _shelved(self._kept, name, self._revision(kinds), make)
            self._derived[name] = found
        return found

    def outbox(self, message: Message) -> None:
        self._said.append(message)

    def flush(self) -> None:
        """Store what was said. A node does this last before it commits: their numbers are then in
        the order of the commits, and nobody waits for the number of a long transaction."""
        said, self._said = self._said, []
        if said:
            self.put_many(
                OutboxMessage(
                    id=f"MSG-{self.number('MSG'):010d}",
                    topic=each.topic,
                    subject=each.subject,
                    payload=each.payload,
                    at=each.at,
                )
                for each in said
            )

    def audit(
        self, *, at: datetime, user_id: str, role: str, command: str, subject: str, request_id: str
    ) -> chain.AuditEvent:
        from cloudmgr.services.codec import digest

        touched, self._touched = self._touched, []
        event = chain.link(
            previous=self._own_head(),
            at=at,
            user_id=user_id,
            role=role,
            command=command,
            subject=subject,
            before=digest(*(before for before, _ in touched if before is not None)),
            after=digest(*(after for _, after in touched)),
            request_id=request_id,
            digest=chain.HASHES[self.audit_digest],
        )
        self._append_audit(event)
        return event

    @property
    def audit_digest(self) -> chain.AuditDigest:
        """What this node chains with; asked once, for it never changes."""
        kept = self._kept.get("audit_digest")
        if kept is None:
            settings = self.seek(NodeSettings, NODE_ID)
            if settings is None:
                return chain.AuditDigest.SHA256
            kept = self._kept["audit_digest"] = (None, settings.audit_digest)
        digest: chain.AuditDigest = kept[1]
        return digest

    def _check(self, before: Value | None, value: Value) -> None:
        kind = type(value)
        stored = before.version if before else 0
        if value.version != stored:
            if value.version == 0:
                raise already_exists(kind.__name__, value.id)
            raise stale_version(kind.__name__, value.id, value.version, stored)
        if getattr(kind, "COUNTER", False) and before and (kind, value.id) not in self._locked:
            raise unlocked_put(kind.__name__, value.id)
        if hasattr(kind, "LIFECYCLE"):
            _check_move(before, value)
