"""The rehearsal's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Instant
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.services import codec
from cloudmgr.services.clock import ClockMoved, MoveClock

router = APIRouter(tags=["rehearsal"])


class ClockBody(BaseModel):
    """Where the clock shall stand."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"now": "2026-01-05T09:00:00+08:00"}]},
    )

    now: Annotated[Instant, Field(description="An instant with its offset")]


class NodeInfo(BaseModel):
    """What this node is, for everybody to see."""

    rehearsal: bool
    city: str
    now: datetime


@router.put(
    "/rehearsal/clock",
    operation_id="move_clock",
    summary="Move the rehearsal's clock",
    response_model=ClockMoved,
    responses=responses(401, 403, 409, 422),
)
def put_clock(edge: EdgeOf, secret: SecretOf, body: ClockBody, request_id: RequestId = None) -> Any:
    """Forward only; runs what falls due on the way, then answers. Roles: system_admin."""
    command = MoveClock(now=body.now)
    return codec.dump(edge.perform(secret, command, key=None, request_id=request_id or ""))


@router.get("/node", operation_id="get_node", summary="What this node is", response_model=NodeInfo)
def get_node(edge: EdgeOf) -> Any:
    """Rehearsal (模拟环境) or production, which city, and what time the node has."""
    with edge.node.reading() as world:
        settings = world.seek(NodeSettings, NODE_ID)
        return NodeInfo(
            rehearsal=bool(settings and settings.rehearsal),
            city=settings.city if settings else "",
            now=edge.now(world),
        )
