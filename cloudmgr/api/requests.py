"""Routes of resource requests, their signatures and the numbers an approver sees."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.services import codec
from cloudmgr.services.approvals import (
    GoOnWithReview,
    ResubmitRequest,
    SignRequest,
    WaitForQuotes,
)
from cloudmgr.services.approvals_steps import signers_now
from cloudmgr.services.estimates import Estimate, estimate
from cloudmgr.services.provisioning import ConfirmDelivery
from cloudmgr.services.reading import read
from cloudmgr.services.requests import (
    DispatchRequest,
    DraftRequest,
    EditDraft,
    SubmitRequest,
    WithdrawRequest,
)
from cloudmgr.services.requests_evidence import evidence, seen_request, signer_views
from cloudmgr.services.requests_evidence_values import Evidence, SignerView
from cloudmgr.services.requests_preview import Preview, Wish, preview

router = APIRouter(tags=["requests"])

WISH = {
    "application_id": "A01",
    "kind": "new",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 2, "term_months": 12}],
}

list_route(
    router,
    "/requests",
    ResourceRequest,
    "state",
    "kind",
    "department_id",
    "application_id",
    "awaiting_step",
    "awaiting_role",
    "overdue",
)
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
command_route(
    router,
    "/requests/{request_id}/draft",
    EditDraft,
    {
        "reason": "More citizens use the service",
        "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 3, "term_months": 12}],
    },
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
    router,
    "/requests/{request_id}/quotes/wait",
    WaitForQuotes,
    {"reason": "the pools are asked for a quote for GPU servers"},
)
command_route(router, "/requests/{request_id}/quotes/receipt", GoOnWithReview, {})
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


@router.post(
    "/requests/preview",
    operation_id="get_request_preview",
    summary="Look at a request before it is written",
    response_model=Preview,
    responses=responses(401, 404, 422),
)
def request_preview(
    edge: EdgeOf,
    secret: SecretOf,
    wish: Annotated[Wish, Body(examples=[WISH])],
) -> Any:
    """What it would cost in which pool, everything that would refuse it, what would be short today,
    and which signatures it would need. Nothing is kept; it needs no `Idempotency-Key`."""
    with edge.reading(secret) as (world, actor, now):
        return _raw(preview(world, wish, actor, now))


@router.get(
    "/requests/{id}/evidence",
    operation_id="get_request_evidence",
    summary="What an approver sees before signing",
    response_model=Evidence,
    responses=responses(401, 404, 422),
)
def request_evidence(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Prices and candidate pools with reasons, quota and budget before and after, the department's
    present use with what is idle, what is open about it, papers, signatures, the steps that follow
    and who may sign now. For whoever sees the request or may sign it; providers never."""
    with edge.reading(secret) as (world, actor, now):
        return _raw(evidence(world, seen_request(world, actor, id, now), now))


@router.get(
    "/requests/{id}/signers",
    operation_id="get_request_signers",
    summary="Who may sign a request now",
    response_model=list[SignerView],
    responses=responses(401, 404, 422),
)
def request_signers(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """The step's own people, their delegates, and once it is overdue those who step in; where
    nobody is eligible the parent organisation's. Empty when nobody's signature is awaited."""
    with edge.reading(secret) as (world, actor, now):
        request = seen_request(world, actor, id, now)
        found = signer_views(world, signers_now(world, request, now))
    return _raw(found, tuple[SignerView, ...])


def _raw(value: Any, kind: Any | None = None) -> Response:
    """JSON once, from the codec."""
    return Response(codec.text(codec.dump(value, kind)), media_type="application/json")
