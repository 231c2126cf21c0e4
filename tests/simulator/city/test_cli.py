"""`simulator city` and `simulator month` as people and machines call them, refusals first."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from simulator.cli import app
from tests.simulator.traces.builders import planetlab_day, planetlab_file
from tests.support.plays import january, json_of
from tests.support.pretender import free_port, pretending

HERE = "127.0.0.1"
CONTRACT = {
    "requests",
    "allocations",
    "usage_rows",
    "billed_total",
    "statements",
    "settlements",
    "journal_balance",
    "audit_events",
    "wall_s",
}
"""The keys that `--json` promises at least."""


def call(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def refused(*args: object) -> str:
    """The code of a refusal, which is one JSON object and exit status 1."""
    result = call("city", *args, "--json")
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert set(told) == {"code", "message"}
    assert len(told["message"].split()) > 5  # says what to do
    code: str = told["code"]
    return code


def test_a_month_in_memory_is_one_json_object_with_the_promised_keys() -> None:
    result = call("city", "--memory", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert set(told) >= CONTRACT
    assert json_of(told) == january()[1]
    assert told["wall_s"] > 0


def test_a_node_and_memory_exclude_each_other() -> None:
    assert refused("--node", "http://127.0.0.1:1", "--memory") == "bad_option"


def test_traces_and_their_format_belong_together(tmp_path: Path) -> None:
    assert refused("--memory", "--traces", tmp_path) == "bad_option"
    assert refused("--memory", "--format", "long") == "bad_option"


def test_a_truncated_trace_is_refused(tmp_path: Path) -> None:
    folder = planetlab_day(tmp_path)
    planetlab_file(folder, "b_example_org", [7] * 287)
    assert refused("--memory", "--traces", folder, "--format", "planetlab") == "bad_trace"


def test_a_trace_that_is_not_there_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert refused("--memory", "--traces", gone, "--format", "long") == "trace_not_found"
    here = planetlab_day(tmp_path)
    assert refused("--memory", "--traces", here, "--format", "punched") == "unknown_trace_format"


def test_a_node_that_is_down_is_told_with_what_to_do() -> None:
    assert refused("--node", f"http://127.0.0.1:{free_port()}") == "node_unreachable"
    assert refused("--node", "127.0.0.1:8000") == "node_unreachable"  # no scheme


def test_what_is_no_node_is_not_played_on() -> None:
    with pretending() as other:
        other.answers = {}
        assert refused("--node", other.url) == "not_a_node"


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ({"rehearsal": False, "city": ""}, "not_a_rehearsal"),
        ({"city": "elsewhere"}, "other_city"),
        ({"now": "2026-02-01T00:00:00Z"}, "already_played"),
    ],
)
def test_only_a_fresh_rehearsal_of_the_city_is_played_on(node: dict[str, Any], code: str) -> None:
    with pretending(**node) as other:
        assert refused("--node", other.url) == code


def test_a_node_that_goes_away_during_the_play_is_told() -> None:
    with pretending() as dying:
        dying.answers["/api/v1/sessions"] = None
        assert refused("--node", dying.url) == "node_unreachable"


def test_a_month_does_not_start_where_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        taken.listen()
        result = call("month", "--data", tmp_path / "run", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert result.stderr.startswith("port_taken: ")
    assert "--port" in result.stderr
    assert not (tmp_path / "run" / "cloudmgr.db").exists()


@pytest.mark.parametrize(
    "ended_by", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_an_interrupted_month_takes_its_node_along_and_is_begun_anew(
    tmp_path: Path, ended_by: signal.Signals
) -> None:
    port, data = free_port(), tmp_path / "run"
    command = [sys.executable, "-c", "from simulator.cli import main; main()"]
    playing = subprocess.Popen(
        [*command, "month", "--data", str(data), "--port", str(port), "--no-stay"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    wait_for(f"http://{HERE}:{port}/api/v1/node")
    time.sleep(0.5)  # in the midst of the play
    os.kill(playing.pid, ended_by)
    playing.communicate(timeout=60)
    assert playing.returncode != 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{HERE}:{port}/api/v1/node")
    assert json.loads((data / "month.json").read_text())["told"] is None


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
