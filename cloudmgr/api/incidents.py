"""Routes of incidents and of what departments say of a delivery."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.incidents import Incident
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.services.incidents import (
    AcknowledgeIncident,
    CloseIncident,
    ReportIncident,
    RestoreIncident,
)
from cloudmgr.services.service_ratings import RateService

router = APIRouter(tags=["incidents"])

list_route(router, "/incidents", Incident, "provider_id", "pool_id", "state", "severity")
get_route(router, "/incidents/{id}", Incident)
command_route(
    router,
    "/incidents",
    ReportIncident,
    {
        "pool_id": "kunpeng-a",
        "severity": "minor",
        "description": "宿主机故障迁移",
        "allocation_ids": ["ALC-00000001"],
    },
    status=201,
)
command_route(router, "/incidents/{incident_id}/acknowledgement", AcknowledgeIncident, {})
command_route(
    router, "/incidents/{incident_id}/restoration", RestoreIncident, {"cause": "硬件更换"}
)
command_route(router, "/incidents/{incident_id}/closure", CloseIncident, {"conclusion": "已复盘"})
list_route(router, "/service-ratings", ServiceRating, "provider_id", "department_id", "request_id")
command_route(
    router,
    "/requests/{request_id}/ratings",
    RateService,
    {"stars": 5, "comment": "及时"},
    status=201,
)
