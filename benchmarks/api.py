"""Requests a second of the API on PostgreSQL, and of a bare application that runs the same queries.

`python -m benchmarks.api [--seconds N] [--clients N] [--allocations N] [--events N] [--json]`.
Half lists (of all allocations at any depth, of a department's own, of the audit chain), three
tenths single records, two tenths commands (draft a request, submit it). Both applications run by
turns on the same database, each as a process of its own; what is not answered well is an error.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from benchmarks.api_city import Ground, build, secret_of
from tests.support.postgres import fresh_database, running_server
from tests.support.served import ServedNode, free_port

ROUNDS = 3
PAGE = 50
Answer = tuple[int, bytes]


@dataclass
class Client:
    """One connection that asks one thing after the other, and how long each took."""

    port: int
    ground: Ground
    bare: bool
    chance: random.Random
    name: str
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    drafts: list[tuple[str, str]] = field(default_factory=list)
    keys: int = 0

    def run(self, until: float) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while time.monotonic() < until:
            draw = self.chance.random()
            name = "list" if draw < 0.5 else "read" if draw < 0.8 else "command"
            began = time.perf_counter()
            status, body = getattr(self, name)()
            self.seconds[name].append(time.perf_counter() - began)
            if status >= 300:
                self.errors.append(f"{name} {status} {body[:900].decode(errors='replace')}")
        self.connection.close()

    def list(self) -> Answer:
        draw = self.chance.random()
        if draw < 0.5:
            after = self.chance.choice(self.ground.all_allocations)
            return self.ask("GET", f"/allocations?limit={PAGE}&{self.behind(after)}", self.office)
        if draw < 0.8:
            login = self.chance.choice(self.ground.departments)
            own = ""
            if self.bare:  # the API keeps a department to its own by itself
                own = f"&department_id={self.ground.applications[login][0]}"
            return self.ask("GET", f"/allocations?limit={PAGE}{own}", login)
        after_event = self.chance.randrange(self.ground.events)
        return self.ask("GET", f"/audit-events?limit={PAGE}&after={after_event}", self.auditor)

    def read(self) -> Answer:
        login = self.chance.choice(self.ground.departments)
        id = self.chance.choice(self.ground.allocations[login])
        return self.ask("GET", f"/allocations/{id}", login)

    def command(self) -> Answer:
        if self.drafts:
            login, id = self.drafts.pop()
            return self.ask("POST", f"/requests/{id}/submission", login)
        login = self.chance.choice(self.ground.departments)
        department, application = self.ground.applications[login]
        body = {
            "department_id": department,
            "application_id": application,
            "kind": "new",
            "reason": "benchmark",
            "lines": [{"line": 1, "sku_id": "vm-x86-2c4g", "quantity": 1}],
        }
        answer = self.ask("POST", "/requests", login, body)
        if answer[0] == 201:
            self.drafts.append((login, json.loads(answer[1])["id"]))
        return answer

    def behind(self, after: str) -> str:
        if self.bare:
            return f"after={after}"
        return "cursor=" + base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")

    @property
    def office(self) -> str:
        return self.ground.office

    @property
    def auditor(self) -> str:
        return self.ground.auditor

    def ask(self, method: str, path: str, login: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {secret_of(login)}"}
        data = None
        if method == "POST":
            self.keys += 1
            headers["Idempotency-Key"] = f"{self.name}-{self.keys:08d}"
            headers["Content-Type"] = "application/json"
            data = json.dumps(body if body is not None else {}).encode()
        prefix = "" if self.bare else "/api/v1"
        self.connection.request(method, prefix + path, data, headers)
        response = self.connection.getresponse()
        return response.status, response.read()


def measured(seconds: float, clients: int, allocations: int, events: int) -> dict[str, Any]:
    """Both applications by turns on one database, so that what else runs here hits both."""
    with running_server() as server, fresh_database(server) as url:
        began = time.perf_counter()
        ground = build(url, allocations, events)
        built = time.perf_counter() - began
        runs: dict[str, list[list[Client]]] = {"cloudmgr": [], "bare": []}
        with _node(url) as node_port, _bare(url) as bare_port:
            for turn in range(ROUNDS):
                for name, port in (("cloudmgr", node_port), ("bare", bare_port)):
                    label = f"{name}-{os.getpid()}-{turn}"
                    runs[name].append(
                        _pressed(port, ground, name == "bare", clients, seconds, label)
                    )
            pages = _page_times(node_port, ground)
    told = {name: _figures(turns, seconds) for name, turns in runs.items()}
    ratio = round(told["cloudmgr"]["requests_per_s"] / told["bare"]["requests_per_s"], 2)
    return {
        **{f"api: {name}": figures for name, figures in told.items()},
        "api: ratio": {"cloudmgr_to_bare": ratio},
        "api: page": pages,
        "api: ground": {
            "allocations": allocations,
            "audit_events": events,
            "clients": clients,
            "built_s": round(built, 1),
        },
    }


def _pressed(
    port: int, ground: Ground, bare: bool, clients: int, seconds: float, label: str
) -> list[Client]:
    """All clients at once for a while, after a second that does not count."""
    some = [
        Client(port, ground, bare, random.Random(f"{label}-{each}"), f"{label}-{each:02d}")
        for each in range(clients)
    ]
    for until in (time.monotonic() + 1, time.monotonic() + 1 + seconds):
        threads = [threading.Thread(target=client.run, args=(until,)) for client in some]
        if until - time.monotonic() > 1.5:
            for client in some:
                client.seconds.clear()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return some


def _figures(turns: list[list[Client]], seconds: float) -> dict[str, Any]:
    clients = [client for turn in turns for client in turn]
    errors = [error for client in clients for error in client.errors]
    if errors:
        raise RuntimeError(f"{len(errors)} answers were no good, such as: {errors[0]}")
    told: dict[str, Any] = {}
    everything: list[float] = []
    for name in ("list", "read", "command"):
        took = sorted(each for client in clients for each in client.seconds[name])
        everything += took
        told[f"{name}_p95_ms"] = round(took[int(len(took) * 0.95)] * 1000, 1)
    everything.sort()
    told["requests_per_s"] = round(len(everything) / (seconds * len(turns)), 1)
    told["p50_ms"] = round(everything[len(everything) // 2] * 1000, 1)
    told["p95_ms"] = round(everything[int(len(everything) * 0.95)] * 1000, 1)
    return told


def _page_times(port: int, ground: Ground) -> dict[str, Any]:
    """The first page of all allocations and one near the end, asked alone and by turns."""
    client = Client(port, ground, bare=False, chance=random.Random(1), name="pages")
    client.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    deep = client.behind(ground.all_allocations[-2 * PAGE])
    took: dict[str, list[float]] = {"first": [], "deep": []}
    for _ in range(60):
        for name, path in (("first", ""), ("deep", f"&{deep}")):
            began = time.perf_counter()
            client.ask("GET", f"/allocations?limit={PAGE}{path}", ground.office)
            took[name].append(time.perf_counter() - began)
    first, last = (sorted(took[name])[30] * 1000 for name in ("first", "deep"))
    return {
        "first_ms": round(first, 2),
        "deep_ms": round(last, 2),
        "deep_to_first": round(last / first, 2),
    }


@contextmanager
def _node(url: URL) -> Iterator[int]:
    text = url.render_as_string(hide_password=False)
    with (
        tempfile.TemporaryDirectory(prefix="cloudmgr-bench-") as folder,
        ServedNode(Path(folder), text) as node,
    ):
        yield int(node.url.rpartition(":")[2])


@contextmanager
def _bare(url: URL) -> Iterator[int]:
    port = free_port()
    text = url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "benchmarks.api_bare", "--url", text, "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        _wait(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the bare application does not start")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/openapi.json")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise RuntimeError("the bare application does not answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each of three turns")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--allocations", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = parser.parse_args()
    told = measured(given.seconds, given.clients, given.allocations, given.events)
    if given.json:
        print(json.dumps(told))
        return
    for name, figures in told.items():
        sys.stdout.write(f"\n{name}\n")
        for key, value in figures.items():
            sys.stdout.write(f"  {key:<24} {value:>14,}\n")


if __name__ == "__main__":
    main()
