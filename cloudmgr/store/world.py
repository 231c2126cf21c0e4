"""SqlWorld: one transaction on SQLite or PostgreSQL; SqlNode: the database it is opened on.

Owns when statements run and what a record looked like when this transaction last saw it. How they
are written is `statements`, how values become rows `mapper`; the checks are `CheckedWorld`'s.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Executable, Row, exc

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.errors import CloudmgrError, already_exists, busy, stale_version, taken
from cloudmgr.domain.values import Value
from cloudmgr.services.world import CheckedWorld, Scope, V, unique_fields
from cloudmgr.store import statements
from cloudmgr.store.engine import PATIENCE_SECONDS, open_engine, open_reader, refusal
from cloudmgr.store.mapper import Mapper, mapper_of
from cloudmgr.store.tables import AUDIT
from cloudmgr.usage.lake import UsageLake

PAGE_RECORDS = 1000
"""How many records a stream holds at a time."""


class SqlNode:
    """A database that `migrate.upgrade` has prepared, with the lake of its readings."""

    def __init__(self, url: str, usage: UsageLake, *, durable: bool = True) -> None:
        """Raises `bad_value` for a database that is not served. `durable` as in `open_engine`."""
        self.usage = usage
        self._writer = open_engine(url, durable=durable)
        self._reader = open_reader(url, self._writer)
        self._turn = threading.Lock()
        self._kept: dict[str, tuple[Any, Any]] = {}

    @contextmanager
    def transaction(self) -> Iterator[SqlWorld]:
        """One unit of work: committed on leaving, undone by an exception.

        Raises `busy` when another transaction holds what this one needs for too long.
        """
        with self._our_turn(), _refusing(), self._writer.begin() as connection:
            world = SqlWorld(connection, self.usage, self._kept)
            yield world
            world.flush()

    @contextmanager
    def reading(self) -> Iterator[SqlWorld]:
        """A world of one moment that waits for nobody; the database refuses any write in it."""
        with _refusing(), self._reader.begin() as connection:
            yield SqlWorld(connection, self.usage, self._kept)

    def close(self) -> None:
        """Give back every connection."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _our_turn(self) -> Iterator[None]:
        """SQLite has one writer at a time; its own waiting is a poll, ours a queue."""
        if self._writer.dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise busy()
        try:
            yield
        finally:
            self._turn.release()


class SqlWorld(CheckedWorld):
    """One transaction; records once read are kept, so that a put need not read them again."""

    def __init__(
        self, connection: Connection, usage: UsageLake, kept: dict[str, tuple[Any, Any]]
    ) -> None:
        super().__init__(kept)
        self._connection = connection
        self._usage = usage
        self._dialect = connection.dialect.name
        self._seen: dict[tuple[type[Value], str], Value] = {}
        self._head: AuditEvent | None = None
        self._head_is_ours = False

    @property
    def usage(self) -> UsageLake:
        return self._usage

    def seek(self, kind: type[V], id: str) -> V | None:
        seen = self._seen.get((kind, id))
        if seen is not None:
            return cast("V", seen)
        mapper = mapper_of(kind)
        row = self.run(statements.by_id(mapper), {"b_id": id}).first()
        return None if row is None else self._remember(mapper, row)

    def find(
        self, kind: type[V], /, *, after: str = "", limit: int | None = None, **where: Any
    ) -> tuple[V, ...]:
        mapper = mapper_of(kind)
        rows = self.run(*statements.chosen(mapper, where, after=after, limit=limit))
        return tuple(self._remember(mapper, row) for row in rows)

    def stream(self, kind: type[V], /, *, after: str = "", **where: Any) -> Iterator[V]:
        mapper = mapper_of(kind)
        while True:
            wanted = statements.chosen(mapper, where, after=after, limit=PAGE_RECORDS)
            page = self.run(*wanted).all()
            for row in page:
                yield mapper.value(row)
            if len(page) < PAGE_RECORDS:
                return
            after = page[-1].id

    def number(self, series: str) -> int:
        counted = self.run(statements.next_number(self._dialect), {"series": series})
        return int(counted.scalar_one())

    def audit_events(
        self, *, after: int = 0, limit: int = 1000, subjects: tuple[str, ...] = ()
    ) -> tuple[AuditEvent, ...]:
        mapper = mapper_of(AuditEvent)
        sequence = AUDIT.c.sequence
        behind = mapper.select.where(sequence > after).order_by(sequence).limit(limit)
        if subjects:
            behind = behind.where(AUDIT.c.subject.in_(subjects))
        return tuple(mapper.value(row) for row in self.run(behind))

    def run(
        self, statement: Executable, parameters: dict[str, Any] | list[dict[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Execute inside this transaction; raises our refusal where the failure is one."""
        with _refusing():
            return cast("CursorResult[Any]", self._connection.execute(statement, parameters))

    def _remember(self, mapper: Mapper[V], row: Row[Any]) -> V:
        """The row as a value; the same object as before unless somebody changed it meanwhile."""
        key = (mapper.kind, row.id)
        seen = self._seen.get(key)
        if seen is None or seen.version != row.version:
            seen = self._seen[key] = mapper.value(row)
        return cast("V", seen)

    def _save(self, before: Value | None, after: Value) -> None:
        mapper = mapper_of(type(after))
        row = mapper.row(after)
        if before is None:
            if self._inserted(mapper, [row]) != 1:
                raise self._known([after])
        else:
            at = {"b_id": row.pop("id"), "b_version": before.version}
            if self._changed(mapper, {**row, **at}) != 1:
                raise self._stale(before)
        self._seen[(mapper.kind, after.id)] = after

    def _changed(self, mapper: Mapper[V], parameters: dict[str, Any]) -> int:
        """How many rows an update changed; raises `already_exists` for what must be unique."""
        changed = statements.changed(mapper)
        if not unique_fields(mapper.kind):
            return self.run(changed, parameters).rowcount
        try:
            with self._connection.begin_nested():  # PostgreSQL would else give up the transaction
                return self.run(changed, parameters).rowcount
        except exc.IntegrityError:
            raise taken(mapper.kind.__name__, unique_fields(mapper.kind)) from None

    def _stale(self, held: Value) -> Exception:
        mapper = mapper_of(type(held))
        row = self.run(statements.by_id(mapper), {"b_id": held.id}).first()
        return stale_version(
            mapper.kind.__name__, held.id, held.version, 0 if row is None else row.version
        )

    def _insert(self, values: list[Value]) -> None:
        by_kind: dict[type[Value], list[Value]] = {}
        for value in values:
            by_kind.setdefault(type(value), []).append(value)
        try:
            with self._connection.begin_nested():
                for kind, some in by_kind.items():
                    mapper = mapper_of(kind)
                    if self._inserted(mapper, [mapper.row(value) for value in some]) < len(some):
                        raise _KnownAmong(some)
        except _KnownAmong as known:
            # Asked after the rollback, so that what is found was there before.
            raise self._known(known.values) from None

    def _inserted(self, mapper: Mapper[Any], rows: list[dict[str, Any]]) -> int:
        return self.run(statements.fresh(mapper, self._dialect), rows).rowcount

    def _known(self, values: list[Value]) -> CloudmgrError:
        """Which of the values is stored already, else stands in the list twice; where none is,
        another has what must be unique."""
        kind = type(values[0])
        by_id = statements.by_id(mapper_of(kind))
        stored = (each.id for each in values if self.run(by_id, {"b_id": each.id}).first())
        (most, times) = Counter(each.id for each in values).most_common(1)[0]
        id = next(stored, most if times > 1 or not unique_fields(kind) else None)
        return (
            taken(kind.__name__, unique_fields(kind))
            if id is None
            else already_exists(kind.__name__, id)
        )

    def _take_locks(self, scopes: list[Scope]) -> None:
        if self._dialect == "sqlite":
            return  # BEGIN IMMEDIATE holds every record already
        for kind, some in groupby(scopes, key=lambda scope: scope[0]):
            ids = [id for _, id in some]
            absent = self._lock_rows(kind, ids)
            if absent:
                # Nothing to lock yet: hold the name, then look whether somebody made it meanwhile.
                self._hold(*(f"{kind.__name__}/{id}" for id in absent))
                self._lock_rows(kind, absent)

    def _lock_rows(self, kind: type[Value], ids: list[str]) -> list[str]:
        """Lock what exists and see it as it is now; returns the ids that do not exist."""
        mapper = mapper_of(kind)
        rows = self.run(statements.locked(mapper, ids)).all()
        found = {self._remember(mapper, row).id for row in rows}
        return [id for id in ids if id not in found]

    def _hold(self, *names: str) -> None:
        """Take PostgreSQL's advisory locks of the names, in the order given, until the end."""
        keys = [
            int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            for name in names
        ]
        self.run(statements.HOLD, {"keys": keys})

    def _revision(self, kinds: tuple[type[Value], ...]) -> Any:
        """Versions only grow and nothing is deleted, so their sums name what was committed."""
        return tuple(self.run(statements.versions(kinds)).one())

    def audit_head(self) -> AuditEvent | None:
        if self._head_is_ours:
            return self._head
        row = self.run(statements.last_event()).first()
        return None if row is None else mapper_of(AuditEvent).value(row)

    def _own_head(self) -> AuditEvent | None:
        if not self._head_is_ours:
            if self._dialect == "postgresql":
                # Not FOR UPDATE: whoever waited for the head's row would still see it as the head.
                self._hold(AUDIT.name)
            self._head = self.audit_head()
            self._head_is_ours = True
        return self._head

    def _append_audit(self, event: AuditEvent) -> None:
        self.run(AUDIT.insert(), mapper_of(AuditEvent).row(event))
        self._head = event


class _KnownAmong(Exception):
    """An insert left out one of the values: its id was taken."""

    def __init__(self, values: list[Value]) -> None:
        super().__init__()
        self.values = values


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn failures of the database that a caller can do something about into refusals."""
    try:
        yield
    except exc.TimeoutError as error:
        raise busy() from error
    except exc.StatementError as error:
        known = refusal(error)
        if known is None:
            raise
        raise known from error
