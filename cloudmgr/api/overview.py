"""The route of a month's overview, for the offices of the whole city."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from catalog.period import Month
from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.access import CITY_WIDE
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import city_offices, look
from cloudmgr.services.overview import month_overview
from cloudmgr.services.overview_values import MonthOverview

router = APIRouter(tags=["overview"])

OVERVIEW = look("get_month_overview", allowed=city_offices, roles=CITY_WIDE)


@router.get(
    "/months/{month}/overview",
    operation_id=OVERVIEW.operation,
    summary="Overview of a month",
    response_model=MonthOverview,
    responses=responses(401, 403, 404, 422),
)
def get_overview(
    edge: EdgeOf,
    secret: SecretOf,
    month: Annotated[str, Path(max_length=20, examples=["2026-01"])],
) -> Any:
    """Requests, pools, bills, scores and settlements of a month on one page.

    For roles held in an office of the whole city; every other role reads its own records.
    """
    with edge.reading(secret) as (world, actor, now):
        OVERVIEW.authorise(actor)
        return codec.dump(month_overview(world, Month.parse(month), now))
