"""Routes of work orders."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.api.views import WORKBOOK, workbook
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services.provisioning import AcceptWorkOrder, CompleteWorkOrder, RefuseWorkOrder
from cloudmgr.services.workorders import TITLE, DeliverByList, delivery_template

router = APIRouter(tags=["work orders"])

list_route(router, "/work-orders", WorkOrder, "state", "provider_id", "request_id", "pool_id")
get_route(router, "/work-orders/{id}", WorkOrder)
command_route(router, "/work-orders/{work_order_id}/acceptance", AcceptWorkOrder, {})
command_route(
    router,
    "/work-orders/{work_order_id}/completion",
    CompleteWorkOrder,
    {"deliveries": [{"line": 1, "provider_resource_id": "vm-7f3a"}]},
)
command_route(
    router, "/work-orders/{work_order_id}/refusal", RefuseWorkOrder, {"reason": "no such image"}
)
command_route(
    router,
    "/work-orders/{work_order_id}/delivery-list",
    DeliverByList,
    {"file_id": "FILE-00000001"},
)


@router.get(
    "/work-orders/{id}/delivery-template",
    operation_id="get_delivery_template",
    summary="The lines of a work order as a workbook to fill in and send back",
    response_class=Response,
    responses=WORKBOOK,
)
def get_delivery_template(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """One row per line; the provider adds its resource ids."""
    with edge.reading(secret) as (world, actor, _):
        data = delivery_template(world, actor, id)
    return workbook(f"{TITLE}{id}", data)
