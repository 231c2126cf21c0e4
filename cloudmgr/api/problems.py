"""Every refusal as problem+json (RFC 9457): ours, malformed bodies, and what nobody expected."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from catalog.errors import CloudmgrError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
KEPT_CODES = ("float_money", "bad_amount")


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` says what to do."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["quota_exceeded"])
    detail: str = Field(examples=["ORG-00000003 has 4 VCPU of quota left and 8 are asked; …"])


TITLES = {
    400: "Bad request",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Malformed",
    500: "Internal error",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Hook the handlers into an application."""

    @app.exception_handler(CloudmgrError)
    def ours(request: Request, error: CloudmgrError) -> JSONResponse:
        return problem(error.status, error.code, error.message, **error.details)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        first = faults[0]
        code = first["type"] if first["type"] in KEPT_CODES else "malformed"
        return problem(
            422,
            code,
            f"{_where(first)}: {first['msg']}",
            faults=[{"where": _where(fault), "why": fault["msg"]} for fault in faults[:20]],
        )

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        return problem(error.status_code, code, str(error.detail))

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", path=request.url.path, exc_info=error)
        return problem(
            500, "internal", "the node met an error of its own; it is in the log, nothing changed"
        )


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
