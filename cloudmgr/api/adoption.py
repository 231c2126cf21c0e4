"""Routes of adoption: indicators of a day per region and city, and their targets."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from catalog.period import local_day
from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.access import CITY_WIDE
from cloudmgr.domain.adoption import AdoptionTarget
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import look
from cloudmgr.services.adoption import (
    Adoption,
    SetAdoptionTarget,
    adoption,
    offices_regions,
    reads_adoption,
)

router = APIRouter(tags=["adoption"])

ADOPTION = look(
    "get_adoption", scope=offices_regions, allowed=reads_adoption, roles=CITY_WIDE, listing=True
)

list_route(router, "/adoption/targets", AdoptionTarget, "indicator")
command_route(
    router,
    "/adoption/targets",
    SetAdoptionTarget,
    {
        "indicator": "on_cloud",
        "value": "0.98",
        "due_on": "2027-12-31",
        "document_number": "示政办〔2026〕9号",
        "source": "市政务信息化规划",
    },
    status=201,
)


@router.get(
    "/adoption",
    operation_id=ADOPTION.operation,
    summary="Adoption of a day",
    response_model=Adoption,
    responses=responses(401, 403, 422),
)
def get_adoption(
    edge: EdgeOf,
    secret: SecretOf,
    on: Annotated[date | None, Query(alias="date", description="A day; today if left out")] = None,
) -> Any:
    """上云率, 机房整合纳管率, 专网整合率 and the saving, each exact, with the records behind it.

    For the city's offices every region and the city with its counties; for a county's offices
    their county. What the ledgers do not say is "not set", never zero.
    """
    with edge.reading(secret) as (world, actor, now):
        ADOPTION.authorise(actor)
        return codec.dump(adoption(world, actor, on or local_day(now)))
