"""People, on the node's own machine: the first administrators, and a password nobody knows any
more. Whoever may run these commands may read the database anyway."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from cloudmgr.api.edge import Edge
from cloudmgr.domain.access import SEPARATED, SYSTEM
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.parties import User
from cloudmgr.services.commands import perform
from cloudmgr.services.parties_first import LOGINS, begin
from cloudmgr.services.parties_people import ResetPassword
from cloudmgr.store.world import SqlNode

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Folder of the node's files (var/cloudmgr)")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout")]
OpenNode = Callable[[Path | None], AbstractContextManager[tuple[SqlNode, NodeSettings]]]


def add_to(app: typer.Typer, open_node: OpenNode) -> None:
    """Add the commands; `open_node` gives the node of a data folder."""

    @app.command("administrators")
    def administrators(
        city: Annotated[str, typer.Option(help="The city's name in Chinese")],
        city_en: Annotated[str, typer.Option(help="… and in English")],
        authority: Annotated[str, typer.Option(help="The authority's name in Chinese")],
        authority_en: Annotated[str, typer.Option(help="… and in English")],
        data: DataDir = None,
        as_json: AsJson = False,
    ) -> None:
        """Make a new node's city, its authority and the three administrators (三员)."""
        passwords = {role: secrets.token_urlsafe(12) for role in SEPARATED}
        with open_node(data) as (node, _), node.transaction() as world:
            begin(
                world,
                city=(city, city_en),
                authority=(authority, authority_en),
                passwords=passwords,
                now=Edge(node).now(world),
            )
        told = {LOGINS[role]: passwords[role] for role in sorted(SEPARATED)}
        if as_json:
            typer.echo(json.dumps(told))
            return
        for login, password in told.items():
            typer.echo(f"{login}: {password}")
        typer.echo("each for one sign-in and one person; give every slip to another", err=True)

    @app.command("reset-password")
    def reset_password(
        login: Annotated[str, typer.Argument(help="Whose")],
        data: DataDir = None,
        as_json: AsJson = False,
    ) -> None:
        """Give somebody a password for one sign-in; ends their sessions, revokes their tokens."""
        password = secrets.token_urlsafe(12)
        with open_node(data) as (node, _), node.transaction() as world:
            users = world.find(User, login=login, limit=1)
            if not users:
                raise not_found("User", login)
            command = ResetPassword(user_id=users[0].id, password=password)
            perform(world, command, SYSTEM, Edge(node).now(world))
        typer.echo(json.dumps({login: password}) if as_json else f"{login}: {password}")
