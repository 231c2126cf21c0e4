"""Routes of what pools are connected by, what was ordered from them, and where they drift."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.drift import DriftFinding
from cloudmgr.domain.jobs import Job
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.pools_connection import PoolAlarm, PoolConnection
from cloudmgr.domain.pools_orders import PoolOrder
from cloudmgr.services import codec
from cloudmgr.services.drift import ResolveDrift, open_findings
from cloudmgr.services.pools_connection import ConnectPool, PausePool
from cloudmgr.services.pools_orders_results import DecidePoolOrder
from cloudmgr.services.reading import read, visible

router = APIRouter(tags=["pools"])

list_route(router, "/pool-connections", PoolConnection, "provider_id", "contact", "paused")
get_route(router, "/pool-connections/{id}", PoolConnection)
command_route(
    router,
    "/pools/{pool_id}/connection",
    ConnectPool,
    {
        "url": "https://pool.example/kunpeng-a",
        "credential": "kunpeng-a",
        "key_prefix": "city-",
    },
)
command_route(router, "/pools/{pool_id}/pause", PausePool, {"paused": True})
list_route(router, "/pool-alarms", PoolAlarm, "pool_id", "severity")
list_route(router, "/pool-orders", PoolOrder, "pool_id", "state", "request_id", "work_order_id")
get_route(router, "/pool-orders/{id}", PoolOrder)
command_route(
    router,
    "/pool-orders/{pool_order_id}/decision",
    DecidePoolOrder,
    {"done": False, "reason": "控制台无此订单"},
)
list_route(router, "/drift-findings", DriftFinding, "pool_id", "provider_id", "state", "kind")
get_route(router, "/drift-findings/{id}", DriftFinding)
command_route(
    router, "/drift-findings/{finding_id}/resolution", ResolveDrift, {"reason": "已由厂商清理"}
)


class PoolDrift(BaseModel):
    """Where a pool and we differ now; `compared_at` is null before the first comparison."""

    pool_id: str
    compared_at: datetime | None
    problem: str
    findings: list[DriftFinding]


@router.get(
    "/pools/{id}/drift",
    operation_id="get_pool_drift",
    summary="Get pool drift",
    response_model=PoolDrift,
    responses=responses(401, 404, 422),
)
def get_pool_drift(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """What is open, when it was last compared, and why it could not be since."""
    with edge.reading(secret) as (world, actor, _):
        pool = read(world, actor, ResourcePool, id)
        findings = open_findings(world, id)
        scope = visible(world, actor, DriftFinding)
        if scope is None or pool.provider_id not in scope.get("provider_id", (pool.provider_id,)):
            findings = ()  # whoever may see the pool does not see its provider's troubles
        jobs = world.find(Job, kind="pool_drift", subject=id)
    last = jobs[-1] if jobs else None
    return PoolDrift(
        pool_id=id,
        compared_at=last.ended_at if last and last.runs else None,
        problem=last.problem if last else "",
        findings=[codec.dump(each) for each in findings],
    )
