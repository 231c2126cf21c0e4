"""`simulator pool`: a pool of one's own behind the pool interface, honest or not.

Owns the wiring and the pool's clock, which runs on from `--start`.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from cloudmgr.domain.errors import bad_value
from simulator.pool.app import create_pool_app
from simulator.pool.failures import FailingWay, Failure
from simulator.pool.honest import HonestPool
from simulator.pool.lies import LIARS, Lie
from simulator.pool.state import PoolState
from simulator.pool.supply import PoolSettings

OPEN_DAYS = 2
"""How long before `--start` the pool opened, so that there is usage to read."""


def pool(
    port: Annotated[int, typer.Option(help="Where to listen")],
    state: Annotated[Path, typer.Option(help="File that outlives the process")],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    pool_id: Annotated[str, typer.Option("--id", help="Its id in the node")] = "POOL-SIMULATED",
    start: Annotated[str, typer.Option(help="Its first moment")] = "2026-01-03T00:00:00+08:00",
    seed: Annotated[int, typer.Option(help="Decides mishaps and readings")] = 0,
    resources: Annotated[int, typer.Option(min=0, help="How many run already")] = 3,
    delay: Annotated[int, typer.Option(min=0, help="Milliseconds before each answer")] = 0,
    work: Annotated[int, typer.Option(min=0, help="Milliseconds an order takes")] = 0,
    fail_percent: Annotated[int, typer.Option(min=0, max=100, help="Requests that fail")] = 0,
    fail: Annotated[list[Failure] | None, typer.Option(help="How they fail; all ways")] = None,
    late: Annotated[int, typer.Option(min=0, help="Milliseconds a late answer takes")] = 2000,
    lie: Annotated[Lie | None, typer.Option(help="The one rule it breaks")] = None,
    token: Annotated[str | None, typer.Option(envvar="POOL_TOKEN", help="Asked of all")] = None,
) -> None:
    """Serve a simulated resource pool (模拟资源池) that implements the pool interface."""
    kept = PoolState(state)
    first = _moment(start)
    settings = PoolSettings(
        pool_id=pool_id,
        opened_at=first - timedelta(days=OPEN_DAYS),
        seed=seed,
        work=timedelta(milliseconds=work),
        resources=resources,
    )
    made = (LIARS[lie] if lie else HonestPool)(settings, kept, _clock(first, kept))
    app = FailingWay(
        create_pool_app(made, token),
        percent=fail_percent,
        kinds=fail or list(Failure),
        seed=seed,
        delay_seconds=delay / 1000,
        late_seconds=late / 1000,
    )
    # A connection that is cut on purpose is not worth a traceback.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    uvicorn.run(app, host=host, port=port, log_level="critical", access_log=False)
    kept.close()


class _Clock:
    """The pool's time: as many seconds after its first moment as the process has run."""

    def __init__(self, first: datetime) -> None:
        self._first = first
        self._begun = time.monotonic()

    def __call__(self) -> datetime:
        return self._first + timedelta(seconds=time.monotonic() - self._begun)


def _clock(first: datetime, kept: PoolState) -> _Clock:
    """Never before what the pool already remembers."""
    latest = kept.latest()
    return _Clock(first if latest is None else max(first, latest))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_value("--start", f"{text!r} is not a moment") from error
    if moment.tzinfo is None:
        raise bad_value("--start", "write the time zone too, such as +08:00")
    return moment.astimezone(UTC)
