"""Routes of drills and of those that are overdue."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.api.views import view
from cloudmgr.domain.drills import Drill, OverdueDrill
from cloudmgr.services.drills import CancelDrill, PlanDrill, RecordDrill, find_overdue

router = APIRouter(tags=["drills"])


@router.get(
    "/drills/overdue",
    operation_id="get_overdue_drills",
    summary="Applications whose drill should have been held",
    response_model=list[OverdueDrill],
    responses=responses(401, 422),
)
def list_overdue(edge: EdgeOf, secret: SecretOf) -> Any:
    """Of the applications one may see that must have a copy elsewhere."""
    with edge.reading(secret) as (world, actor, now):
        found = find_overdue(world, actor, now)
    return view(found, tuple[OverdueDrill, ...])


list_route(router, "/drills", Drill, "application_id", "department_id", "state")
get_route(router, "/drills/{id}", Drill)
command_route(
    router,
    "/drills",
    PlanDrill,
    {
        "application_id": "A01",
        "kind": "switchover",
        "scenario": "the primary data centre loses power; service moves to the same-city one",
        "planned_for": "2026-06-06T09:00:00+08:00",
    },
    status=201,
)
command_route(
    router,
    "/drills/{drill_id}/record",
    RecordDrill,
    {
        "held_at": "2026-06-06T09:00:00+08:00",
        "participants": ["health department", "provider"],
        "reached_rto_minutes": 12,
        "reached_rpo_minutes": 0,
    },
)
command_route(
    router, "/drills/{drill_id}/cancellation", CancelDrill, {"reason": "protected period"}
)
