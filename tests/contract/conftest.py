"""The databases every contract test runs on, each empty: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.world import Message, World
from cloudmgr.store import queries
from cloudmgr.store.engine import open_engine
from cloudmgr.store.tables import METADATA
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.postgres import fresh_database

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


@dataclass(frozen=True)
class NodeUnderTest:
    """A node of either world, and what its outbox holds."""

    transaction: Callable[[], AbstractContextManager[World]]
    reading: Callable[[], AbstractContextManager[World]]
    messages: Callable[[], tuple[Message, ...]]


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to copy. That migrations make the same is their test."""
    file = tmp_path_factory.mktemp("made") / "node.db"
    _make_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def made_database(postgres_server: URL) -> Iterator[str]:
    """A PostgreSQL database with every table, shared by the tests of this run."""
    with fresh_database(postgres_server) as url:
        _make_tables(url.render_as_string(hide_password=False))
        yield url.render_as_string(hide_password=False)


def _make_tables(url: str) -> None:
    engine = open_engine(url)
    METADATA.create_all(engine)
    engine.dispose()


@pytest.fixture
def sqlite_made(made_file: Path, tmp_path: Path) -> str:
    """The URL of an empty SQLite database with every table."""
    shutil.copy(made_file, tmp_path / "node.db")
    return f"sqlite:///{tmp_path / 'node.db'}"


@pytest.fixture
def postgres_made(made_database: str) -> str:
    """The URL of an empty PostgreSQL database with every table."""
    engine = open_engine(made_database, durable=False)
    with engine.begin() as connection:
        # TRUNCATE makes new files and takes a quarter of a second for as many tables.
        tables = METADATA.sorted_tables
        connection.execute(text("; ".join(f'DELETE FROM "{table.name}"' for table in tables)))
    engine.dispose()
    return made_database


@pytest.fixture
def sqlite_sql(sqlite_made: str) -> Iterator[SqlNode]:
    yield from _open(sqlite_made)


@pytest.fixture
def postgres_sql(postgres_made: str) -> Iterator[SqlNode]:
    yield from _open(postgres_made)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind."""
    made = "sqlite_made" if request.param == "sqlite" else "postgres_made"
    return str(request.getfixturevalue(made))


@pytest.fixture
def sql(url: str) -> Iterator[SqlNode]:
    """A node on either database."""
    yield from _open(url)


@pytest.fixture(params=["memory", "sqlite", POSTGRESQL])
def node(request: pytest.FixtureRequest) -> NodeUnderTest:
    """A node of every kind."""
    if request.param == "memory":
        memory = MemoryNode()
        return NodeUnderTest(memory.transaction, memory.reading, lambda: tuple(memory.messages))
    opened = "sqlite_sql" if request.param == "sqlite" else "postgres_sql"
    sql: SqlNode = request.getfixturevalue(opened)

    def messages() -> tuple[Message, ...]:
        with sql.reading() as world:
            return queries.messages(world)

    return NodeUnderTest(sql.transaction, sql.reading, messages)


def _open(url: str) -> Iterator[SqlNode]:
    node = SqlNode(url, MemoryLake(), durable=False)
    yield node
    node.close()
