"""`now` and randomness are arguments: nothing below the edge asks the machine for them.

The same seed must give the same bytes twice, and a month must be playable in seconds.
"""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import dotted, imported_names, modules

BELOW_THE_EDGE = (
    "catalog",
    "cloudmgr/domain",
    "cloudmgr/services",
    "cloudmgr/usage",
    "cloudmgr/cities",
    "simulator",
)

# Modules that measure or wait for real time, and why no result depends on it.
WALL_TIME = {
    "simulator/consolidation/cli.py": "reports wall_s, read_s and compile_s",
    "simulator/city/node.py": "waits for the node it started to answer",
    "simulator/city/play.py": "reports wall_s, the seconds a run took",
    "simulator/pool/cli.py": "lets the clock of a served pool run on from --start",
    "simulator/traces/cli.py": "reports wall_s, the seconds a conversion took",
}

CLOCKS = (
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
)
RANDOM = ("random.", "secrets.", "uuid.uuid1", "uuid.uuid4", "os.urandom", "numpy.random.")
WALL_CLOCK = ("time.perf_counter", "time.monotonic", "time.sleep")
SEEDED = (
    "random.Random",
    "numpy.random.default_rng",
    "numpy.random.Generator",
    "numpy.random.SeedSequence",
    "numpy.random.PCG64",
    "numpy.random.Philox",
)


def offences(tree: ast.Module, *, wall_time: bool = False) -> list[str]:
    """Every `line: name` in a module that asks for the time or for chance."""
    names = imported_names(tree)
    unseeded = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and not node.args and not node.keywords
    }
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        name = dotted(node, names)
        chance = name.startswith(RANDOM) and (name not in SEEDED or id(node) in unseeded)
        machine_time = name.startswith("time.") and not (wall_time and name in WALL_CLOCK)
        if name in CLOCKS or chance or machine_time:
            found.append(f"{node.lineno}: {name}")
    return found


def test_nothing_below_the_edge_asks_for_the_time_or_for_chance() -> None:
    found = {
        module.path: lines
        for module in modules(*BELOW_THE_EDGE)
        if (lines := offences(module.tree, wall_time=module.path in WALL_TIME))
    }
    assert not found, f"take now, ids or a generator as an argument instead: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.now(tz)",
        "import datetime as dt\nfield(default_factory=dt.datetime.utcnow)",
        "from datetime import date\ndate.today()",
        "import time\ntime.time()",
        "from time import perf_counter\nperf_counter()",
        "import random\nrandom.shuffle(items)",
        "import random\nrandom.Random()",
        "from uuid import uuid4\nfield(default_factory=uuid4)",
        "import secrets\nsecrets.token_hex(8)",
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.default_rng()",
    ],
)
def test_each_way_to_ask_is_seen(source: str) -> None:
    assert offences(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.default_rng(seed)",
        "import random\ndef play(chance: random.Random) -> None: ...",
        "world.clock.now()",
    ],
)
def test_what_is_handed_in_is_fine(source: str) -> None:
    assert not offences(ast.parse(source))
