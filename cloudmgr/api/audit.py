"""Routes of the audit chain, for the audit administrator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, get_route, list_route
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.audit import AuditEvent, AuditHead
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import look
from cloudmgr.services.audit_bundles import (
    READERS,
    reads_bundles,
    request_bundle,
    settlement_bundle,
)


def _reads_events(actor: Actor) -> bool:
    return actor.has_for_city(Role.AUDIT_ADMIN)


router = APIRouter(tags=["audit"])

EVENTS = look("list_audit_event", allowed=_reads_events, roles={Role.AUDIT_ADMIN}, listing=True)
REQUEST_BUNDLE = look("get_request_evidence_bundle", allowed=reads_bundles, roles=READERS)
SETTLEMENT_BUNDLE = look("get_settlement_evidence_bundle", allowed=reads_bundles, roles=READERS)

list_route(router, "/audit-heads", AuditHead)
get_route(router, "/audit-heads/{id}", AuditHead)

ZIP = "application/zip"
_ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A ZIP archive: manifest.json with every file's SHA-256, records, events",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
    },
    **responses(401, 403, 404, 422),
}


class AuditQuery(BaseModel):
    """Where to go on and how many events to tell."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    subject: Annotated[str, Field(max_length=200)] | None = None


@router.get(
    "/audit-events",
    operation_id=EVENTS.operation,
    summary="List audit events",
    response_model=list[AuditEvent],
    responses=responses(401, 403, 422),
)
def audit_events(edge: EdgeOf, secret: SecretOf, query: Annotated[AuditQuery, Query()]) -> Any:
    """The chain in order, behind sequence `after`; with `subject` (such as
    `ResourceRequest/REQ-00000001`) only what is about it. Roles: audit_admin of the city."""
    with edge.reading(secret) as (world, actor, _):
        EVENTS.authorise(actor)
        subjects = (query.subject,) if query.subject else ()
        events = world.audit_events(after=query.after, limit=query.limit, subjects=subjects)
        return codec.dump(events, tuple[AuditEvent, ...])


@router.get(
    "/evidence-bundles/requests/{id}",
    operation_id=REQUEST_BUNDLE.operation,
    summary="Fetch the evidence bundle of a request",
    description="审计取证包: all that led to the request, with its audit events.\n\n"
    f"Roles: {', '.join(sorted(READERS))} of the city.",
    response_class=Response,
    responses=_ARCHIVE,
)
def request_evidence(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    with edge.reading(secret) as (world, actor, now):
        REQUEST_BUNDLE.authorise(actor)
        return download(f"evidence-{id}.zip", ZIP, request_bundle(world, id, actor, now))


@router.get(
    "/evidence-bundles/settlements/{id:path}",
    operation_id=SETTLEMENT_BUNDLE.operation,
    summary="Fetch the evidence bundle of a settlement",
    description="审计取证包: lines, statements, score, credits, invoices, payments and events.\n\n"
    f"Roles: {', '.join(sorted(READERS))} of the city.",
    response_class=Response,
    responses=_ARCHIVE,
)
def settlement_evidence(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    with edge.reading(secret) as (world, actor, now):
        SETTLEMENT_BUNDLE.authorise(actor)
        name = f"evidence-{id.replace('/', '-')}.zip"
        return download(name, ZIP, settlement_bundle(world, id, actor, now))
