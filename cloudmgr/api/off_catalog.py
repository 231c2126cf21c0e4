"""Routes of agreements outside the catalog, and of what of them may enter the next version."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import get_route, list_route
from cloudmgr.domain.access import CITY_WIDE
from cloudmgr.domain.off_catalog import OffCatalogItem
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import city_offices, look
from cloudmgr.services.off_catalog_candidates import CatalogCandidate, candidates

router = APIRouter(tags=["catalogs"])

CANDIDATES = look("list_catalog_candidates", allowed=city_offices, roles=CITY_WIDE, listing=True)

list_route(router, "/off-catalog-items", OffCatalogItem, "state", "application_id", "provider_id")
get_route(router, "/off-catalog-items/{id}", OffCatalogItem)


@router.get(
    "/catalog/candidates",
    operation_id=CANDIDATES.operation,
    summary="Approved agreements that may enter the next catalog",
    response_model=list[CatalogCandidate],
    responses=responses(401, 403),
)
def catalog_candidates(edge: EdgeOf, secret: SecretOf) -> Any:
    """Every agreement (一事一议) that was approved and no version has adopted, with what of it
    runs today and costs a month; for the offices of the city."""
    with edge.reading(secret) as (world, actor, now):
        CANDIDATES.authorise(actor)
        found = candidates(world, now)
    return codec.dump(found, tuple[CatalogCandidate, ...])
