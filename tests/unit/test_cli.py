"""The node's command line, run in this process: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cloudmgr.app import open_node
from cloudmgr.cli import main
from cloudmgr.domain.audit import link
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.settings import Settings
from cloudmgr.store.migrate import upgrade


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ended]


def _told_to_serve(app: FastAPI, *, host: str, port: int, **more: Any) -> None:
    print(f"{app.title} serves at {host}:{port}")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `cloudmgr` with arguments."""
    for name in ("DATA_DIR", "DATABASE_URL", "HOST", "PORT", "DUE_SECONDS"):
        monkeypatch.delenv(f"CLOUDMGR_{name}", raising=False)
    # A refusal that is missing would else serve until somebody stops it.
    monkeypatch.setattr("cloudmgr.cli.uvicorn.run", _told_to_serve)

    def command(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["cloudmgr", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return Ended(int(left.value.code or 0), printed.out, printed.err)

    return command


@pytest.fixture
def production(run: Run, tmp_path: Path) -> Path:
    """The folder of a node made for production."""
    assert run("init", "--data", tmp_path / "node").code == 0
    return tmp_path / "node"


def settings_of(folder: Path) -> NodeSettings | None:
    node = open_node(Settings(data_dir=folder))
    with node.reading() as world:
        found = world.seek(NodeSettings, NODE_ID)
    node.close()
    return found


# --- init ----------------------------------------------------------------------------------


def test_init_with_a_city_makes_a_rehearsal_and_counts_what_it_loaded(
    run: Run, tmp_path: Path
) -> None:
    ended = run("init", "--city", "reference", "--data", tmp_path / "city", "--json")
    assert ended.code == 0, ended.err
    assert (ended.told["rehearsal"], ended.told["city"]) == (True, "reference")
    assert ended.told["loaded"]["departments"] == 46
    assert ended.told["loaded"]["allocations"] >= 400
    made = settings_of(tmp_path / "city")
    assert made is not None
    assert made.rehearsal
    assert run("audit", "verify", "--data", tmp_path / "city", "--json").told == {
        "events": 1,
        "intact": True,
    }


def test_init_without_a_city_makes_a_production_node(run: Run, tmp_path: Path) -> None:
    ended = run("init", "--data", tmp_path / "deep" / "er", "--json")
    assert ended.told == {"rehearsal": False, "city": ""}
    made = settings_of(tmp_path / "deep" / "er")
    assert made is not None
    assert not made.rehearsal
    assert made.clock is None


def test_init_tells_a_person_what_it_made_and_where(run: Run, tmp_path: Path) -> None:
    ended = run("init", "--data", tmp_path / "node")
    assert ended.out == f"created a production node in {tmp_path / 'node'}\n"


def test_init_twice_is_refused_and_changes_nothing(run: Run, production: Path) -> None:
    before = settings_of(production)
    ended = run("init", "--city", "reference", "--data", production, "--json")
    assert ended.code == 1
    assert ended.told["code"] == "bad_value"
    assert "holds a node already; choose another" in ended.told["message"]
    assert settings_of(production) == before


def test_a_city_that_is_not_shipped_is_refused_and_the_folder_stays_free(
    run: Run, tmp_path: Path
) -> None:
    ended = run("init", "--city", "atlantis", "--data", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith("unknown_city: ")
    assert "reference" in ended.err
    assert run("init", "--data", tmp_path).code == 0


def test_init_makes_a_node_in_the_database_that_the_environment_names(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUDMGR_DATABASE_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert run("init", "--data", tmp_path / "lake").code == 0
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "lake" / "cloudmgr.db").exists()
    again = run("init", "--data", tmp_path / "lake")
    assert "the database holds a node already" in again.err


@pytest.mark.postgres
def test_a_node_is_made_on_postgresql_too(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_url: str
) -> None:
    monkeypatch.setenv("CLOUDMGR_DATABASE_URL", postgres_url)
    empty = run("audit", "verify", "--data", tmp_path)
    assert (empty.code, "run `cloudmgr init` first" in empty.err) == (1, True)
    assert run("init", "--data", tmp_path).code == 0
    assert run("audit", "verify", "--data", tmp_path, "--json").told == {
        "events": 0,
        "intact": True,
    }


# --- serve ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("serve",), ("audit", "verify")], ids=" ".join)
def test_where_there_is_no_node_a_command_says_what_to_do_and_makes_nothing(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        ended = run(*command, "--data", folder)
        assert ended.code == 1
        assert ended.err == f"bad_value: data: {folder} holds no node; run `cloudmgr init` first\n"
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_which_nothing_was_made_holds_no_node(run: Run, tmp_path: Path) -> None:
    upgrade(Settings(data_dir=tmp_path).url)
    assert "run `cloudmgr init` first" in run("serve", "--data", tmp_path).err


def test_serve_as_a_rehearsal_refuses_a_production_database(run: Run, production: Path) -> None:
    ended = run("serve", "--rehearsal", "--data", production)
    assert ended.code == 1
    assert "made for production and stays so" in ended.err


def test_serve_listens_where_it_is_told(
    run: Run, production: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("serve", "--data", production).out == "cloudmgr serves at 127.0.0.1:8000\n"
    monkeypatch.setenv("CLOUDMGR_PORT", "8001")
    assert "127.0.0.1:8001" in run("serve", "--data", production).out
    told = run("serve", "--data", production, "--host", "0.0.0.0", "--port", "8002")
    assert "0.0.0.0:8002" in told.out


def test_a_node_serves_until_it_is_told_to_stop(production: Path, free_port: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from cloudmgr.cli import main; main()",
         "serve", "--data", str(production), "--port", str(free_port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        told = _answer(f"http://127.0.0.1:{free_port}/api/v1/node", process)
        assert told["rehearsal"] is False
        now = datetime.fromisoformat(told["now"])
        assert abs(now - datetime.now(UTC)).total_seconds() < 60
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert process.returncode in (0, -15)
    assert (out, err) == ("", "")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answer(url: str, process: subprocess.Popen[str]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(url, timeout=5).raise_for_status().json()
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the node did not answer")


# --- audit ---------------------------------------------------------------------------------


@pytest.fixture
def audited(production: Path) -> Path:
    """A production node with five events."""
    node = open_node(Settings(data_dir=production))
    with node.transaction() as world:
        for number in range(5):
            world.audit(
                at=datetime(2026, 1, 5, tzinfo=UTC),
                user_id=f"user-{number}",
                role="finance",
                command="close_period",
                subject="BillingPeriod/2026-01",
                request_id="",
            )
    node.close()
    return production


def _by_hand(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "cloudmgr.db")
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_an_untouched_audit_chain_holds(run: Run, audited: Path) -> None:
    assert run("audit", "verify", "--data", audited).out == "5 events hold\n"


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_event SET user_id = 'somebody else' WHERE sequence = 3", 3),
        ("UPDATE audit_event SET subject = 'BillingPeriod/2026-02' WHERE sequence = 1", 1),
        ("UPDATE audit_event SET at = '2026-01-06 00:00:00.000000' WHERE sequence = 5", 5),
        ("UPDATE audit_event SET previous = hash WHERE sequence = 2", 2),
        ("DELETE FROM audit_event WHERE sequence = 4", 4),
        ("DELETE FROM audit_event WHERE sequence = 1", 1),
    ],
)
def test_an_audit_chain_changed_by_hand_names_the_event(
    run: Run, audited: Path, statement: str, broken: int
) -> None:
    _by_hand(audited, statement)
    ended = run("audit", "verify", "--data", audited, "--json")
    assert ended.code == 1
    assert (ended.told["code"], ended.told["sequence"]) == ("audit_broken", broken)
    assert f"breaks at event {broken}" in ended.err


def test_an_event_written_anew_with_a_hash_that_fits_breaks_the_chain_behind_it(
    run: Run, audited: Path
) -> None:
    """Whoever can compute hashes must write every later event anew too."""
    node = open_node(Settings(data_dir=audited))
    with node.reading() as world:
        second, third = world.audit_events(after=1, limit=2)
    node.close()
    names = ("at", "role", "command", "subject", "before", "after", "request_id")
    same = {name: getattr(third, name) for name in names}
    forged = link(previous=second, user_id="somebody else", **same)
    _by_hand(
        audited,
        f"UPDATE audit_event SET user_id = '{forged.user_id}', hash = '{forged.hash}' "
        "WHERE sequence = 3",
    )
    ended = run("audit", "verify", "--data", audited, "--json")
    assert (ended.told["code"], ended.told["sequence"]) == ("audit_broken", 4)


# --- the rest ------------------------------------------------------------------------------


def test_the_shipped_catalogs_are_valid(run: Run) -> None:
    ended = run("catalog", "validate", "--json")
    assert ended.code == 0, ended.err
    assert ended.told


def test_a_setting_that_does_not_fit_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDMGR_PORT", "eighty")
    ended = run("serve")
    assert ended.code == 1
    assert ended.err.startswith("bad_value: CLOUDMGR_PORT: ")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://nobody@127.0.0.1:1/nothing", "database_failed"),
        ("mysql://127.0.0.1/nothing", "bad_value"),
        ("no url", "bad_value"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence_and_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, code: str
) -> None:
    monkeypatch.setenv("CLOUDMGR_DATABASE_URL", url)
    ended = run("init", "--data", tmp_path, "--json")
    assert ended.code == 1
    assert ended.told["code"] == code
    assert len(ended.err.splitlines()) == 1


def test_a_file_that_is_no_database_is_one_sentence_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cloudmgr.db").write_bytes(b"this is no database, it is a letter" * 100)
    ended = run("serve", "--data", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith("database_failed: ")
    assert len(ended.err.splitlines()) == 1


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    ended = run()
    assert "serve" in ended.out + ended.err
    assert "init" in ended.out + ended.err
