"""Answers that are worked out and stand in no table: values as JSON, and workbooks."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.domain.files import FORMATS
from cloudmgr.services import codec

XLSX = FORMATS[".xlsx"].media_type

WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}},
    **responses(401, 404, 422),
}
"""What a route that answers with a workbook declares."""


def view(value: Any, kind: Any | None = None) -> Response:
    """A computed value as JSON; `kind` says what a tuple holds."""
    return Response(codec.text(codec.dump(value, kind)), media_type="application/json")


def workbook(name: str, data: bytes) -> Response:
    """A workbook to save."""
    return download(f"{name}.xlsx", XLSX, data)
