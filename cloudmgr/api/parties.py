"""Routes of regions, organisations, people and roles."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.services.parties import GrantRole, RegisterOrganisation, RegisterUser

router = APIRouter(tags=["parties"])

list_route(router, "/regions", Region, "level", "parent_id")
list_route(router, "/organisations", Organisation, "kind", "region_id")
get_route(router, "/organisations/{id}", Organisation)
command_route(
    router,
    "/organisations",
    RegisterOrganisation,
    {
        "kind": "department",
        "name_zh": "市档案局",
        "name_en": "City archives",
        "region_id": "city",
        "budget_unit_code": "900001",
    },
    status=201,
)
command_route(
    router,
    "/users",
    RegisterUser,
    {"login": "archives.user", "name": "王芳", "password": "a long pass phrase"},
    status=201,
)
command_route(
    router,
    "/users/{user_id}/roles",
    GrantRole,
    {"role": "department_user", "organisation_id": "d01"},
    status=201,
)
