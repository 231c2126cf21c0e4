"""The databases other tests stand on."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.support import postgres, skips
from tests.support.postgres import fresh_database, local_server, private_cluster

pytestmark = pytest.mark.postgres


def _names(server: URL) -> set[str]:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return {str(row[0]) for row in connection.execute("SELECT datname FROM pg_database")}


def test_a_fresh_database_is_dropped_even_while_somebody_is_connected(
    postgres_server: URL,
) -> None:
    with fresh_database(postgres_server) as url:
        assert url.database in _names(postgres_server)
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        lingering = psycopg.connect(plain)
    assert url.database not in _names(postgres_server)
    lingering.close()


def test_two_databases_do_not_see_each_other(postgres_server: URL, postgres_url: str) -> None:
    with fresh_database(postgres_server) as other:
        assert make_url(postgres_url).database != other.database


def test_a_private_cluster_serves_when_no_server_is_there_and_leaves_nothing_behind() -> None:
    with private_cluster() as server, fresh_database(server) as url:
        assert url.database in _names(server)
        assert server.port is not None
    assert local_server(server.port) is None


def test_a_machine_without_postgresql_skips_with_a_line_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "_binaries", lambda: None)
    monkeypatch.setattr(skips, "in_ci", lambda: False)
    with pytest.raises(pytest.skip.Exception, match=r"PostgreSQL is missing: .*apt-get install"):
        private_cluster().__enter__()
    monkeypatch.setattr(skips, "in_ci", lambda: True)
    with pytest.raises(pytest.fail.Exception, match="CI requires it"):
        private_cluster().__enter__()
