"""Route makers: a command becomes a POST, a kind of record a list and a single GET.

The operation id of a command is its name, so that a client can find every route in the OpenAPI
document and nothing about paths is written twice.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from catalog.errors import Invalid
from cloudmgr.api.edge import EdgeOf, IdempotencyKey, IfMatch, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.access import Actor
from cloudmgr.domain.errors import changed_meanwhile
from cloudmgr.domain.values import Value
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import look
from cloudmgr.services.commands import HANDLERS, Command, Precondition, snake
from cloudmgr.services.reading import Page, page, read
from cloudmgr.services.world import World

MAX_PAGE = 500
_ETAGS = re.compile(r'"[^"]*"')
Id = Annotated[str, Path(min_length=1, max_length=160)]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=400,
        description="The ETag already held; the answer is 304 while nothing has changed.",
    ),
]
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2999, 12, 1, tzinfo=UTC)),
]
"""An instant with its offset, within the years that have billing months."""

_GOT: dict[str, type[Value]] = {}
"""Path of a single record up to its id -> its kind: what the ETags are of."""

_WAITING: list[Callable[[], None]] = []
"""Command routes wait until it is known of which records there are ETags."""


def command_route(
    router: APIRouter,
    path: str,
    command: type[Command],
    example: dict[str, Any],
    *,
    status: int = 200,
) -> None:
    """POST `path` performs `command`; fields named in the path come from it, the rest from the
    body, whose `example` stands in the OpenAPI document.

    Where the path goes on behind that of a single record (a `get_route` of any noun), the command
    edits that record and takes its ETag as `If-Match`. The route is made by `settle`.
    """
    _WAITING.append(lambda: _add_command(router, path, command, example, status))


def settle() -> None:
    """Make the command routes declared so far; called when every noun's module was loaded."""
    while _WAITING:
        _WAITING.pop(0)()


def _add_command(
    router: APIRouter, path: str, command: type[Command], example: dict[str, Any], status: int
) -> None:
    handler = HANDLERS[command]
    in_path = re.findall(r"{(\w+)(?::path)?}", path)
    edited = _edited(path)
    body_type = _body_model(command, in_path, example)

    def endpoint(
        edge: EdgeOf,
        secret: SecretOf,
        idempotency_key: IdempotencyKey = None,
        x_request_id: RequestId = None,
        if_match: IfMatch = None,
        **given: Any,
    ) -> Any:
        body = given.pop("body", None)
        values = {name: getattr(body, name) for name in type(body).model_fields} if body else {}
        result = edge.perform(
            secret,
            command(**given, **values),
            key=idempotency_key,
            request_id=x_request_id or "",
            precondition=unchanged(edited, given.get(in_path[0]), if_match) if in_path else None,
        )
        response = _raw(codec.dump(result, handler.result), status)
        if isinstance(result, Value):
            response.headers["ETag"] = etag_of(result)
        return response

    parameters = _path_parameters(command, in_path)
    if body_type is not None:
        parameters.append(_body_parameter(body_type))
    _sign(endpoint, parameters, without=() if edited else ("if_match",))
    roles = "everybody" if handler.everybody else ", ".join(sorted(handler.roles))
    router.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        status_code=status,
        operation_id=handler.name,
        summary=_title(command.__name__),
        description=f"{inspect.getdoc(command)}\n\nRoles: {roles}.",
        response_model=handler.result,
        responses=responses(401, 403, 404, 409, 422, *((412,) if edited else ())),
    )


def list_route(
    router: APIRouter,
    path: str,
    kind: type[Any],
    *filters: str,
    found: Callable[..., Page[Any]] = page,
) -> None:
    """GET `path` pages through the records of a kind, filtered by equality of named fields.

    `found` finds a page as `reading.page` does, for what is shown otherwise than it is kept.
    """
    operation = f"list_{snake(kind.__name__)}"
    if found is page:  # what is shown otherwise says in `looks` who sees what
        look(operation, kind, listing=True)
    model = create_model(
        f"{kind.__name__}Page",
        items=(list[kind], ...),  # type: ignore[valid-type]
        next_cursor=(str | None, Field(None, description="Send it as `cursor` for the next page")),
    )

    def endpoint(edge: EdgeOf, secret: SecretOf, query: Any) -> Any:
        where = query.model_dump(include=set(filters), exclude_none=True)
        after = decode(query.cursor)
        with edge.reading(secret) as (world, actor, _):
            here = found(world, actor, kind, after=after, limit=query.limit, **where)
        body = {
            "items": codec.dump(here.items, tuple[kind, ...]),  # type: ignore[valid-type]
            "next_cursor": encode(here.next_after) if here.next_after else None,
        }
        return _raw(body)

    queries = _query_model(kind, filters)
    endpoint.__annotations__["query"] = Annotated[queries, Query()]
    _sign(endpoint, [])
    router.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        operation_id=operation,
        summary=f"List {_title(kind.__name__)}",
        description=inspect.getdoc(kind),
        response_model=model,
        responses=responses(401, 422),
    )


def get_route(router: APIRouter, path: str, kind: type[Value]) -> None:
    """GET one record; its version is the ETag."""
    operation = f"get_{snake(kind.__name__)}"
    look(operation, kind)
    whole = re.fullmatch(r"(/[^{}]+/){id(?::path)?}", path)
    if whole:
        _GOT[whole[1]] = kind

    def endpoint(edge: EdgeOf, secret: SecretOf, id: Id, if_none_match: IfNoneMatch = None) -> Any:
        with edge.reading(secret) as (world, actor, _):
            found = read(world, actor, kind, id)
        etag = etag_of(found)
        held = _ETAGS.findall(if_none_match or "")
        response = Response(status_code=304) if etag in held else _raw(codec.dump(found))
        response.headers["ETag"] = etag
        return response

    router.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        operation_id=operation,
        summary=f"Get {_title(kind.__name__)}",
        description=inspect.getdoc(kind),
        response_model=kind,
        responses={304: {"description": "Not changed"}, **responses(401, 404, 422)},
    )


def etag_of(record: Value) -> str:
    return f'"{record.version}"'


def unchanged(kind: type[Value] | None, id: Any, if_match: str | None) -> Precondition | None:
    """The record must be as it was read, and stays so until the commit: raises `stale_version`
    for another version, `not_found` for what is not the actor's to see. None asks nothing."""
    if kind is None or if_match is None:
        return None
    told = {each.strip() for each in if_match.split(",")}

    def check(world: World, actor: Actor) -> None:
        read(world, actor, kind, id)
        world.lock((kind, id))
        held = world.get(kind, id)
        if not told & {"*", etag_of(held)}:
            raise changed_meanwhile(kind.__name__, id, held.version)

    return check


def encode(after: str) -> str:
    """An id as an opaque cursor."""
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> str:
    """The id behind a cursor; raises `bad_cursor`."""
    if not cursor:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        after = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise _bad_cursor() from error
    if "\x00" in after:  # no id has one
        raise _bad_cursor()
    return after


def _bad_cursor() -> Invalid:
    return Invalid("bad_cursor", "this cursor is not one of ours; start again without it")


def _body_model(
    command: type[Command], in_path: list[str], example: dict[str, Any]
) -> type[BaseModel] | None:
    hints = get_type_hints(command, include_extras=True)
    parts: dict[str, Any] = {}
    for field in fields(command):
        if field.name not in in_path:
            default = ... if field.default is MISSING else field.default
            parts[field.name] = (_at_the_edge(hints[field.name]), default)
    if not parts:
        return None
    return create_model(
        f"{command.__name__}Body",
        __config__=ConfigDict(extra="forbid", json_schema_extra={"examples": [example]}),
        **parts,
    )


def _query_model(kind: type[Value], filters: tuple[str, ...]) -> type[BaseModel]:
    """What a list may be asked; a misspelt filter is refused, for it would filter nothing."""
    hints = get_type_hints(kind, include_extras=True)
    asked: dict[str, Any] = {name: (_filter_type(hints[name]), None) for name in filters}
    return create_model(
        f"{kind.__name__}Query",
        __config__=ConfigDict(extra="forbid"),
        limit=(int, Field(50, ge=1, le=MAX_PAGE)),
        cursor=(str | None, Field(None, max_length=400)),
        **asked,
    )


def _at_the_edge(hint: Any) -> Any:
    """A field's type with what only the edge can ask: that an instant says its offset."""
    return {datetime: Instant, datetime | None: Instant | None}.get(hint, hint)


def _path_parameters(command: type[Command], in_path: list[str]) -> list[inspect.Parameter]:
    hints = get_type_hints(command, include_extras=True)
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=_path_type(hints[name]))
        for name in in_path
    ]


def _body_parameter(body: type[BaseModel]) -> inspect.Parameter:
    """A body may be left out when every field of it may."""
    needed = any(field.is_required() for field in body.model_fields.values())
    return inspect.Parameter(
        "body",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=body if needed else body | None,
        default=inspect.Parameter.empty if needed else None,
    )


def _edited(path: str) -> type[Value] | None:
    """The kind of record that a path leads to before it goes on to a command."""
    start = re.match(r"(/[^{}]+/){\w+(?::path)?}/", path)
    return _GOT.get(start[1]) if start else None


def _sign(endpoint: Any, more: list[inspect.Parameter], without: tuple[str, ...] = ()) -> None:
    signature = inspect.signature(endpoint, eval_str=True)
    own = [
        each
        for each in signature.parameters.values()
        if each.kind is not inspect.Parameter.VAR_KEYWORD and each.name not in without
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    endpoint.__signature__ = signature.replace(parameters=[*keyword, *more])


def _path_type(hint: Any) -> Any:
    return Id if hint is str else hint


def _filter_type(hint: Any) -> Any:
    base = hint if isinstance(hint, type) and issubclass(hint, StrEnum | bool | int) else str
    return base | None


def _raw(data: Any, status: int = 200) -> Response:
    """JSON once, from the codec: the framework would walk the whole answer again."""
    return Response(codec.text(data), status_code=status, media_type="application/json")


def _title(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name)
