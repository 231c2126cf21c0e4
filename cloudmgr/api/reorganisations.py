"""Routes of reorganisations: recorded, looked at beforehand, cancelled."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.reorganisations import Moved, Reorganisation
from cloudmgr.services import codec
from cloudmgr.services.reading import read
from cloudmgr.services.reorganisations import (
    CancelReorganisation,
    HandOverApplications,
    MergeOrganisations,
    SplitOrganisation,
    preview,
)

router = APIRouter(tags=["reorganisations"])

list_route(router, "/reorganisations", Reorganisation, "kind", "state")
get_route(router, "/reorganisations/{id}", Reorganisation)
command_route(
    router,
    "/reorganisations/merge",
    MergeOrganisations,
    {
        "department_ids": ["d30"],
        "into_department_id": "d05",
        "effective_from": "2026-07-01",
        "document_number": "示编〔2026〕3号",
    },
    status=201,
)
command_route(
    router,
    "/reorganisations/split",
    SplitOrganisation,
    {
        "department_id": "d08",
        "parts": [{"to_department_id": "d22", "application_ids": ["A20"]}],
        "effective_from": "2026-07-01",
        "document_number": "示编〔2026〕4号",
    },
    status=201,
)
command_route(
    router,
    "/reorganisations/hand-over",
    HandOverApplications,
    {
        "from_department_id": "d01",
        "to_department_id": "d04",
        "application_ids": ["A04"],
        "effective_from": "2026-07-01",
        "document_number": "示编〔2026〕5号",
        "budget": "100000.00",
    },
    status=201,
)
command_route(
    router,
    "/reorganisations/{reorganisation_id}/cancel",
    CancelReorganisation,
    {"reason": "文件已废止"},
)


@router.get(
    "/reorganisations/{id}/preview",
    operation_id="get_reorganisation_preview",
    summary="What a reorganisation moves",
    response_model=list[Moved],
    responses=responses(401, 404, 422),
)
def get_preview(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Transfer by transfer: systems, resources, requests, quotas, money and roles.

    Before it takes effect as if it did so on what there is now; afterwards what it moved.
    """
    with edge.reading(secret) as (world, actor, _):
        found = read(world, actor, Reorganisation, id)
        return codec.dump(preview(world, found), tuple[Moved, ...])
