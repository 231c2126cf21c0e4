"""Routes of the monthly resource list: records, workbook, page to print."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, get_route, list_route
from cloudmgr.api.views import WORKBOOK, workbook
from cloudmgr.domain.resource_lists import ResourceList, ResourceListLine
from cloudmgr.services.resource_lists_papers import TITLE, list_page, list_workbook

router = APIRouter(tags=["resource lists"])

list_route(router, "/resource-lists", ResourceList)
get_route(router, "/resource-lists/{id}", ResourceList)
list_route(
    router,
    "/resource-list-lines",
    ResourceListLine,
    "list_id",
    "pool_id",
    "resource_class",
    "below_waterline",
)


@router.get(
    "/resource-lists/{id}/workbook",
    operation_id="get_resource_list_workbook",
    summary="The month's resource list as XLSX",
    response_class=Response,
    responses=WORKBOOK,
)
def get_workbook(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """City offices get all lines, a provider those of its own pools."""
    with edge.reading(secret) as (world, actor, _):
        data = list_workbook(world, actor, id)
    return workbook(f"{TITLE}{id}", data)


@router.get(
    "/resource-lists/{id}/page",
    operation_id="get_resource_list_page",
    summary="The month's resource list as a page to print and stamp",
    response_class=Response,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **responses(401, 404, 422),
    },
)
def get_page(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """Nothing in it is loaded or run."""
    with edge.reading(secret) as (world, actor, _):
        text = list_page(world, actor, id)
    return Response(
        text,
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        },
    )
