"""Commands a second, in memory and over HTTP: the same requests written and submitted.

`python -m benchmarks.commands --json`; both play on a fresh reference city, the live one on a
node of its own process and SQLite.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from cloudmgr.cities.city import City
from cloudmgr.cities.load import load_city
from cloudmgr.cities.read import find_city
from cloudmgr.domain.access import Role
from cloudmgr.domain.requests import RequestKind, RequestLine
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.requests import DraftRequest, SubmitRequest
from simulator.city import node as nodes
from simulator.city.driver import Driver, NodeDriver
from simulator.city.http import HttpDriver

REQUESTS = 200


def measured(requests: int = REQUESTS) -> dict[str, dict[str, float]]:
    """Both drivers, and how many times the one in memory does what the live one does."""
    city = find_city("reference")
    held = MemoryNode()
    with held.transaction() as world:
        load_city(world, city.id)
    memory = played(city, NodeDriver(held), requests)
    with tempfile.TemporaryDirectory(prefix="cloudmgr-bench-") as folder:
        nodes.create(Path(folder), city.id)
        with nodes.serving(Path(folder)) as served:
            live = HttpDriver(served.url, city.sample_password)
            http = played(city, live, requests)
            live.close()
    ratio = {"memory_to_http": round(memory["commands_per_s"] / http["commands_per_s"], 1)}
    return {"memory": memory, "http": http, "ratio": ratio}


def played(city: City, driver: Driver, requests: int) -> dict[str, float]:
    """Draft and submit a request each for the systems in turn; signing in is not counted."""
    logins = [city.logins(Role.DEPARTMENT_USER, a.department_id)[0] for a in city.applications]
    for login in dict.fromkeys(logins):
        driver.perform(login, _draft(city, logins.index(login)))
    began = time.perf_counter()
    for number in range(requests):
        index = number % len(city.applications)
        drafted = driver.perform(logins[index], _draft(city, index))
        driver.perform(logins[index], SubmitRequest(request_id=drafted.id))
    wall_s = time.perf_counter() - began
    return {
        "commands": 2 * requests,
        "wall_s": round(wall_s, 3),
        "commands_per_s": round(2 * requests / wall_s, 1),
    }


def _draft(city: City, index: int) -> DraftRequest:
    application = city.applications[index]
    stack = "kunpeng" if application.xinchuang else "x86"
    return DraftRequest(
        department_id=application.department_id,
        application_id=application.id,
        kind=RequestKind.TEMPORARY,
        reason="benchmark",
        lines=(RequestLine(line=1, sku_id=f"vm-{stack}-2c4g", quantity=1, term_months=1),),
    )


if __name__ == "__main__":
    print(json.dumps(measured()))
