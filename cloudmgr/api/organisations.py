"""Routes of regions and organisations as they change: new counties, other names."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route
from cloudmgr.domain.parties import Region
from cloudmgr.services.organisations import RegisterRegion, RenameOrganisation

router = APIRouter(tags=["parties"])

get_route(router, "/regions/{id}", Region)
command_route(
    router,
    "/regions",
    RegisterRegion,
    {
        "name_zh": "睢县",
        "name_en": "Suixian County",
        "level": "county",
        "parent_id": "city",
        "division_code": "419927",
    },
    status=201,
)
command_route(
    router,
    "/organisations/{organisation_id}/rename",
    RenameOrganisation,
    {
        "name_zh": "市数据管理局",
        "name_en": "Data Administration",
        "effective_from": "2026-07-01",
        "document_number": "示编办〔2026〕7号",
    },
)
