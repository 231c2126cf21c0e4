"""Fixtures and settings that every test may use; builders live in tests/support."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.engine import URL

from tests.support.postgres import fresh_database, running_server
from tests.support.skips import SkipLedger

# Derandomised: the same sources give the same examples, so a red run is red again. `make
# test-long` loads "long".
settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=500, deadline=None, derandomize=True)
settings.load_profile("quick")


def pytest_configure(config: pytest.Config) -> None:
    """Count skips once, in the process that prints the summary."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipLedger(), "skip-ledger")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL server where databases may be created; skips when there is none."""
    with running_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The SQLAlchemy URL of a new empty PostgreSQL database, dropped after the test."""
    with fresh_database(postgres_server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'node.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Runs the test twice: on an empty SQLite file and on an empty PostgreSQL database."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))
