"""Routes of allocations: what runs, stopping, scaling and planning it, longer trials, terms that
are over, and the papers of releases."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import AS_SENT, download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import MAX_PAGE, Id, command_route, decode, encode, get_route, list_route
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.allocations_papers import ReleaseRecord
from cloudmgr.domain.allocations_trials import TrialExtension
from cloudmgr.services import codec
from cloudmgr.services.allocations import (
    AskTrialExtension,
    DecideTrialExtension,
    StartAllocation,
    StopAllocation,
)
from cloudmgr.services.allocations_elastic import ScaleAllocation, ScheduleAllocation
from cloudmgr.services.allocations_papers import erasure_certificate
from cloudmgr.services.allocations_reclaim import ReclaimTemporary
from cloudmgr.services.allocations_terms import PastTerm, finding, past_term
from cloudmgr.services.provisioning import AcceptTrial

router = APIRouter(tags=["allocations"])


class PastTermQuery(BaseModel):
    """What the lists of findings may be asked."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(50, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(None, max_length=400)
    department_id: str | None = Field(None, max_length=160)
    application_id: str | None = Field(None, max_length=160)
    pool_id: str | None = Field(None, max_length=160)


class PastTermPage(BaseModel):
    """A page of findings."""

    items: list[PastTerm]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page")


PastTermAsked = Annotated[PastTermQuery, Query()]


@router.get(
    "/allocations/past-term",
    operation_id="get_past_term_allocations",
    summary="Resources that run on after their term",
    response_model=PastTermPage,
    responses=responses(401, 422),
)
def list_past_term(edge: EdgeOf, secret: SecretOf, query: PastTermAsked) -> Any:
    """Production never stops by itself: renew it, or release it. Of what one may see."""
    return _findings(edge, secret, query, temporary=False)


@router.get(
    "/allocations/overdue-temporary",
    operation_id="get_overdue_temporary_allocations",
    summary="Temporary resources that should have been given back",
    response_model=PastTermPage,
    responses=responses(401, 422),
)
def list_overdue_temporary(edge: EdgeOf, secret: SecretOf, query: PastTermAsked) -> Any:
    """They had their notices; reclaiming is a person's decision. Of what one may see."""
    return _findings(edge, secret, query, temporary=True)


def _findings(edge: EdgeOf, secret: SecretOf, query: PastTermQuery, *, temporary: bool) -> Response:
    where = query.model_dump(
        include={"department_id", "application_id", "pool_id"}, exclude_none=True
    )
    after = decode(query.cursor)
    with edge.reading(secret) as (world, actor, now):
        page = past_term(
            world, actor, now, temporary=temporary, after=after, limit=query.limit, **where
        )
    found = tuple(finding(each, now) for each in page.items)
    cursor = encode(page.next_after) if page.next_after else None
    body = {"items": codec.dump(found, tuple[PastTerm, ...]), "next_cursor": cursor}
    return Response(codec.text(body), media_type="application/json")


list_route(
    router,
    "/allocations",
    Allocation,
    "state",
    "department_id",
    "application_id",
    "pool_id",
    "provider_id",
    "request_id",
    "temporary",
)
get_route(router, "/allocations/{id}", Allocation)
command_route(router, "/allocations/{allocation_id}/trial-acceptance", AcceptTrial, {})
command_route(
    router,
    "/allocations/{allocation_id}/trial-extensions",
    AskTrialExtension,
    {"reason": "the load test of the exam season is still to come"},
    status=201,
)
command_route(
    router, "/allocations/{allocation_id}/stop", StopAllocation, {"reason": "not used in August"}
)
command_route(router, "/allocations/{allocation_id}/start", StartAllocation, {})
command_route(router, "/allocations/{allocation_id}/scale", ScaleAllocation, {"quantity": 6})
command_route(
    router,
    "/allocations/{allocation_id}/schedule",
    ScheduleAllocation,
    {
        "weekly": [
            {"weekday": 5, "at": "20:00", "action": "stop"},
            {"weekday": 1, "at": "07:30", "action": "start"},
        ]
    },
)
command_route(
    router,
    "/allocations/{allocation_id}/reclamation",
    ReclaimTemporary,
    {"reason": "the test ended three weeks ago and nobody answers"},
    status=201,
)

list_route(router, "/trial-extensions", TrialExtension, "state", "allocation_id", "department_id")
get_route(router, "/trial-extensions/{id}", TrialExtension)
command_route(
    router,
    "/trial-extensions/{extension_id}/decision",
    DecideTrialExtension,
    {"approved": True, "opinion": "同意"},
)

list_route(
    router,
    "/release-records",
    ReleaseRecord,
    "request_id",
    "allocation_id",
    "department_id",
    "provider_id",
)


@router.get(
    "/release-records/{id:path}/erasure-certificate",
    operation_id="get_erasure_certificate",
    summary="The erasure certificate of a release",
    response_class=Response,
    responses={
        200: {"content": AS_SENT},
        **responses(401, 404, 422),
    },
)
def get_erasure_certificate(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """For the department whose data were erased, the provider and the city, as it was sent."""
    with edge.reading(secret) as (world, actor, _):
        file, data = erasure_certificate(world, actor, id)
    return download(file.name, file.media_type, data)


get_route(router, "/release-records/{id:path}", ReleaseRecord)
