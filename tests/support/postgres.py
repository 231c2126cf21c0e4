"""A PostgreSQL server for the tests, and throw-away databases on it.

Owns how a server is found: the one named by CLOUDMGR_TEST_POSTGRES, else one on 127.0.0.1:5432
that lets us in without a password, else a private cluster made for this run. Which schema goes
into a database is left to whoever asks for one.
"""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.support.skips import POSTGRESQL, missing

NAMED_SERVER = "CLOUDMGR_TEST_POSTGRES"
DRIVER = "postgresql+psycopg"
PACKAGED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
CONNECT_SECONDS = 5

_numbers = count(1)


@contextmanager
def running_server() -> Iterator[URL]:
    """The maintenance database of a server where databases may be created.

    Skips (in CI fails) with one line when there is none; a named server that does not answer
    raises, because somebody meant that one.
    """
    named = os.environ.get(NAMED_SERVER)
    if named:
        url = make_url(named).set(drivername=DRIVER)
        with _connect(url):
            yield url
        return
    local = local_server()
    if local is not None:
        yield local
        return
    with private_cluster() as url:
        yield url


@contextmanager
def fresh_database(server: URL, template: str | None = None) -> Iterator[URL]:
    """A new database, empty or a copy of the one named `template`, which nobody may be using;
    dropped at the end with whatever is still connected to it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"cloudmgr_test_{worker}_{os.getpid()}_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    try:
        yield server.set(database=name)
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def local_server(port: int = 5432) -> URL | None:
    """The server on 127.0.0.1 if it trusts one of the usual names with creating databases."""
    users = dict.fromkeys((os.environ.get("PGUSER") or getpass.getuser(), "postgres"))
    for user in users:
        url = URL.create(DRIVER, username=user, host="127.0.0.1", port=port, database="postgres")
        try:
            with _connect(url) as connection:
                row = connection.execute(
                    "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
        except psycopg.OperationalError:
            continue
        if row is not None and row[0]:
            return url
    return None


@contextmanager
def private_cluster() -> Iterator[URL]:
    """A cluster in a temporary directory, stopped and removed at the end.

    PostgreSQL refuses to run as root, so root starts it as `postgres`, or as `nobody`.
    """
    binaries = _binaries()
    if binaries is None:
        missing(
            POSTGRESQL,
            f"{NAMED_SERVER} is not set, no server on 127.0.0.1:5432 lets us create databases, "
            "and there is no initdb (Debian: apt-get install postgresql)",
        )
    with tempfile.TemporaryDirectory(prefix="cloudmgr-pg-") as directory:
        home, port, user = Path(directory), _free_port(), _unprivileged()
        if user is not None:
            shutil.chown(home, user)
        data, log = home / "data", home / "log"
        # Durability costs seconds and a throw-away cluster needs none.
        options = (
            f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off "
            "-c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
        )
        initdb = (str(binaries / "initdb"), "-D", str(data), "-U", "cloudmgr", "--auth=trust",
                  "--encoding=UTF8", "--locale=C", "--no-sync")  # fmt: skip
        pg_ctl = (str(binaries / "pg_ctl"), "-D", str(data), "-w")
        _run(initdb, home, user)
        _run((*pg_ctl, "-l", str(log), "-o", options, "start"), home, user)
        try:
            yield URL.create(
                DRIVER, username="cloudmgr", host="127.0.0.1", port=port, database="postgres"
            )
        finally:
            _run((*pg_ctl, "-m", "immediate", "stop"), home, user)


def _connect(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=CONNECT_SECONDS)


def _execute(server: URL, statement: str) -> None:
    with _connect(server) as connection:
        connection.execute(statement.encode())


def _binaries() -> Path | None:
    """The directory of initdb and pg_ctl: on PATH, else the newest of the packaged ones."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    for pattern in PACKAGED:
        found += sorted(Path("/").glob(pattern.lstrip("/")), key=_version, reverse=True)
    return next((each for each in found if (each / "initdb").exists()), None)


def _version(directory: Path) -> int:
    numbers = re.findall(r"\d+", str(directory))
    return int(numbers[0]) if numbers else 0


def _unprivileged() -> str | None:
    """Who runs the cluster instead of root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: Sequence[str], home: Path, user: str | None) -> None:
    """Run one of PostgreSQL's programs; its last words go into the report when it fails."""
    # A file and not a pipe: the server inherits it and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command, cwd=home, user=user, stdout=output, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            output.seek(0)
            words = " ".join(output.read().split())[-300:]
            missing(POSTGRESQL, f"{command[0]} ended with {done.returncode}: {words}")
