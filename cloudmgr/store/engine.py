"""Connections to either database, and what their errors mean. Owns every setting that decides how
safe and how patient a transaction is; the reasons stand in docs/adr/0010-two-databases.md.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from cloudmgr.domain.errors import CloudmgrError, bad_value, busy

PATIENCE_SECONDS = 30
"""How long a transaction waits for its turn before it is told `busy`."""

_LONGEST_QUEUE = 40
"""As many connections as the web server has threads."""


def open_engine(url: str, *, durable: bool = True) -> Engine:
    """An engine whose transactions write.

    SQLite begins with BEGIN IMMEDIATE: a deferred transaction that reads first and writes later
    loses its turn to every writer in between. `durable` False may lose the last commits when the
    power fails, never their order; a rehearsal can be played again.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, begin="BEGIN IMMEDIATE", durable=durable, read_only=False)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, durable)
    raise bad_value("url", f"{parsed.drivername} is not served; use sqlite or postgresql+psycopg")


def open_reader(url: str, writer: Engine) -> Engine:
    """An engine whose transactions see one moment, never wait for writers and cannot write."""
    if writer.dialect.name == "sqlite":
        return _sqlite(make_url(url), begin="BEGIN", durable=True, read_only=True)
    return writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def refusal(error: exc.StatementError) -> CloudmgrError | None:
    """What a failed statement means to a caller; None when it is a defect of the node."""
    cause = error.orig
    if isinstance(cause, CloudmgrError):
        return cause
    if isinstance(cause, sqlite3.OperationalError):
        return busy() if cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY else None
    waited_in_vain = (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.SerializationFailure,
    )
    return busy() if isinstance(cause, waited_in_vain) else None


def _sqlite(url: URL, *, begin: str, durable: bool, read_only: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise bad_value("url", "a node's SQLite database is a file; name one, as sqlite:///node.db")
    engine = create_engine(url, max_overflow=_LONGEST_QUEUE)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # The driver would else begin transactions by its own rules, and only at the first write.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        # In WAL mode readers and the one writer do not wait for each other.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: URL, durable: bool) -> Engine:
    settings = {
        "timezone": "UTC",
        "lock_timeout": f"{PATIENCE_SECONDS}s",
        "synchronous_commit": "on" if durable else "off",
    }
    own = url.query.get("options", "")
    options = " ".join([str(own), *(f"-c {name}={value}" for name, value in settings.items())])
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        connect_args={"options": options.strip()},
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=_LONGEST_QUEUE - 10,
    )
