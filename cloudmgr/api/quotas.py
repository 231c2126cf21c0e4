"""Routes of quotas, and of what a scope may still take."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, list_route
from cloudmgr.domain.quota import Quota
from cloudmgr.services import codec
from cloudmgr.services.quotas import MoveQuota, ScopeHeadroom, SetQuota, headroom_of

router = APIRouter(tags=["quotas"])

list_route(router, "/quotas", Quota, "scope", "scope_id", "resource_class")
command_route(
    router,
    "/quotas",
    SetQuota,
    {"scope": "department", "scope_id": "d01", "resource_class": "VCPU", "limit_units": 256},
)
command_route(
    router,
    "/quota-moves",
    MoveQuota,
    {"from_scope_id": "d02", "to_scope_id": "d01", "resource_class": "VCPU", "units": 8},
)


@router.get(
    "/quotas/{scope_id}/headroom",
    operation_id="get_quota_headroom",
    summary="What a scope may still take",
    response_model=ScopeHeadroom,
    responses=responses(401, 404, 422),
)
def quota_headroom(edge: EdgeOf, secret: SecretOf, scope_id: Id) -> Any:
    """Limit, allocated, reserved, committed and headroom of a region, department or application,
    class by class, and which scope on the way up to the root is the tight one."""
    with edge.reading(secret) as (world, actor, _):
        found = headroom_of(world, actor, scope_id)
    return codec.dump(found)
