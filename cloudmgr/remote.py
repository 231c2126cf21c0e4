"""A node's whole API from the command line: sign in once, call any operation by its name.

Operations, their parameters and roles are read from the node's own OpenAPI document, so that
nothing of the API is written down here a second time. What a node refuses ends the command with
the node's own code and sentence.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import httpx
import typer

from catalog.errors import CloudmgrError, Conflict, Invalid, Unauthenticated

TIMEOUT_SECONDS = 120.0
_JSON = "application/json"
_FORM = "multipart/form-data"
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.stream",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the node's document."""

    id: str
    method: str
    path: str
    summary: str
    roles: str
    parameters: tuple[tuple[str, str], ...]
    """(where, name) of each parameter; those of a form among them."""
    takes: tuple[str, ...]
    """Media types of its body."""


def login(
    url: Annotated[str, typer.Argument(help="Where the node answers, such as https://cloud.city")],
    login: Annotated[str, typer.Option(help="Your login name")],
    password_file: Annotated[
        Path | None, typer.Option(help="Read the password from a file instead of asking for it")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Send the password without TLS over a network")
    ] = False,
) -> None:
    """Sign in to a node and keep the token for `cloudmgr call`, readable by you only."""
    base = _base(url, plain_http)
    told = _asked(
        "POST",
        f"{base}/api/v1/sessions",
        json={"login": login, "password": _password(login, password_file)},
    )
    signed = told.json()
    _keep({"url": base, "token": signed["token"]})
    typer.echo(f"signed in as {signed['user_id']} until {signed['expires_at']}")


def logout() -> None:
    """Sign out and forget the token."""
    url, token = _session()
    _asked("POST", f"{url}/api/v1/sessions/end", token=token)
    _file().unlink(missing_ok=True)
    typer.echo("signed out")


def operations(
    word: Annotated[str | None, typer.Argument(help="Only those with this in name or text")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array")] = False,
) -> None:
    """List what the node can do: operation ids, who may, and a summary."""
    url, _ = _session()
    found = [
        each
        for each in _operations(url).values()
        if word is None or word.lower() in f"{each.id} {each.summary} {each.roles}".lower()
    ]
    if as_json:
        _print([{"id": o.id, "summary": o.summary, "roles": o.roles,
                 "parameters": [name for _, name in o.parameters], "body": o.takes}
                for o in found])  # fmt: skip
        return
    for each in sorted(found, key=lambda operation: operation.id):
        typer.echo(f"{each.id:36} {each.summary}  [{each.roles or 'everybody'}]")


def call(
    operation: Annotated[str, typer.Argument(help="Its id; `cloudmgr operations` lists them")],
    body: Annotated[str | None, typer.Option("--json", help="The body, as JSON")] = None,
    file: Annotated[
        Path | None, typer.Option(help="The body from a file: JSON, readings, or a file to upload")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="name=value, for the path, the query or a header")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All pages of a list as one array")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the answer into a file as it comes")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; else every call has its own")
    ] = None,
) -> None:
    """Call an operation of the node and print its answer."""
    url, token = _session()
    known = _operations(url)
    if operation not in known:
        near = ", ".join(sorted(id for id in known if operation.partition("_")[2] in id)[:10])
        raise Invalid(
            "unknown_operation", f"the node has no operation {operation!r}; near it are: {near}"
        )
    found = known[operation]
    placed = _placed(found, param or [])
    headers, query = placed.headers, placed.query
    if ("header", "Idempotency-Key") in found.parameters:
        headers.setdefault("Idempotency-Key", key or str(uuid.uuid4()))
    sent = _content(found, body, file, placed.form)
    headers |= sent.pop("headers", {})
    to: dict[str, Any] = {"token": token, "params": query, "headers": headers}
    answer = _asked(found.method, url + placed.path, **to, **sent)
    if everything:
        _print(_pages(answer, url + placed.path, to))
    elif output is not None:
        output.write_bytes(answer.content)
    elif answer.headers.get("content-type", "").startswith(_JSON):
        _print(answer.json())
    else:
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()


def _pages(first: httpx.Response, url: str, to: dict[str, Any]) -> list[Any]:
    """The items of all pages of a list, beginning with its first."""
    page = first.json()
    if not isinstance(page, dict) or "next_cursor" not in page:
        raise Invalid("bad_value", "--all: this operation is no list in pages")
    items: list[Any] = page["items"]
    while page["next_cursor"]:
        to["params"]["cursor"] = page["next_cursor"]
        page = _asked("GET", url, **to).json()
        items += page["items"]
    return items


def _operations(url: str) -> dict[str, Operation]:
    document = _asked("GET", f"{url}/openapi.json").json()
    found = {}
    for path, methods in document.get("paths", {}).items():
        for method, each in methods.items():
            roles = re.search(r"Roles: ([^.]+)\.", each.get("description", ""))
            found[each["operationId"]] = Operation(
                id=each["operationId"],
                method=method.upper(),
                path=path,
                summary=each.get("summary", ""),
                roles=roles[1] if roles else "",
                parameters=(
                    *((p["in"], p["name"]) for p in each.get("parameters", ())),
                    *(("form", field) for field in _fields(document, each)),
                ),
                takes=tuple(each.get("requestBody", {}).get("content", {})),
            )
    return found


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The fields of a form beside its file."""
    form = operation.get("requestBody", {}).get("content", {}).get(_FORM, {}).get("schema", {})
    name = form.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, form)
    return [field for field in schema.get("properties", {}) if field != "file"]


@dataclass(frozen=True, slots=True)
class Placed:
    """What `name=value` pairs stand for: the path filled in, query, headers and form fields."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


def _placed(operation: Operation, given: list[str]) -> Placed:
    places = {name.lower(): (where, name) for where, name in operation.parameters}
    path = operation.path
    found: dict[str, dict[str, str]] = {"query": {}, "header": {}, "form": {}}
    for each in given:
        asked, equals, value = each.partition("=")
        if not equals or asked.lower() not in places:
            names = ", ".join(sorted(name for _, name in operation.parameters)) or "none"
            raise Invalid(
                "unknown_parameter", f"{each!r}: {operation.id} takes name=value of: {names}"
            )
        where, name = places[asked.lower()]
        if where == "path":
            path = path.replace(f"{{{name}}}", quote(value))
        else:
            found.setdefault(where, {})[name] = value
    missing = re.findall(r"{(\w+)}", path)
    if missing:
        raise Invalid("missing_parameter", f"{operation.id} needs --param {missing[0]}=…")
    return Placed(path, found["query"], found["header"], found["form"])


def _content(
    operation: Operation, body: str | None, file: Path | None, form: dict[str, str]
) -> dict[str, Any]:
    """What goes along as the body, in the way the operation takes it."""
    if body is not None and file is not None:
        raise Invalid("bad_value", "give the body by --json or by --file, not by both")
    if file is not None:
        content = _read(file)
        if _FORM in operation.takes:
            return {"files": {"file": (file.name, content)}, "data": form}
        if _JSON not in operation.takes:
            kind = _TYPES.get(file.suffix.lower(), "application/octet-stream")
            return {"content": content, "headers": {"Content-Type": kind}}
        body = content.decode("utf-8-sig")
    if body is None:
        return {}
    try:
        return {"json": json.loads(body)}
    except ValueError as error:
        raise Invalid("malformed", f"the body is no JSON: {error}") from error


def _asked(method: str, url: str, *, token: str | None = None, **more: Any) -> httpx.Response:
    """A good answer; raises what the node refused, or `node_unreachable`."""
    headers = dict(more.pop("headers", {}))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = httpx.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, **more)
    except httpx.HTTPError as error:
        raise Conflict("node_unreachable", f"{url} does not answer ({error})") from error
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        facts = {k: v for k, v in problem.items() if k not in ("type", "title", "code", "detail")}
        raise CloudmgrError(problem["code"], problem["detail"], **facts)
    except (ValueError, KeyError, TypeError):
        raise Conflict("no_node", f"{url} answers {answer.status_code}, not as a node") from None


def _password(login: str, file: Path | None) -> str:
    if file is not None:
        return _read(file).decode().partition("\n")[0].rstrip("\r")
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt(f"Password of {login}", hide_input=True)
    return asked


def _base(url: str, plain_http: bool) -> str:
    """The node's address; raises `bad_value` where a password would go unprotected."""
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid("bad_value", f"{url!r} is no address, such as https://cloud.city")
    if parts.scheme == "http" and not (here or plain_http):
        raise Invalid("bad_value", f"{url} is not protected by TLS; use https, or say --plain-http")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _session() -> tuple[str, str]:
    """The node's address and the token: from CLOUDMGR_URL and CLOUDMGR_TOKEN, else as kept."""
    kept: dict[str, str] = {}
    if _file().is_file():
        kept = json.loads(_file().read_text())
    url = os.environ.get("CLOUDMGR_URL") or kept.get("url")
    token = os.environ.get("CLOUDMGR_TOKEN")
    if token is None and url == kept.get("url"):  # one node's token is never shown to another
        token = kept.get("token")
    if not url or not token:
        raise Unauthenticated(
            "unauthenticated",
            "sign in with `cloudmgr login URL --login NAME`, or set CLOUDMGR_URL and "
            "CLOUDMGR_TOKEN",
        )
    return url.rstrip("/"), token


def _file() -> Path:
    return Path(typer.get_app_dir("cloudmgr")) / "session.json"


def _keep(session: dict[str, str]) -> None:
    """Write the session into a file that was never readable by others."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(session, out)
    fresh.replace(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid("bad_value", f"{file} cannot be read: {error.strerror}") from error


def _print(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
