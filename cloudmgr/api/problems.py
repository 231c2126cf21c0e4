"""Every refusal as problem+json (RFC 9457): ours, malformed bodies, and what nobody expected.

Owns how a refusal looks on the wire. Codes and sentences come with the errors; only those of HTTP
itself (no such route, wrong method, too large) stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from catalog.errors import CloudmgrError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
KEPT_CODES = ("float_money", "bad_amount", "bad_ratio")


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` says what to do."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["quota_exceeded"])
    detail: str = Field(examples=["ORG-00000003 has 4 VCPU of quota left and 8 are asked; …"])


TITLES = {
    401: "Unauthenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Malformed",
    429: "Too many attempts",
    500: "Internal error",
    503: "Not available now",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route; where one must be signed in, the token's scopes may
    refuse, and where something can conflict, the database may be busy."""
    also = {403} if 401 in statuses else set()
    also |= {503} if 409 in statuses else set()
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*statuses, *also})
    }


def problem(
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A refusal; `facts` for machines never replace the five fields every problem has."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    body |= {name: fact for name, fact in (facts or {}).items() if name not in body}
    told = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(
        body, status_code=status, media_type=MEDIA_TYPE, headers={**told, **(headers or {})}
    )


def install(app: FastAPI) -> None:
    """Hook the handlers into an application."""

    @app.exception_handler(CloudmgrError)
    def ours(request: Request, error: CloudmgrError) -> JSONResponse:
        if error.status == 500:
            log.error("the node is damaged", path=request.url.path, exc_info=error)
        wait = error.details.get("retry_after")
        headers = {"Retry-After": str(wait)} if wait is not None else None
        return problem(error.status, error.code, error.message, error.details, headers=headers)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        first = faults[0]
        code = first["type"] if first["type"] in KEPT_CODES else "malformed"
        return problem(
            422,
            code,
            f"{_where(first)}: {first['msg']}",
            {"faults": [{"where": _where(fault), "why": fault["msg"]} for fault in faults[:20]]},
        )

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> JSONResponse:
        return _of_http(request, error)

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", path=request.url.path, exc_info=error)
        return problem(
            500, "internal", "the node met an error of its own; it is in the log, nothing changed"
        )


def _of_http(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework refuses by itself, in our words."""
    path, status = request.url.path, error.status_code
    if status == 404:
        return problem(404, "not_found", f"there is no route {path}; /docs lists them all")
    if status == 405:
        allowed = ", ".join(_methods(request))
        why = f"{request.method} does nothing at {path}; use {allowed}"
        return problem(405, "method_not_allowed", why, headers={"Allow": allowed})
    if status == 400:  # a body that is no JSON at all, such as one nested too deep
        return problem(422, "malformed", "body: it cannot be read as JSON; mend it")
    if status == 413:
        return problem(413, "too_large", str(error.detail))
    return problem(status, "refused", str(error.detail), headers=error.headers)


def _methods(request: Request) -> list[str]:
    """Every method the path answers to; the framework names those of its first route only."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path_regex.match(request.url.path):
            found.update(route.methods or ())
    return sorted(found)


def document(app: FastAPI) -> None:
    """Put the Problem schema, which handlers answer with, into the OpenAPI document."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        schema = original()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _where(fault: dict[str, Any]) -> str:
    return ".".join(str(part) for part in fault["loc"])
