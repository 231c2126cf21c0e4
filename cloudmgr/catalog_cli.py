"""`cloudmgr catalog export | import`: a whole catalog as a TOML or XLSX file, and back.

Without a node's address they work on what is shipped and on catalog folders, and import only says
what a file would change. With one they go through its API, and import drafts a proposal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import httpx
import typer

from catalog.cli import Json
from catalog.cli import app as catalog_app
from catalog.errors import CloudmgrError
from catalog.load import CURRENT, find_version
from catalog.versions import CatalogVersion, diff
from cloudmgr.domain.errors import bad_file, bad_value
from cloudmgr.domain.proposals import amended, changes_between
from cloudmgr.services.catalogs import CatalogFormat, catalog_file, read_catalog

__all__ = ["catalog_app"]

TIMEOUT_SECONDS = 60.0

Url = Annotated[str | None, typer.Option("--url", help="The node, such as http://127.0.0.1:8080")]
Secret = Annotated[
    str | None, typer.Option("--token", envvar="CLOUDMGR_TOKEN", help="A bearer token of the node")
]


@catalog_app.command("export")
def export(
    version: Annotated[str, typer.Argument(help="Version id or, without --url, a catalog folder")],
    file: Annotated[Path, typer.Argument(help="Where to write; the ending .toml or .xlsx decides")],
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Write a whole catalog version to a file, every figure with its source."""
    form = _format(file)
    if url is None:
        data = catalog_file(find_version(version), form).data
    else:
        with _node(url, token) as node:
            path = f"/api/v1/catalog-versions/{quote(version, safe='')}/export"
            data = _answer(node.get(path, params={"format": form})).content
    file.write_bytes(data)
    told = {"version": version, "file": str(file), "bytes": len(data)}
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{file}: {len(data)} bytes")


@catalog_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A whole catalog as .toml or .xlsx")],
    base: Annotated[
        str, typer.Option(help="Without --url: the version or folder it shall change")
    ] = CURRENT,
    url: Url = None,
    token: Secret = None,
    title: Annotated[str, typer.Option(help="With --url: the proposal's title")] = "",
    reason: Annotated[str, typer.Option(help="With --url: the proposal's reason")] = "",
    as_json: Json = False,
) -> None:
    """Read a whole catalog from a file; say what it would change, or propose it to a node.

    All rows are good or none is taken; every fault is told with its sheet, row and column.
    """
    data = _bytes(file)
    whole = read_catalog(file.name, data)
    if url is None:
        _tell_changes(base, whole, as_json)
        return
    with _node(url, token) as node:
        sent = _answer(node.post("/api/v1/files", files={"file": (file.name, data)})).json()
        body = {"title": title or file.name, "reason": reason or title or file.name}
        drafted = _answer(
            node.post("/api/v1/proposals", json={**body, "file_id": sent["id"]})
        ).json()
    told = {"proposal": drafted["id"], "changes": drafted["change_count"]}
    if as_json:
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"drafted {drafted['id']} with {drafted['change_count']} changes")


def _tell_changes(base_id: str, whole: CatalogVersion, as_json: bool) -> None:
    base = find_version(base_id)
    changes = diff(base, amended(base, tuple(changes_between(base, whole))))
    if as_json:
        rows = [{name: getattr(each, name) for name in each.__slots__} for each in changes]
        typer.echo(json.dumps({"base": base.id, "changes": rows}, ensure_ascii=False, indent=2))
        return
    for each in changes:
        typer.echo(f"{each.kind} {each.id} {each.field}: {each.before} -> {each.after}")
    typer.echo(f"{len(changes)} changes of {base.id}")


def _format(file: Path) -> CatalogFormat:
    ending = file.suffix.lower().removeprefix(".")
    if ending not in list(CatalogFormat):
        raise bad_value("file", f"{file.name} ends neither in .toml nor in .xlsx")
    return CatalogFormat(ending)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise bad_file(file.name, f"it cannot be read: {error.strerror}") from error


@contextmanager
def _node(url: str, token: str | None) -> Iterator[httpx.Client]:
    if not token:
        raise bad_value("--token", "a node is asked with a bearer token; see CLOUDMGR_TOKEN")
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as node:
            yield node
    except httpx.HTTPError as error:
        raise CloudmgrError("node_unreachable", f"{url} does not answer: {error}") from error


def _answer(answer: httpx.Response) -> httpx.Response:
    """The node's answer; its refusal is ours."""
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "node_refused", f"the node answered {answer.status_code}"
    raise CloudmgrError(code, detail)
