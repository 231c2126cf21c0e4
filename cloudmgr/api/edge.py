"""The edge: which node serves, what time it is, and who is asking. One commit per request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloudmgr.domain.access import Actor
from cloudmgr.domain.errors import unauthenticated
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.services.commands import Command, perform, perform_once
from cloudmgr.services.sessions import authenticate
from cloudmgr.services.world import Node, World

bearer = HTTPBearer(auto_error=False, description="A token from POST /api/v1/sessions")


def machine_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Edge:
    """A node behind HTTP: its records and the clock it serves with."""

    node: Node
    clock: Callable[[], datetime] = machine_clock

    def now(self, world: World) -> datetime:
        """A rehearsal's own clock, else the machine's."""
        settings = world.seek(NodeSettings, NODE_ID)
        if settings is not None and settings.rehearsal and settings.clock is not None:
            return settings.clock
        return self.clock()

    def perform(self, secret: str, command: Command, *, key: str | None, request_id: str) -> Any:
        """Authenticate, perform and commit one command."""
        with self.node.transaction() as world:
            now = self.now(world)
            actor = authenticate(world, secret, now)
            if key is None:
                return perform(world, command, actor, now, request_id=request_id)
            return perform_once(world, command, actor, now, key=key, request_id=request_id)

    @contextmanager
    def reading(self, secret: str) -> Iterator[tuple[World, Actor, datetime]]:
        """A world to read from on behalf of whoever holds the token."""
        with self.node.reading() as world:
            now = self.now(world)
            yield world, authenticate(world, secret, now), now


def edge_of(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


def secret_of(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str:
    """The bearer token; raises `unauthenticated` without one, before anything else is looked at."""
    if credentials is None:
        raise unauthenticated()
    return credentials.credentials


EdgeOf = Annotated[Edge, Depends(edge_of)]
SecretOf = Annotated[str, Depends(secret_of)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=128,
        description="Repeat a command safely: the same key and body answer as before.",
    ),
]
RequestId = Annotated[str | None, Header(alias="X-Request-Id", max_length=128)]
