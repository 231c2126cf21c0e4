"""Routes of work orders."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services.provisioning import AcceptWorkOrder, CompleteWorkOrder, RefuseWorkOrder

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
