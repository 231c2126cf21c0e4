"""Routes of resource requests, their signatures and the numbers an approver sees."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.services import codec
from cloudmgr.services.estimates import Estimate, estimate
from cloudmgr.services.provisioning import ConfirmDelivery
from cloudmgr.services.reading import read
from cloudmgr.services.requests import (
    DispatchRequest,
    DraftRequest,
    ResubmitRequest,
    SignRequest,
    SubmitRequest,
    WithdrawRequest,
)

router = APIRouter(tags=["requests"])

list_route(router, "/requests", ResourceRequest, "state", "kind", "department_id", "application_id")
get_route(router, "/requests/{id}", ResourceRequest)
list_route(router, "/approvals", Approval, "request_id")
command_route(
    router,
    "/requests",
    DraftRequest,
    {
        "department_id": "d01",
        "application_id": "A01",
        "kind": "new",
        "reason": "More citizens use the service",
        "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 2, "term_months": 12}],
    },
    status=201,
)
command_route(router, "/requests/{request_id}/submission", SubmitRequest, {})
command_route(
    router,
    "/requests/{request_id}/signatures",
    SignRequest,
    {"decision": "approve", "opinion": "同意"},
)
command_route(router, "/requests/{request_id}/resubmission", ResubmitRequest, {})
command_route(
    router, "/requests/{request_id}/withdrawal", WithdrawRequest, {"reason": "no longer needed"}
)
command_route(router, "/requests/{request_id}/dispatch", DispatchRequest, {})
command_route(router, "/requests/{request_id}/confirmation", ConfirmDelivery, {"accepted": True})


@router.get(
    "/requests/{id}/estimate",
    operation_id="get_request_estimate",
    summary="Price, budget and candidate pools of a request",
    response_model=Estimate,
    responses=responses(401, 404, 409, 422),
)
def request_estimate(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """What the request would cost a month in each pool that can take it, and why others cannot.

    Made by the functions that bill. Reserves nothing.
    """
    with edge.reading(secret) as (world, actor, now):
        found = estimate(world, read(world, actor, ResourceRequest, id), now)
    return codec.dump(found)
