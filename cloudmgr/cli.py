"""The command line of the node: wiring only. Logs go to stderr, `--json` prints one object."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from catalog.errors import CloudmgrError
from cloudmgr import founding_cli, openings_cli, people_cli, remote
from cloudmgr.app import create_app, edge_for, log_plainly, open_node
from cloudmgr.catalog_cli import catalog_app
from cloudmgr.cities.load import load_city
from cloudmgr.domain.audit import HASHES, AuditDigest, AuditEvent, verify
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.pools.cli import pools_app
from cloudmgr.services.founding import Founding, found_city, make_node
from cloudmgr.services.world import World
from cloudmgr.settings import Settings
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.worker import working

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The management node of a city's cloud."
)
app.add_typer(catalog_app, name="catalog", help="Check, compare, show, export and import catalogs.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")
app.add_typer(audit_app, name="audit")
app.add_typer(pools_app, name="pools")
for _remote in (remote.login, remote.logout, remote.operations, remote.call):
    app.command()(_remote)

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Folder of the node's files (var/cloudmgr)")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout")]


@app.command()
def init(
    city: Annotated[
        str | None, typer.Option(help="Load a shipped sample city: reference (a rehearsal)")
    ] = None,
    data: DataDir = None,
    audit_digest: Annotated[
        AuditDigest, typer.Option(help="What the audit chain is hashed with, for ever")
    ] = AuditDigest.SHA256,
    name_zh: Annotated[str, typer.Option(help="What the city is called in Chinese")] = "",
    name_en: Annotated[str, typer.Option(help="What the city is called in English")] = "",
    admins: Annotated[
        str | None,
        typer.Option(help="Logins of the system, security and audit administrator: a,b,c"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create the database. A sample city always makes a rehearsal (模拟环境), never production.

    A production node begins with three administrators; their first passwords are printed once.
    """
    if city is not None and admins is not None:
        raise bad_value("--admins", "a sample city has its own people")
    settings = _settings(data)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.url)
    with closing(open_node(settings)) as node, node.transaction() as world:
        if world.seek(NodeSettings, NODE_ID) is not None:
            raise bad_value("data", f"{_place(settings)} holds a node already; choose another")
        if city is None:
            now = datetime.now(UTC)
            make_node(world, audit_digest, now)
            answer: dict[str, Any] = {"rehearsal": False, "city": ""}
            if admins is not None:
                passwords = _first_passwords(admins)
                found_city(world, Founding(name_zh, name_en, tuple(passwords.items())), now)
                answer["first_passwords"] = passwords
        else:
            loaded = load_city(world, city, audit_digest=audit_digest)
            answer = {"rehearsal": True, "city": city, "loaded": loaded.counts}
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        kind = "rehearsal (模拟环境)" if answer["rehearsal"] else "production"
        typer.echo(f"created a {kind} node in {_place(settings)}")
        for login, password in answer.get("first_passwords", {}).items():
            typer.echo(f"{login} signs in with {password} and must change it at once")


@app.command()
def serve(
    data: DataDir = None,
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option()] = None,
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="Refuse to serve a database made for production")
    ] = False,
) -> None:
    """Serve the API, its documentation (/docs) and the overview page."""
    settings = _settings(data)
    with _made_node(settings) as (node, made):
        if rehearsal and not made.rehearsal:
            raise bad_value("--rehearsal", "this database was made for production and stays so")
        workers = working(node, settings, threading.Event()) if settings.worker else nullcontext()
        with workers:
            uvicorn.run(
                create_app(edge_for(node, settings), due_seconds=settings.due_seconds),
                host=host or settings.host,
                port=port if port is not None else settings.port,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=5,
            )


@app.command()
def worker(data: DataDir = None) -> None:
    """Work off the outbox and the long jobs until interrupted; any number may run at once."""
    settings = _settings(data)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _made_node(settings) as (node, _), working(node, settings, stop):
        stop.wait()


@audit_app.command("verify")
def audit_verify(data: DataDir = None, as_json: AsJson = False) -> None:
    """Walk the audit chain from its first event and name the first broken link."""
    with _made_node(_settings(data)) as (node, made), node.reading() as world:
        count = verify(_events(world), HASHES[made.audit_digest])
    typer.echo(json.dumps({"events": count, "intact": True}) if as_json else f"{count} events hold")


def _node_of(data: Path | None) -> AbstractContextManager[tuple[SqlNode, NodeSettings]]:
    """The node of a data folder, for commands that stand in files of their own."""
    return _made_node(_settings(data))


people_cli.add_to(app, _node_of)
founding_cli.add_to(app, _node_of)
app.add_typer(openings_cli.openings_app(_node_of), name="opening")


def main() -> None:
    """Entry point: refusals become one sentence (or one JSON object) and exit code 1."""
    log_plainly()
    try:
        app()
    except CloudmgrError as error:
        _refuse(error)
    except DBAPIError as error:
        why = str(error.orig).strip().partition("\n")[0]
        _refuse(CloudmgrError("database_failed", f"the database does not do its part: {why}"))


def _refuse(error: CloudmgrError) -> None:
    if "--json" in sys.argv:
        told = {**error.details, "code": error.code, "message": error.message}
        typer.echo(json.dumps(told, ensure_ascii=False))
    typer.echo(f"{error.code}: {error.message}", err=True)
    sys.exit(1)


def _first_passwords(admins: str) -> dict[str, str]:
    """A password for each login, told once and changed at the first sign-in."""
    return {login.strip(): secrets.token_urlsafe(12) for login in admins.split(",")}


def _settings(data: Path | None) -> Settings:
    try:
        return Settings(data_dir=data) if data is not None else Settings()
    except ValidationError as error:
        fault = error.errors()[0]
        name = "_".join(("CLOUDMGR", *map(str, fault["loc"]))).upper()
        raise bad_value(name, f"{fault['msg']}; mend the environment variable") from error


@contextmanager
def _made_node(settings: Settings) -> Iterator[tuple[SqlNode, NodeSettings]]:
    """The node that `init` made, brought up to date; raises `bad_value` where there is none."""
    nothing = bad_value("data", f"{_place(settings)} holds no node; run `cloudmgr init` first")
    if not settings.present:  # looking must not make an empty one
        raise nothing
    upgrade(settings.url)
    with closing(open_node(settings)) as node:
        with node.reading() as world:
            made = world.seek(NodeSettings, NODE_ID)
        if made is None:
            raise nothing
        yield node, made


def _place(settings: Settings) -> str:
    return "the database" if settings.database_url else str(settings.data_dir)


def _events(world: World) -> Iterator[AuditEvent]:
    after = 0
    while page := world.audit_events(after=after, limit=5000):
        yield from page
        after = page[-1].sequence
