"""Routes of allocations."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.allocations import Allocation
from cloudmgr.services.provisioning import AcceptTrial

router = APIRouter(tags=["allocations"])

list_route(
    router,
    "/allocations",
    Allocation,
    "state",
    "department_id",
    "application_id",
    "pool_id",
    "request_id",
)
get_route(router, "/allocations/{id}", Allocation)
command_route(router, "/allocations/{allocation_id}/trial-acceptance", AcceptTrial, {})
