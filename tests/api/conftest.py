"""The reference city behind its REST API, on SQLite and on PostgreSQL.

It is loaded once per database and copied for those who change what others count on: `city` is
shared by tests that touch nothing but what they make themselves, `own_city` is one test's alone,
`january` is a city with a month behind it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from cloudmgr.cities.load import load_city
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import DirectoryLake, MemoryLake, UsageLake
from tests.support.api import Api, give_tokens
from tests.support.january import January, live
from tests.support.matrix import settle_in
from tests.support.postgres import fresh_database

Copies = Callable[[], AbstractContextManager[str]]
"""Gives the URL of a copy of the loaded city, as long as the block lasts."""


@dataclass(frozen=True)
class Lived:
    """A city's API, and what happened in its January."""

    api: Api
    january: January


@pytest.fixture(scope="session", params=["sqlite", pytest.param("pg", marks=pytest.mark.postgres)])
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    if request.param == "sqlite":
        yield _sqlite_copies(request.getfixturevalue("tmp_path_factory").mktemp("city"))
        return
    server: URL = request.getfixturevalue("postgres_server")
    with fresh_database(server) as loaded:
        load(_text(loaded))

        @contextmanager
        def copy() -> Iterator[str]:
            with fresh_database(server, template=loaded.database) as url:
                yield _text(url)

        yield copy


@pytest.fixture(scope="session")
def city(copies: Copies) -> Iterator[Api]:
    """A loaded city that every test may write its own drafts in; its clock stands still."""
    with _serving(copies, MemoryLake()) as api:
        yield api


@pytest.fixture
def own_city(copies: Copies) -> Iterator[Api]:
    """A loaded city for one test, which may move its clock."""
    with _serving(copies, MemoryLake()) as api:
        yield api


@pytest.fixture(scope="session")
def lived(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A city with a January behind it; to be read, not changed."""
    with _serving(copies, DirectoryLake(tmp_path_factory.mktemp("lake"))) as api:
        january = live(api)
        with api.node.transaction() as world:
            settle_in(world)
        yield Lived(api, january)


def _sqlite_copies(folder: Path) -> Copies:
    loaded = folder / "loaded.db"
    load(f"sqlite:///{loaded}")
    count = 0

    @contextmanager
    def copy() -> Iterator[str]:
        nonlocal count
        count += 1
        file = folder / f"copy-{count}.db"
        shutil.copy(loaded, file)
        yield f"sqlite:///{file}"

    return copy


@contextmanager
def _serving(copies: Copies, lake: UsageLake) -> Iterator[Api]:
    with copies() as url:
        node = SqlNode(url, lake, durable=False)
        with Api(node) as api:
            yield api
        node.close()


def load(url: str) -> None:
    """Make the reference city in an empty database; everybody has a token."""
    upgrade(url)
    node = SqlNode(url, MemoryLake(), durable=False)
    with node.transaction() as world:
        load_city(world, "reference")
        give_tokens(world, world.get(NodeSettings, NODE_ID).created_at)
    node.close()


def _text(url: URL) -> str:
    return make_url(url).render_as_string(hide_password=False)
