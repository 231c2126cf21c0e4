"""A node, a worker and a receiver as real processes, each killed in the middle of its work.

Every delivery reaches the receiver at least once, always under the same id, none is lost, and
every person is told once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy.engine import URL

from cloudmgr.domain.notifications import Notification
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.webhooks import DeliveryState, WebhookDelivery
from cloudmgr.services.world import Message
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.api import bearer, give_tokens, secret_of
from tests.support.postgres import fresh_database
from tests.support.served import COMMAND, ServedNode, free_port
from tests.support.stored_town import StoredTown, move_in
from tests.support.worlds import a_town

PATIENCE_SECONDS = 150.0
MESSAGES = 6
KILLS = 2
SETTINGS = {
    "worker": "false",
    "worker_lease_seconds": "2",
    "worker_idle_seconds": "0.05",
    "worker_retry_seconds": "1",
    "worker_longest_retry_seconds": "1",
    "webhook_loopback": "true",
    "webhook_seconds": "1",
    "webhook_retry_seconds": "1",
    "webhook_longest_retry_seconds": "1",
    "webhook_attempts": "1000",
}


class Process:
    """A program that is killed as the power would, and started again."""

    def __init__(self, log: Path, *words: str, **settings: str) -> None:
        self._log = log
        self._words = words
        self._settings = {f"CLOUDMGR_{name.upper()}": value for name, value in settings.items()}
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDMGR")}
        with self._log.open("a") as told:
            self._running = subprocess.Popen(
                self._words, stdout=told, stderr=told, env={**own, **self._settings}
            )

    def kill(self) -> None:
        if self._running is not None:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait()
            self._running = None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated empty database of each kind."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'node.db'}"
        upgrade(made)
        yield made
        return
    server: URL = request.getfixturevalue("postgres_server")
    with fresh_database(server) as database:
        text = database.render_as_string(hide_password=False)
        upgrade(text)
        yield text


@contextmanager
def stored_town(url: str) -> Iterator[StoredTown]:
    node = SqlNode(url, MemoryLake(), durable=False)
    town = move_in(a_town(), node)
    with node.transaction() as world:
        give_tokens(world, town.now)
    yield town
    node.close()


def subscribe(served: ServedNode, port: int) -> dict[str, Any]:
    body = {
        "organisation_id": "centre",
        "label": "test",
        "url": f"http://127.0.0.1:{port}/cloud",
        "topics": ["catalog_in_force"],
    }
    headers = bearer(secret_of("centre.a"))
    answer = httpx.post(f"{served.url}/api/v1/webhooks", json=body, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def say(town: StoredTown, *numbers: int) -> None:
    with town.node.transaction() as world:
        for number in numbers:
            payload = {"catalog_version_id": f"V-{number}"}
            world.outbox(
                Message(
                    topic="catalog_in_force", subject=f"V-{number}", payload=payload, at=town.now
                )
            )


def notes(file: Path) -> list[dict[str, str]]:
    """What the receiver has noted; a line that a kill cut short is none."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def unanswered(file: Path) -> set[str]:
    """What the receiver has had once and keeps waiting: its worker has sent and not recorded."""
    times = Counter(each["delivery"] for each in notes(file))
    return {id for id, count in times.items() if count == 1 and sum(map(ord, id)) % 2}


def soon(what: str) -> Iterator[None]:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        yield
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {PATIENCE_SECONDS} s")


def unsent(town: StoredTown) -> list[str]:
    return [
        each.id for each in town.all(WebhookDelivery) if each.state is not DeliveryState.DELIVERED
    ]


def test_killed_workers_and_receivers_lose_no_delivery_and_tell_nobody_twice(
    url: str, tmp_path: Path
) -> None:
    """The worker dies while the receiver has a delivery and has not answered; then the receiver
    dies too."""
    port, file = free_port(), tmp_path / "notes"
    program = str(Path(__file__).with_name("receiver.py"))
    receiver = Process(tmp_path / "receiver.log", sys.executable, program, str(port), str(file))
    words = (*COMMAND, "worker", "--data", str(tmp_path))
    worker = Process(tmp_path / "worker.log", *words, database_url=url, **SETTINGS)
    with stored_town(url) as town, receiver, worker:
        with ServedNode(tmp_path, url, **SETTINGS) as served:
            made = subscribe(served, port)
        cut_short = set()
        for kill in range(KILLS):
            before = {each["delivery"] for each in notes(file)}
            say(town, *range(kill * MESSAGES, (kill + 1) * MESSAGES))
            for _ in soon("a delivery that waits for its answer"):
                if waiting := unanswered(file) - before:
                    break
            worker.kill()
            cut_short |= waiting
            if kill:
                receiver.kill()
                receiver.start()
            worker.start()
        file.with_suffix(".go").touch()
        for _ in soon("everything delivered"):
            if len(town.all(WebhookDelivery)) == MESSAGES * KILLS and not unsent(town):
                break
        _check_received(notes(file), town, made["secret"])
        times = Counter(each["delivery"] for each in notes(file))
        assert cut_short
        assert all(times[id] > 1 for id in cut_short), "what was cut short was sent again"
        _check_told(town)


def _check_received(found: list[dict[str, str]], town: StoredTown, secret: str) -> None:
    times = Counter(each["delivery"] for each in found)
    assert set(times) == {each.id for each in town.all(WebhookDelivery)}
    assert len({(each["delivery"], each["body"]) for each in found}) == len(times)
    for each in found:
        signed = f"{each['timestamp']}.{each['body']}".encode()
        mac = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert each["signature"] == f"v1={mac}"
        assert json.loads(each["body"])["id"] == each["delivery"]


def _check_told(town: StoredTown) -> None:
    people = {each.user_id for each in town.all(Notification, topic="catalog_in_force")}
    assert "centre.a" in people
    for message in town.all(OutboxMessage, topic="catalog_in_force"):
        told = [each.user_id for each in town.all(Notification, message_id=message.id)]
        assert sorted(told) == sorted(people)
