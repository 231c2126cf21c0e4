"""The first policy, catalog and assessment scheme of a production node, from files, on its own
machine: the API drafts and co-signs each next version on the one before."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from catalog.load import find_version
from catalog.versions import CatalogVersion
from cloudmgr.api.edge import Edge
from cloudmgr.cities.read_rules import read_policy
from cloudmgr.cities.scheme import read_scheme
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.services.catalogs import read_catalog
from cloudmgr.services.founding import FirstRules, put_first_rules
from cloudmgr.store.world import SqlNode

OpenNode = Callable[[Path | None], AbstractContextManager[tuple[SqlNode, NodeSettings]]]


def add_to(app: typer.Typer, open_node: OpenNode) -> None:
    """Add the command; `open_node` gives the node of a data folder."""

    @app.command("first-rules")
    def first_rules(
        policy: Annotated[
            Path | None, typer.Option(exists=True, dir_okay=False, help="The policy, as TOML")
        ] = None,
        catalog: Annotated[
            str | None, typer.Option(help="The catalog: a TOML or XLSX file, or a shipped version")
        ] = None,
        scheme: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="The assessment scheme, as TOML"),
        ] = None,
        data: Annotated[
            Path | None, typer.Option("--data", help="Folder of the node's files (var/cloudmgr)")
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print one JSON object on stdout")
        ] = False,
    ) -> None:
        """Put a production node's first policy, catalog and assessment scheme, each once."""
        with open_node(data) as (node, _), node.transaction() as world:
            regions = {each.id for each in world.find(Region)}
            organisations = {each.id for each in world.find(Organisation)}
            rules = FirstRules(
                policy=read_policy(policy, regions, organisations) if policy else None,
                catalog=_catalog(catalog) if catalog else None,
                scheme=read_scheme(scheme) if scheme else None,
            )
            put = put_first_rules(world, rules, Edge(node).now(world))
        typer.echo(json.dumps({"put": put}) if as_json else "\n".join(put))


def _catalog(named: str) -> CatalogVersion:
    """A file's catalog, or the shipped version of that name."""
    file = Path(named)
    return read_catalog(file.name, file.read_bytes()) if file.is_file() else find_version(named)
