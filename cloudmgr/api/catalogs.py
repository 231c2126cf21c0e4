"""Routes of published catalogs: what is sold, to what standard, for at most how much."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, get_route, list_route
from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog
from cloudmgr.domain.proposals_effect import CatalogEffect
from cloudmgr.services import codec
from cloudmgr.services.catalogs import MEDIA_TYPES, CatalogFormat, catalog_file
from cloudmgr.services.pricing import catalog_version
from cloudmgr.services.proposals_effect import effect_workbook, proposal_effect, version_effect

router = APIRouter(tags=["catalogs"])

FormatOf = Annotated[CatalogFormat, Query()]
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_XLSX: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPES[CatalogFormat.XLSX]: _BYTES}}
}
_EITHER: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(MEDIA_TYPES.values(), _BYTES)}
}

list_route(router, "/catalogs", PublishedCatalog)
get_route(router, "/catalogs/{id}", PublishedCatalog)
get_route(router, "/catalogs/{id}/content", CatalogContent)


@router.get(
    "/catalog-versions/{id}/export",
    operation_id="get_catalog_export",
    summary="A whole catalog version as a file",
    response_class=Response,
    responses={**_EITHER, **responses(401, 404, 422)},
)
def export(
    edge: EdgeOf, secret: SecretOf, id: Id, format: FormatOf = CatalogFormat.TOML
) -> Response:
    """Every item, standard, ceiling and list price with its source. Sent back as the file of a
    proposal it proposes what was changed in it."""
    with edge.reading(secret) as (world, _, _):
        file = catalog_file(catalog_version(world, id), format)
    return download(file.name, file.media_type, file.data)


@router.get(
    "/catalog-versions/{a}/diff/{b}",
    operation_id="get_catalog_diff",
    summary="What changes from one version to another, and for whom",
    response_model=CatalogEffect,
    responses=responses(401, 404, 422),
)
def diff(edge: EdgeOf, secret: SecretOf, a: Id, b: Id) -> Any:
    """Every change with the live allocations and the monthly money it touches, priced by the
    functions that bill on the later version's first day, or today when that has passed."""
    with edge.reading(secret) as (world, actor, now):
        found = version_effect(world, actor, a, b, now)
    return codec.dump(found)


@router.get(
    "/catalog-versions/{a}/diff/{b}/workbook",
    operation_id="get_catalog_diff_workbook",
    summary="The comparison of two versions as XLSX",
    response_class=Response,
    responses={**_XLSX, **responses(401, 404, 422)},
)
def diff_workbook(edge: EdgeOf, secret: SecretOf, a: Id, b: Id) -> Response:
    """The same figures as the comparison itself."""
    with edge.reading(secret) as (world, actor, now):
        data = effect_workbook(world, version_effect(world, actor, a, b, now))
    return download(f"catalog-{a}-{b}.xlsx", MEDIA_TYPES[CatalogFormat.XLSX], data)


@router.get(
    "/proposals/{id}/effect",
    operation_id="get_proposal_effect",
    summary="What a proposal changes, and for whom",
    response_model=CatalogEffect,
    responses=responses(401, 404, 409, 422),
)
def effect(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Every change with the live allocations and the monthly money it touches, priced today by
    the functions that bill. Who sees only some allocations sees the money of those."""
    with edge.reading(secret) as (world, actor, now):
        found = proposal_effect(world, actor, id, now)
    return codec.dump(found)


@router.get(
    "/proposals/{id}/effect/workbook",
    operation_id="get_proposal_effect_workbook",
    summary="The effect of a proposal as XLSX",
    response_class=Response,
    responses={**_XLSX, **responses(401, 404, 409, 422)},
)
def workbook(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """The same figures as the effect itself."""
    with edge.reading(secret) as (world, actor, now):
        data = effect_workbook(world, proposal_effect(world, actor, id, now))
    return download(f"{id}.xlsx", MEDIA_TYPES[CatalogFormat.XLSX], data)
