"""Going live, on the node's own machine: the workbook to fill in, and a check of one before it is
uploaded. Nothing is stored here."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.errors import CloudmgrError
from catalog.period import local_day, midnight
from cloudmgr.api.edge import Edge
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.openings import OpeningSheet
from cloudmgr.services.openings import checked_book
from cloudmgr.services.openings_checking import Checked
from cloudmgr.services.openings_export import opening_book
from cloudmgr.services.openings_sheets import TITLES, template
from cloudmgr.services.world import World
from cloudmgr.store.world import SqlNode

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Folder of the node's files (var/cloudmgr)")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout")]
CutOver = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day (today's, else)")
]
OpenNode = Callable[[Path | None], AbstractContextManager[tuple[SqlNode, NodeSettings]]]


def _checked(world: World, file: Path, cut_over: datetime) -> Checked:
    """The good rows; faults are told one a line before they are refused together."""
    try:
        return checked_book(world, file.read_bytes(), file.name, cut_over)
    except CloudmgrError as error:
        for each in error.details.get("faults", ()):
            typer.echo(f"{each['sheet']} {each['row']} {each['column']}: {each['why']}", err=True)
        raise


def openings_app(open_node: OpenNode) -> typer.Typer:
    """The commands; `open_node` gives the node of a data folder."""
    app = typer.Typer(no_args_is_help=True, help="Going live (期初建账).")

    @app.command("template")
    def write_template(
        file: Annotated[Path, typer.Argument(help="Where to write the XLSX")],
        english: Annotated[bool, typer.Option("--english", help="English headers")] = False,
    ) -> None:
        """Write the workbook to fill in."""
        file.write_bytes(template(english=english))

    @app.command()
    def check(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The workbook")],
        cut_over: CutOver = None,
        data: DataDir = None,
        as_json: AsJson = False,
    ) -> None:
        """Check a filled-in workbook against a node; every fault is told, nothing is stored."""
        with open_node(data) as (node, _), node.reading() as world:
            at = midnight(cut_over.date() if cut_over else local_day(Edge(node).now(world)))
            found = _checked(world, file, at)
        rows = {str(sheet): len(found.of(sheet)) for sheet in OpeningSheet}
        warnings = [
            {"sheet": TITLES[draft.sheet], "row": draft.row.number, "warning": warning}
            for draft in found.drafts
            for warning in dict.fromkeys(draft.warnings)
        ]
        if as_json:
            told = {"rows": rows, "warnings": warnings}
            typer.echo(json.dumps(told, ensure_ascii=False))
            return
        for each in warnings:
            typer.echo(f"{each['sheet']} {each['row']}: {each['warning']}", err=True)
        typer.echo(f"{sum(rows.values())} rows are good, {len(warnings)} warnings")

    @app.command()
    def export(
        file: Annotated[Path, typer.Argument(help="Where to write the XLSX")],
        cut_over: CutOver = None,
        data: DataDir = None,
    ) -> None:
        """Write what a node runs, limits, budgets and has paid as such a workbook."""
        with open_node(data) as (node, _), node.reading() as world:
            at = midnight(cut_over.date() if cut_over else local_day(Edge(node).now(world)))
            file.write_bytes(opening_book(world, at))

    return app
