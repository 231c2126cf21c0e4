"""Commands a second, in memory and over HTTP: a month's requests lived from draft to end.

`python -m benchmarks.commands [--wishes N]`. The mix is the city's own script without readings and
bills: drafts, submissions, signatures, orders, deliveries, confirmations, ratings. Both plays are
the same, on a fresh reference city each; the live one on a node of its own process and SQLite.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from catalog.period import Month
from cloudmgr.cities.city import City
from cloudmgr.cities.load import load_city
from cloudmgr.cities.read import find_city
from cloudmgr.domain.parties import Region
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import Command, snake
from cloudmgr.services.memory import MemoryNode
from simulator.city import node as nodes
from simulator.city.driver import Driver, NodeDriver
from simulator.city.http import HttpDriver
from simulator.city.requests import RequestLife
from simulator.city.stage import Stage
from simulator.city.wishes import wishes_of

V = TypeVar("V", bound=Value)
T = TypeVar("T")
SEED = 1
WISHES = 140


@dataclass
class Timed:
    """A driver that adds up how long its commands, questions and clock moves take."""

    driver: Driver
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def perform(self, login: str, command: Command) -> Any:
        self.kinds[snake(type(command).__name__)] += 1
        return self._timed("commands", lambda: self.driver.perform(login, command))

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        return self._timed("lists", lambda: self.driver.find(login, kind, **where))

    def move_clock(self, login: str, to: datetime) -> None:
        self._timed("clock_moves", lambda: self.driver.move_clock(login, to))

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        return self.driver.ingest(login, pool_id, batch_id, rows)

    def close_month(self, login: str, month: Month) -> None:
        self.driver.close_month(login, month)

    def audit_events(self, login: str) -> int:
        return self.driver.audit_events(login)

    def _timed(self, what: str, call: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return call()
        finally:
            self.seconds[what] += time.perf_counter() - began
            self.calls[what] += 1


def measured(wishes: int = WISHES) -> dict[str, dict[str, Any]]:
    """Both drivers, and how many times the one in memory does what the live one does."""
    city = find_city("reference")
    held = MemoryNode()
    with held.transaction() as world:
        load_city(world, city.id)
    memory, mix = played(city, NodeDriver(held), wishes)
    with tempfile.TemporaryDirectory(prefix="cloudmgr-bench-") as folder:
        nodes.create(Path(folder), city.id)
        with nodes.serving(Path(folder)) as served:
            live = HttpDriver(served.url, city.sample_password)
            http, same = played(city, live, wishes)
            live.close()
    if mix != same:
        raise RuntimeError(f"two different plays: {mix} in memory, {same} over HTTP")
    ratio = {"memory_to_http": round(memory["commands_per_s"] / http["commands_per_s"], 1)}
    return {"memory": memory, "http": http, "ratio": ratio, "mix": mix}


def played(city: City, driver: Driver, wishes: int) -> tuple[dict[str, Any], dict[str, int]]:
    """The figures of a play, and how often each command was given; signing in is not counted."""
    for person in city.people:
        driver.find(person.login, Region)
    timed = Timed(driver)
    stage = Stage(city, timed, SEED)
    busy: set[str] = set()
    month = Month.of(city.opens_at)
    for wish in wishes_of(city, month, stage.chance(f"wishes-{month}"))[:wishes]:
        stage.env.process(RequestLife(stage, wish, busy).run())
    stage.env.run()
    figures: dict[str, Any] = {}
    for what, count in timed.calls.items():
        figures[what] = count
        figures[f"{what}_per_s"] = round(count / timed.seconds[what], 1)
    figures["wall_s"] = round(sum(timed.seconds.values()), 3)
    return figures, dict(timed.kinds.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wishes", type=int, default=WISHES, help="requests, at most")
    print(json.dumps(measured(parser.parse_args().wishes)))


if __name__ == "__main__":
    main()
