"""Routes of billing periods and the month's close."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, get_route, list_route
from cloudmgr.domain.billing import BillingPeriod
from cloudmgr.services import codec
from cloudmgr.services.closing import close_period
from cloudmgr.services.periods import ClosePeriod

router = APIRouter(tags=["periods"])

list_route(router, "/periods", BillingPeriod, "state")
get_route(router, "/periods/{id}", BillingPeriod)


@router.post(
    "/periods/{month}/close",
    operation_id="close_period",
    summary="Close a billing month",
    response_model=BillingPeriod,
    responses=responses(401, 403, 404, 409, 422),
)
def post_close(edge: EdgeOf, secret: SecretOf, month: Id, request_id: RequestId = None) -> Any:
    """Rate the month, issue every statement and close the period for good.

    Page by page, each its own commit; after a crash the same call goes on where it stopped. A
    closed month is refused with `period_closed`, so that no repetition does anything twice.
    Roles: finance.
    """
    with edge.reading(secret, ClosePeriod) as (_, actor, now):
        pass
    closed = close_period(edge.node, ClosePeriod(month=month), actor, now, request_id or "")
    return codec.dump(closed)
