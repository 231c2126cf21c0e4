"""Routes of quotas."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.quota import Quota
from cloudmgr.services.quotas import SetQuota

router = APIRouter(tags=["quotas"])

list_route(router, "/quotas", Quota, "scope", "scope_id", "resource_class")
command_route(
    router,
    "/quotas",
    SetQuota,
    {"scope": "department", "scope_id": "d01", "resource_class": "VCPU", "limit_units": 256},
)
