"""`simulator traces ...`: wiring of convert and inspect to the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from catalog.errors import Invalid
from simulator.terminal import refusals, say
from simulator.traces.convert import STDOUT
from simulator.traces.convert import convert as write_long_form
from simulator.traces.inspect import inspect as look_into
from simulator.traces.registry import READERS, open_trace

app = typer.Typer(help="Read, check and convert recorded traces.", no_args_is_help=True)

TracePath = Annotated[Path, typer.Argument(metavar="PATH", help="A trace's file or folder.")]
Format = Annotated[str, typer.Option("--format", help=f"One of {', '.join(READERS)}.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Out = Annotated[str, typer.Option("--out", help="The Parquet file; - is standard output.")]


@app.command()
def convert(path: TracePath, format: Format, out: Out, as_json: Json = False) -> None:
    """Write a trace in the long form, as Parquet."""
    with refusals(as_json=as_json):
        if out == STDOUT and as_json:
            raise Invalid(
                "bad_output",
                "standard output cannot carry both the Parquet file and the JSON object; name a "
                "file or leave --json out",
            )
        reader = open_trace(path, format)
        with _progress("converting", reader.parts) as step:
            written = write_long_form(reader, out, step=step)
        if out != STDOUT:
            say(
                {
                    "out": out,
                    "format": format,
                    "vms": written.vms,
                    "rows": written.rows,
                    "repeated_timestamps": written.repeated,
                    "bytes": written.bytes,
                },
                as_json=as_json,
            )


@app.command()
def inspect(path: TracePath, format: Format, as_json: Json = False) -> None:
    """Say what a trace holds, reading all of it."""
    with refusals(as_json=as_json):
        reader = open_trace(path, format)
        with _progress("reading", reader.parts) as step:
            found = look_into(reader, step=step)
        say(found.as_dict(), as_json=as_json)


@contextmanager
def _progress(what: str, parts: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error when that is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=parts)

        def step(done: int) -> None:
            bar.update(task, completed=done)

        yield step
