"""One delivery over a real connection: what counts as an answer, and how long and how much."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from cloudmgr.domain.webhooks import WebhookDelivery, headers_of
from cloudmgr.webhooks import posting
from cloudmgr.webhooks.posting import PostLimits, post
from tests.support.assessments import at
from tests.support.served import free_port

LIMITS = PostLimits(total_seconds=1.0, loopback=True)
SECRET = "cmw_of_the_test"
Behaviour = Callable[[socket.socket], None]


@contextmanager
def listening(behave: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and then does as told; gives its URL and what it has read."""
    got: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with closing(connection):
                    got.append(connection.recv(65536))
                    try:
                        behave(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/in", got


def says(text: str) -> Behaviour:
    return lambda connection: connection.sendall(text.encode())


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with listening(says("HTTP/1.1 204 No Content\r\n\r\n")) as (elsewhere, got):
        there = f"HTTP/1.1 307 There\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        with listening(says(there)) as (url, _):
            answer = post(url, {}, "{}", LIMITS)
        assert (answer.status_code, answer.good) == (307, False)
        assert got == []


def test_an_answer_that_drips_for_ever_ends_with_its_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)

    with listening(drip) as (url, _):
        begun = time.monotonic()
        answer = post(url, {}, "{}", LIMITS)
    assert not answer.good
    assert "within 1 seconds" in answer.problem
    assert time.monotonic() - begun < 5


def test_only_the_beginning_of_a_long_refusal_is_read_and_shown_plainly() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 No\r\n\r\n\x1b[31mno\r\nroom")
        for _ in range(10_000):
            connection.sendall(b" full" * 1000)

    with listening(flood) as (url, _):
        answer = post(url, {}, "{}", LIMITS)
    assert answer.status_code == 500
    assert answer.problem.startswith("it answered 500: [31mno room full")
    assert len(answer.problem) < posting.SHOWN + 30


@pytest.mark.parametrize("text", ["", "nonsense\r\n\r\n", "HTTP/1.1 20"])
def test_what_is_no_answer_is_a_failure_and_no_fault(text: str) -> None:
    with listening(says(text)) as (url, _):
        answer = post(url, {}, "{}", LIMITS)
    assert answer.status_code is None
    assert answer.problem


def test_nobody_there_is_a_failure_and_no_fault() -> None:
    answer = post(f"http://127.0.0.1:{free_port()}/", {}, "{}", LIMITS)
    assert not answer.good
    assert answer.problem


def test_a_name_that_leads_to_this_machine_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when it led elsewhere while the webhook was subscribed."""
    with listening(says("HTTP/1.1 204 No Content\r\n\r\n")) as (url, got):
        port = int(url.rpartition(":")[2].partition("/")[0])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        answer = post(f"https://oa.example:{port}/", {}, "{}", PostLimits(total_seconds=1.0))
    assert "leads to this machine" in answer.problem
    assert got == []


# --- the receiver of the documentation ------------------------------------------------------


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[str]:
    """The complete receiver of docs/webhooks.md, as it stands there."""
    text = Path(__file__).parents[2].joinpath("docs", "webhooks.md").read_text(encoding="utf-8")
    program = tmp_path / "receiver.py"
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    program.write_text(code, encoding="utf-8")
    port = free_port()
    told = (tmp_path / "told").open("w")
    settings = {"CLOUDMGR_WEBHOOK_SECRET": SECRET, "RECEIVED": str(tmp_path / "received.db")}
    process = subprocess.Popen(
        [sys.executable, str(program), str(port)], stdout=told, env={**os.environ, **settings}
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/cloud"
    process.kill()
    process.wait()
    told.close()


def a_delivery() -> WebhookDelivery:
    body = '{"id":"MSG-1.WHK-1","payload":{},"subject":"ST-字","topic":"statement_issued"}'
    return WebhookDelivery(
        id="MSG-1.WHK-1",
        webhook_id="WHK-1",
        organisation_id="health",
        message_id="MSG-1",
        topic="statement_issued",
        subject="ST-字",
        body=body,
        at=at("01-05 09:00"),
        attempts=1,
    )


def test_the_documented_receiver_takes_ours_once_and_refuses_what_is_not(
    receiver: str, tmp_path: Path
) -> None:
    delivery, now = a_delivery(), int(time.time())
    generous = PostLimits(total_seconds=20.0, loopback=True)
    for _ in range(2):
        headers = headers_of(delivery, SECRET, now)
        assert post(receiver, headers, delivery.body, generous).status_code == 204
    assert (tmp_path / "told").read_text() == "statement_issued ST-字 {}\n"
    good = headers_of(delivery, SECRET, now)
    forged = headers_of(delivery, "cmw_of_another", now)
    old = headers_of(delivery, SECRET, now - 3600)
    for headers, body in (
        (forged, delivery.body),
        (old, delivery.body),
        (good, delivery.body.replace("WHK-1", "WHK-2")),
        ({**good, "Cloudmgr-Timestamp": str(now + 1)}, delivery.body),
        ({**good, "Cloudmgr-Signature": good["Cloudmgr-Signature"].replace("v1", "v2")}, "{}"),
    ):
        assert post(receiver, headers, body, generous).status_code == 401
    assert httpx.post(receiver, content=b"{}").status_code == 401
