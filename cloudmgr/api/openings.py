"""Routes of going live: the workbook to fill in, its upload, both sides' word, signatures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.openings import Opening, OpeningLine
from cloudmgr.services.openings import EditOpeningLine, ImportOpening, ReplaceOpening
from cloudmgr.services.openings_answers import (
    ConfirmOpeningLine,
    ConfirmOpeningLines,
    ObjectOpeningLine,
)
from cloudmgr.services.openings_sheets import template
from cloudmgr.services.openings_signing import DropOpening, SignOpening

router = APIRouter(tags=["openings"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

list_route(router, "/openings", Opening, "state")


@router.get(
    "/openings/template.xlsx",
    operation_id="get_opening_template",
    summary="The workbook to fill in",
    response_class=Response,
    responses={200: {"content": {XLSX: {"schema": {"type": "string"}}}}, **responses(401, 422)},
)
def get_template(
    edge: EdgeOf,
    secret: SecretOf,
    language: Annotated[Literal["zh", "en"], Query(description="Language of the headers")] = "zh",
) -> Response:
    """Five sheets with an example row each, and notes on every column in both languages."""
    with edge.reading(secret):
        pass
    return download("期初建账模板.xlsx", XLSX, template(english=language == "en"))


get_route(router, "/openings/{id}", Opening)
list_route(
    router,
    "/opening-lines",
    OpeningLine,
    "opening_id",
    "sheet",
    "state",
    "provider_id",
    "department_id",
)
get_route(router, "/opening-lines/{id}", OpeningLine)
command_route(
    router,
    "/openings",
    ImportOpening,
    {
        "title": "2026年期初建账",
        "cut_over": "2026-02-01T00:00:00+08:00",
        "file_id": "FILE-00000001",
    },
    status=201,
)
command_route(
    router,
    "/openings/{opening_id}/workbook",
    ReplaceOpening,
    {"file_id": "FILE-00000002", "cut_over": "2026-03-01T00:00:00+08:00"},
)
command_route(
    router,
    "/opening-lines/{line_id}/cells",
    EditOpeningLine,
    {"cells": [{"column": "数量", "value": "3"}]},
)
command_route(router, "/opening-lines/{line_id}/confirmation", ConfirmOpeningLine, {})
command_route(router, "/openings/{opening_id}/confirmations", ConfirmOpeningLines, {})
command_route(
    router,
    "/opening-lines/{line_id}/objection",
    ObjectOpeningLine,
    {"reason": "该主机已于去年底关停"},
)
command_route(router, "/openings/{opening_id}/signature", SignOpening, {})
command_route(router, "/openings/{opening_id}/drop", DropOpening, {})
