"""Routes of published catalogs: what is sold, to what standard, for at most how much."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import get_route, list_route
from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog

router = APIRouter(tags=["catalogs"])

list_route(router, "/catalogs", PublishedCatalog)
get_route(router, "/catalogs/{id}", PublishedCatalog)
get_route(router, "/catalogs/{id}/content", CatalogContent)
