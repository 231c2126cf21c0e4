"""`simulator city` and `simulator month`: wiring of the script, the drivers and the node."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from catalog.errors import Invalid
from catalog.period import Month
from cloudmgr.cities.city import City
from cloudmgr.cities.load import load_city
from cloudmgr.cities.read import find_city
from cloudmgr.services.memory import MemoryNode
from simulator.city import month as folder
from simulator.city import node as nodes
from simulator.city.demand import shares_for
from simulator.city.driver import Driver, NodeDriver
from simulator.city.http import HttpDriver
from simulator.city.outcome import outcome, read_back
from simulator.city.play import Played, play
from simulator.city.stage import Stage
from simulator.city.table import print_month
from simulator.terminal import refusals, say
from simulator.traces.registry import READERS
from simulator.traces.shares import TraceShares

CITY = "reference"
Months = Annotated[int, typer.Option(min=1, max=12, help="How many months from the cut-over.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same month.")]
Traces = Annotated[Path | None, typer.Option(help="A trace's file or folder; else synthetic data.")]
Format = Annotated[str | None, typer.Option("--format", help=f"One of {', '.join(READERS)}.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Url = Annotated[str | None, typer.Option("--node", help="A rehearsal node that is served already.")]
Memory = Annotated[bool, typer.Option("--memory", help="Play in memory, without a node.")]


def city(
    node: Url = None,
    memory: Memory = False,
    months: Months = 1,
    seed: Seed = 1,
    traces: Traces = None,
    format: Format = None,
    as_json: Json = False,
) -> None:
    """Play months of the reference city: live over HTTP, or in memory.

    With neither --node nor --memory it makes, serves and stops a rehearsal node of its own.
    """
    with refusals(as_json=as_json):
        if node is not None and memory:
            raise Invalid("bad_option", "--node and --memory exclude each other; give one")
        reference = find_city(CITY)
        shares = shares_for(reference, months=months, seed=seed, traces=traces, format=format)
        with _driver(node, memory, reference) as driver:
            told = outcome(_played(reference, driver, shares, months, seed))
        if as_json:
            say(told, as_json=True)
        else:
            print_month(reference, told, Console())


def month(
    data: Annotated[Path, typer.Option(help="Folder of the node; a played one is served.")] = Path(
        "var/run"
    ),
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    seed: Seed = 1,
    traces: Traces = None,
    format: Format = None,
    stay: Annotated[bool, typer.Option(help="Keep serving afterwards.")] = True,
) -> None:
    """Make a node, play one month of the reference city live, and keep serving it.

    Where that was done before, the node is served again and its month printed from it.
    """
    with refusals(as_json=False), folder.held(data):
        reference = find_city(CITY)
        nodes.require_free(port, host)
        asked = {"seed": seed, "traces": traces and str(traces), "format": format}
        before = folder.told_before(data, asked)
        shares = None if before else shares_for(reference, seed=seed, traces=traces, format=format)
        if shares is not None:
            if folder.begin(data, asked):
                typer.echo(f"the last play in {data} was interrupted; playing again", err=True)
            nodes.create(data, CITY)
        with nodes.serving(data, port, host) as node, _live(node.url, reference) as driver:
            if shares is not None:
                told = outcome(_played(reference, driver, shares, 1, seed))
                folder.finish(data, asked, told)
            else:
                stage = Stage(reference, driver, seed)
                told = {**(before or {}), **read_back(stage, [Month.of(reference.opens_at)])}
            console = Console()
            print_month(reference, told, console)
            if stay:
                _stay(node, console)


def _stay(node: nodes.ServedNode, console: Console) -> None:
    console.print(f"serving {node.url}  (API documentation: {node.url}/docs)  Ctrl-C stops")
    try:
        node.wait()
    except KeyboardInterrupt:
        console.print("stopped")


@contextmanager
def _driver(node: str | None, memory: bool, reference: City) -> Iterator[Driver]:
    if memory:
        held = MemoryNode()
        with held.transaction() as world:
            load_city(world, CITY, reference.opens_at)
        yield NodeDriver(held)
    elif node is not None:
        with _live(node, reference) as live:
            live.require_fresh(reference)
            yield live
    else:
        with tempfile.TemporaryDirectory(prefix="cloudmgr-") as made:
            nodes.create(Path(made), CITY)
            with nodes.serving(Path(made)) as own, _live(own.url, reference) as live:
                yield live


@contextmanager
def _live(url: str, reference: City) -> Iterator[HttpDriver]:
    driver = HttpDriver(url, reference.sample_password)
    try:
        yield driver
    finally:
        driver.close()


def _played(reference: City, driver: Driver, shares: TraceShares, months: int, seed: int) -> Played:
    """Play with a line on stderr that says which day it is."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("playing", total=None)

        def step(day: date) -> None:
            bar.update(task, description=f"playing {day}")

        return play(reference, driver, shares, months=months, seed=seed, progress=step)
