"""Routes of business systems."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.applications import Application
from cloudmgr.services.applications import RegisterApplication

router = APIRouter(tags=["applications"])

list_route(router, "/applications", Application, "department_id", "status", "zone")
get_route(router, "/applications/{id}", Application)
command_route(
    router,
    "/applications",
    RegisterApplication,
    {
        "code": "B01",
        "name_zh": "档案查询系统",
        "name_en": "Archive search",
        "department_id": "d01",
        "mlps_level": 2,
        "zone": "extranet",
        "dr_level": 2,
        "dr_mode": "local_backup",
        "xinchuang": True,
        "important": False,
    },
    status=201,
)
