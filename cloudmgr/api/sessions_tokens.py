"""Routes of tokens: issued for machines, listed, revoked."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.parties import Token
from cloudmgr.services import codec
from cloudmgr.services.sessions import token_id
from cloudmgr.services.sessions_tokens import MACHINE_SECRET, IssueToken, RevokeToken

router = APIRouter(tags=["sessions"])


class NewToken(BaseModel):
    """What a machine's token is for, what it may be used for, and how long."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"label": "nightly report", "scopes": ["read"], "days": 90}]
        },
    )

    label: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[
        tuple[Annotated[str, Field(max_length=100)], ...],
        Field(
            min_length=1,
            max_length=200,
            description="`read`; operation ids of commands; `role:` and a role, for all its "
            "commands. Each must be something you may do yourself.",
        ),
    ]
    days: int


class IssuedToken(BaseModel):
    """The secret, told this once, and what is kept of it."""

    secret: str
    token: Token


list_route(router, "/tokens", Token, "user_id", "kind")
command_route(router, "/tokens/{token_id}/revocation", RevokeToken, {})


@router.post(
    "/tokens",
    operation_id="issue_token",
    summary="Issue a machine's token",
    status_code=201,
    response_model=IssuedToken,
    responses=responses(401, 403, 409, 422),
)
def post_token(edge: EdgeOf, secret: SecretOf, body: NewToken, request_id: RequestId = None) -> Any:
    """It acts as you, as far as its scopes go; only somebody signed in in person issues one.
    Roles: everybody.
    """
    made = MACHINE_SECRET + secrets.token_urlsafe(32)
    command = IssueToken(
        label=body.label, scopes=body.scopes, days=body.days, secret_digest=token_id(made)
    )
    token = edge.perform(secret, command, key=None, request_id=request_id or "")
    return {"secret": made, "token": codec.dump(token)}
