"""Routes of delegations: who signs for whom while he is absent."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.delegations import Delegation
from cloudmgr.services.delegations import DelegateSigning, RevokeDelegation

router = APIRouter(tags=["requests"])

list_route(
    router, "/delegations", Delegation, "principal_id", "delegate_id", "organisation_id", "state"
)
get_route(router, "/delegations/{id}", Delegation)
command_route(
    router,
    "/delegations",
    DelegateSigning,
    {
        "delegate_id": "tech.b",
        "role": "technical_reviewer",
        "organisation_id": "tech",
        "starts_at": "2027-01-04T00:00:00+08:00",
        "ends_at": "2027-01-11T00:00:00+08:00",
        "reason": "出差",
    },
    status=201,
)
command_route(router, "/delegations/{delegation_id}/revocation", RevokeDelegation, {})
