"""Signing in."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.services import codec
from cloudmgr.services.sessions import SignedIn, check_password, open_session

router = APIRouter(tags=["sessions"])


class Credentials(BaseModel):
    """A login name and its password."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"login": "d01.user", "password": "the pass phrase"}]},
    )

    login: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=400)]


@router.post(
    "/sessions",
    operation_id="log_in",
    summary="Log in",
    status_code=201,
    response_model=SignedIn,
    responses=responses(401, 422),
)
def post_session(edge: EdgeOf, credentials: Credentials) -> Any:
    """Exchange a password for a bearer token, which is told this once."""
    with edge.node.reading() as world:
        user = check_password(world, credentials.login, credentials.password)
    with edge.node.transaction() as world:
        settings = world.seek(NodeSettings, NODE_ID)
        signed_in = open_session(
            world,
            user.id,
            secret=secrets.token_urlsafe(32),
            now=edge.now(world),
            rehearsal=bool(settings and settings.rehearsal),
        )
    return codec.dump(signed_in)
