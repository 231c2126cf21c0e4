"""One script of commands through memory, SQL and HTTP: the same month, to the fen and the byte.

The live month is played as `make run` plays it, by `simulator month` against a `cloudmgr serve`
process. Traces of the real world are the long tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudmgr.domain.audit import AuditEvent, AuditHead, verify
from cloudmgr.domain.notifications import Notification
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.parties import Token
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import IdempotencyRecord
from cloudmgr.services.world import World
from cloudmgr.store.mapper import ROWS
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import DirectoryLake
from simulator.city.demand import shares_for
from tests.support.plays import january, json_of, play_on, the_city
from tests.support.pretender import free_port
from tests.support.shared_data import require_shared_data

ONLY_OVER_HTTP = {AuditHead, IdempotencyRecord, Notification, OutboxMessage, Token}
"""What people who sign in and repeat requests leave behind; nobody does in this process, and the
heads of a chain with their events are others. Messages are the same but for what the served node's
workers note about bringing them to their receivers, who are notified by nobody here."""

KINDS = [kind for kind in ROWS if kind is not AuditEvent and kind not in ONLY_OVER_HTTP]


def simulator(*args: object) -> str:
    """What `simulator …` prints, run as a process of its own."""
    command = [sys.executable, "-c", "from simulator.cli import main; main()", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def opened(url: str, lake: Path) -> Iterator[SqlNode]:
    """A node on a database, closed at the end."""
    node = SqlNode(url, DirectoryLake(lake, durable=False), durable=False)
    try:
        yield node
    finally:
        node.close()


def logins(world: World) -> int:
    """How many events of the chain people left by signing in; the chain holds."""

    def events() -> Iterator[AuditEvent]:
        after = 0
        while page := world.audit_events(after=after, limit=5000):
            yield from page
            after = page[-1].sequence

    chain = list(events())
    assert verify(iter(chain)) == len(chain)
    return sum(event.command == "log_in" for event in chain)


def compare_records(one: World, other: World) -> None:
    """Every record of every noun is the same in both, versions included."""
    for kind in KINDS:
        assert records(one, kind) == records(other, kind), kind.__name__


def records(world: World, kind: type[Value]) -> tuple[Value, ...]:
    return world.find(kind)


def without_events(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "audit_events"}


def test_the_live_month_is_the_month_in_memory_and_is_told_again_when_served_again(
    tmp_path: Path,
) -> None:
    data = tmp_path / "run"
    show = ("month", "--data", data, "--port", free_port(), "--no-stay")
    printed = simulator(*show)
    live = json_of(json.loads((data / "month.json").read_text())["told"])
    memory, told = january()
    assert without_events(live) == without_events(told)
    with (
        opened(f"sqlite:///{data / 'cloudmgr.db'}", data / "lake") as served,
        served.reading() as world,
        memory.reading() as other,
    ):
        compare_records(world, other)
        signed_in = logins(world)
    assert live["audit_events"] == told["audit_events"] + signed_in
    # Served again, the node tells its month itself; two offices signed in to read it back.
    again = simulator(*show)
    events = live["audit_events"]
    assert again == printed.replace(f"{events:,} audit", f"{events + 2:,} audit")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sql_without_http_gives_the_month_of_memory(database_url: str, tmp_path: Path) -> None:
    memory, told = january()
    upgrade(database_url)
    with opened(database_url, tmp_path / "lake") as node:
        assert play_on(node, shares_for(the_city())) == told
        with node.reading() as world, memory.reading() as other:
            compare_records(world, other)
            # One event's hash is made over all that came before it.
            last = told["audit_events"] - 1
            assert world.audit_events(after=last) == other.audit_events(after=last)


@pytest.mark.long
@pytest.mark.shared_data
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("format", "parts"),
    [("long", ("bitbrains-rnd", "odd.parquet")), ("planetlab", ("planetlab", "20110303"))],
)
def test_real_traces_give_the_same_month_live_and_in_memory(
    format: str, parts: tuple[str, ...]
) -> None:
    trace = require_shared_data(*parts)
    asked = ("city", "--traces", trace, "--format", format, "--json")
    live = json_of(json.loads(simulator(*asked)))
    told = json_of(json.loads(simulator(*asked, "--memory")))
    assert without_events(live) == without_events(told)
    synthetic = january()[1]
    assert told["statements"] != synthetic["statements"]
    assert told["scores"] != synthetic["scores"]
