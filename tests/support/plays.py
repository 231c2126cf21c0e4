"""Months of the reference city, played in this process; a play takes seconds, so equal ones are
played once per test run. What a play came to is compared without what differs by nature.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from cloudmgr.cities.city import City
from cloudmgr.cities.load import load_city
from cloudmgr.cities.read import find_city
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.world import Node
from simulator.city.demand import shares_for
from simulator.city.driver import NodeDriver
from simulator.city.meters import SAMPLES_A_DAY
from simulator.city.outcome import outcome
from simulator.city.play import play
from simulator.traces.shares import TraceShares

CITY = "reference"


def the_city() -> City:
    return find_city(CITY)


def load(node: Node) -> None:
    """The city in an empty node, made at the cut-over."""
    with node.transaction() as world:
        load_city(world, CITY, the_city().opens_at)


def play_on(node: Node, shares: TraceShares, *, seed: int = 1) -> dict[str, Any]:
    """Load a month into an empty node, play it, and tell it as `simulator city --json` does."""
    load(node)
    return json_of(outcome(play(the_city(), NodeDriver(node), shares, seed=seed)))


def json_of(told: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the JSON gets, without how long it took."""
    told = {name: value for name, value in told.items() if name != "wall_s"}
    read: dict[str, Any] = json.loads(json.dumps(told))
    return read


@cache
def january(seed: int = 1) -> tuple[MemoryNode, dict[str, Any]]:
    """The month `simulator city --memory` plays, and the node it was played on; only read it."""
    node = MemoryNode()
    return node, play_on(node, shares_for(the_city(), seed=seed), seed=seed)


def flat_shares(*percent: int, days: int = 1) -> TraceShares:
    """One trace per number, which uses that much of its size all the time."""
    count = days * SAMPLES_A_DAY
    return some_shares(*([each * 10_000] * count for each in percent))


def some_shares(*traces: list[int]) -> TraceShares:
    """Traces written out in millionths of their size, whole days each."""
    lengths = np.array([len(each) for each in traces], dtype=np.int64)
    assert not (lengths % SAMPLES_A_DAY).any(), "a trace repeats whole days"
    return TraceShares(
        names=tuple(f"trace-{number}" for number in range(len(traces))),
        flat_ppm=np.concatenate([np.array(each, dtype=np.int32) for each in traces]),
        starts=np.cumsum(lengths) - lengths,
        periods=lengths,
        horizon=None,
        digest="sha256:by-hand",
        format="by-hand",
        synthetic=True,
    )
