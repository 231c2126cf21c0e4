"""The migrations make exactly the tables that the store uses, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from cloudmgr.domain.errors import CloudmgrError
from cloudmgr.store.engine import open_engine
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.tables import METADATA

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _described(connection: Connection) -> dict[str, object]:
    """Every table's columns, keys and indexes, as the database tells them."""
    inspector = inspect(connection)
    return {
        table: (
            [
                (each["name"], str(each["type"]), each["nullable"])
                for each in inspector.get_columns(table)
            ],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (str(each["name"]), tuple(each["column_names"]))
                for each in inspector.get_indexes(table)
            ),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_migrations_make_the_tables_of_the_store(database_url: str) -> None:
    upgrade(database_url)
    with _connected(database_url) as connection:
        drift = compare_metadata(MigrationContext.configure(connection), METADATA)
        assert not drift, "write a migration: python -m cloudmgr.store.migrate revision WHY"
        migrated = _described(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        assert _described(connection) == migrated


def test_text_sorts_by_byte_in_every_column(postgres_url: str) -> None:
    upgrade(postgres_url)
    with _connected(postgres_url) as connection:
        sorted_by = connection.execute(
            text(
                "SELECT DISTINCT collation_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND data_type = 'text'"
            )
        ).scalars()
        assert sorted_by.all() == ["C"]


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    upgrade(database_url)


def test_two_nodes_that_start_at_once_upgrade_one_after_the_other(database_url: str) -> None:
    script = "import sys; from cloudmgr.store.migrate import upgrade; upgrade(sys.argv[1])"
    command = [sys.executable, "-c", script, database_url]
    both = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    complaints = [each.communicate(timeout=60)[1] for each in both]
    assert [each.returncode for each in both] == [0, 0], complaints


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/node"])
def test_a_database_that_cannot_keep_a_node_is_refused(url: str) -> None:
    with pytest.raises(CloudmgrError, match="bad_value"):
        upgrade(url)
