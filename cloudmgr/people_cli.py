"""People, on the node's own machine: a password nobody knows any more. Whoever may run this may
read the database anyway. The first people are made by `cloudmgr init`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from cloudmgr.api.edge import Edge
from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.parties import User
from cloudmgr.services.commands import perform
from cloudmgr.services.parties_people import ResetPassword
from cloudmgr.store.world import SqlNode

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Folder of the node's files (var/cloudmgr)")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout")]
OpenNode = Callable[[Path | None], AbstractContextManager[tuple[SqlNode, NodeSettings]]]


def add_to(app: typer.Typer, open_node: OpenNode) -> None:
    """Add the command; `open_node` gives the node of a data folder."""

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
