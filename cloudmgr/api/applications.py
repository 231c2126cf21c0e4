"""Routes of business systems: the ledger, and the list of those that should be on the cloud."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from catalog.period import local_day
from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.applications import Application, Outstanding
from cloudmgr.services import codec
from cloudmgr.services.applications import (
    ChangeApplicationStatus,
    RegisterApplication,
    RetireApplication,
    UpdateApplication,
    not_on_cloud,
)

router = APIRouter(tags=["applications"])

EXAMPLE: dict[str, Any] = {
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
    "responsible_person": "王芳",
    "wave": "第二批",
    "planned_on": "2026-09-30",
}
_SAID_AGAIN = {name: value for name, value in EXAMPLE.items() if name != "department_id"}


@router.get(
    "/applications/not-on-cloud",
    operation_id="list_not_on_cloud",
    summary="Systems that should be on the cloud",
    response_model=list[Outstanding],
    responses=responses(401, 404, 422),
)
def get_not_on_cloud(
    edge: EdgeOf,
    secret: SecretOf,
    on: Annotated[date | None, Query(description="A day; today when left out")] = None,
    department_id: Annotated[str | None, Query(max_length=160)] = None,
    overdue: bool | None = None,
) -> Any:
    """应上未上清单 of a day: each system with its reason, exemption and deadline, overdue or not.

    Classified systems and those above MLPS level 3 never enter and are not listed.
    """
    with edge.reading(secret) as (world, actor, now):
        day = on or local_day(now)
        lines = not_on_cloud(world, actor, day, department_id=department_id, overdue=overdue)
        return codec.dump(tuple(lines), tuple[Outstanding, ...])


list_route(router, "/applications", Application, "department_id", "state", "zone")
get_route(router, "/applications/{id}", Application)
command_route(router, "/applications", RegisterApplication, EXAMPLE, status=201)
command_route(
    router,
    "/applications/{application_id}",
    UpdateApplication,
    {**_SAID_AGAIN, "off_cloud_reason": "等待信创改造", "deadline": "2026-12-31"},
)
command_route(
    router,
    "/applications/{application_id}/status",
    ChangeApplicationStatus,
    {"to": "off_cloud", "reason": "等待信创改造"},
)
command_route(
    router,
    "/applications/{application_id}/retire",
    RetireApplication,
    {"reason": "由省级系统替代"},
)
