"""Routes of continuity: declared replicas, agreements with partner cities, gaps."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.api.views import view
from cloudmgr.domain.continuity import BackupAgreement, Gap, Replica
from cloudmgr.services.continuity import (
    DeclareReplica,
    RecordBackupAgreement,
    WithdrawReplica,
    find_gaps,
)

router = APIRouter(tags=["continuity"])

list_route(router, "/continuity/replicas", Replica, "application_id", "allocation_id", "primary_id")
get_route(router, "/continuity/replicas/{id}", Replica)
list_route(router, "/continuity/agreements", BackupAgreement, "site_id", "partner_city")
get_route(router, "/continuity/agreements/{id}", BackupAgreement)


@router.get(
    "/continuity/gaps",
    operation_id="get_continuity_gaps",
    summary="What applications must have for disaster recovery and have not",
    response_model=list[Gap],
    responses=responses(401, 422),
)
def list_gaps(
    edge: EdgeOf,
    secret: SecretOf,
    department_id: Annotated[str | None, Query(max_length=160)] = None,
) -> Any:
    """Missing copies, copies at the wrong place, promises that are too weak, agreements that have
    ended. Of the applications one may see."""
    with edge.reading(secret) as (world, actor, now):
        found = find_gaps(world, actor, now, department_id)
    return view(found, tuple[Gap, ...])


command_route(
    router,
    "/continuity/replicas",
    DeclareReplica,
    {"primary_id": "ALC-00000001", "allocation_id": "ALC-00000002", "role": "replica"},
    status=201,
)
command_route(
    router,
    "/continuity/replicas/{replica_id}/withdrawal",
    WithdrawReplica,
    {"reason": "switched off after the relocation"},
)
command_route(
    router,
    "/continuity/agreements",
    RecordBackupAgreement,
    {
        "number": "示数合作〔2026〕3号",
        "partner_city": "示例友城",
        "site_id": "site-remote",
        "starts_at": "2026-01-01T00:00:00+08:00",
        "ends_at": "2029-01-01T00:00:00+08:00",
        "scope": "data backup of level 4 systems and above",
    },
    status=201,
)
