"""Routes of the audit chain, for the audit administrator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.access import Role
from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.errors import forbidden
from cloudmgr.services import codec

router = APIRouter(tags=["audit"])


class AuditQuery(BaseModel):
    """Where to go on and how many events to tell."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get(
    "/audit-events",
    operation_id="list_audit_event",
    summary="List audit events",
    response_model=list[AuditEvent],
    responses=responses(401, 403, 422),
)
def audit_events(edge: EdgeOf, secret: SecretOf, query: Annotated[AuditQuery, Query()]) -> Any:
    """The chain in order, behind sequence `after`. Roles: audit_admin of the city."""
    with edge.reading(secret) as (world, actor, _):
        if not actor.has_for_city(Role.AUDIT_ADMIN):
            raise forbidden("list_audit_event", {Role.AUDIT_ADMIN})
        events = world.audit_events(after=query.after, limit=query.limit)
        return codec.dump(events, tuple[AuditEvent, ...])
