"""Routes of the audit chain, for the audit administrator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.access import Role
from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.errors import forbidden
from cloudmgr.services import codec

router = APIRouter(tags=["audit"])


@router.get(
    "/audit-events",
    operation_id="list_audit_event",
    summary="List audit events",
    response_model=list[AuditEvent],
    responses=responses(401, 403, 422),
)
def audit_events(
    edge: EdgeOf,
    secret: SecretOf,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Any:
    """The chain in order, behind sequence `after`. Roles: audit_admin."""
    with edge.reading(secret) as (world, actor, _):
        if not actor.has(Role.AUDIT_ADMIN):
            raise forbidden("list_audit_event", {Role.AUDIT_ADMIN})
        return codec.dump(world.audit_events(after=after, limit=limit), tuple[AuditEvent, ...])
