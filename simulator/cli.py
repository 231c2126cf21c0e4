"""The simulator's command line: wiring only. Logs and progress go to stderr."""

from __future__ import annotations

import sys

import typer

from catalog.errors import CloudmgrError
from simulator.city.cli import city, month
from simulator.consolidation.cli import app as validate_app
from simulator.pool.cli import pool
from simulator.traces.cli import app as traces_app

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The simulator of cloudmgr.")
app.add_typer(traces_app, name="traces", help="Read, convert and look at workload traces.")
app.add_typer(validate_app, name="validate", help="Hold the simulator against an outside judge.")
app.command("city")(city)
app.command("month")(month)
app.command("pool")(pool)


def main() -> None:
    """Entry point."""
    try:
        app()
    except CloudmgrError as error:
        typer.echo(f"{error.code}: {error.message}", err=True)
        sys.exit(1)
