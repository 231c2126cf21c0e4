"""The edge: which node serves, what time it is, and who is asking. One commit per request.

Owns the two ways a secret arrives (a bearer token; a cookie with the proof that our own page sent
the command) and the patience with a busy database. What a secret stands for is `sessions`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from catalog.errors import CloudmgrError
from cloudmgr.api.sessions_oidc import SignOn
from cloudmgr.domain.access import READ, Actor, check_scope
from cloudmgr.domain.errors import password_change_due, unauthenticated
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.sessions import check_csrf
from cloudmgr.services.commands import HANDLERS, Command, Precondition, perform, perform_once
from cloudmgr.services.sessions import authenticate
from cloudmgr.services.sessions_tokens import COOKIE_SECRET
from cloudmgr.services.world import Node, World

T = TypeVar("T")

SESSION_COOKIE = "__Host-cloudmgr"
"""Browsers take it over TLS only, for the whole of this host and nothing beside it."""

PLAIN_COOKIE = "cloudmgr"
"""Its name where a node is reached without TLS: on the machine itself, or by setting."""

CSRF_HEADER = "X-CSRF-Token"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = ("127.0.0.1", "::1", "localhost")

RETRIES = 4
RETRY_SECONDS = 10.0
"""Deadlocks are told at once and worth another try; who waited longer than this is told `busy`."""

bearer = HTTPBearer(
    auto_error=False, description="A token from POST /api/v1/sessions or POST /api/v1/tokens"
)
cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    description=f"From POST /api/v1/sessions/cookie; commands also need {CSRF_HEADER}",
)


def machine_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Edge:
    """A node behind HTTP: its records, the clock it serves with, and the city's sign-on.

    `plain_http`: cookies go without TLS too. `webhook_loopback`: webhooks may be received on this
    machine. `sleep` is what waiting for a busy database is.
    """

    node: Node
    clock: Callable[[], datetime] = machine_clock
    plain_http: bool = False
    sign_on: SignOn | None = None
    webhook_loopback: bool = False
    sleep: Callable[[float], None] = time.sleep

    def now(self, world: World) -> datetime:
        """A rehearsal's own clock, else the machine's."""
        settings = world.seek(NodeSettings, NODE_ID)
        if settings is not None and settings.rehearsal and settings.clock is not None:
            return settings.clock
        return self.clock()

    def perform(
        self,
        secret: str,
        command: Command,
        *,
        key: str | None,
        request_id: str,
        precondition: Precondition | None = None,
    ) -> Any:
        """Authenticate, perform and commit one command."""

        def once(world: World) -> Any:
            now = self.now(world)
            actor = authenticate(world, secret, now)
            more: dict[str, Any] = {"request_id": request_id, "precondition": precondition}
            if key is None:
                return perform(world, command, actor, now, **more)
            return perform_once(world, command, actor, now, key=key, **more)

        return self.commit(once)

    def commit(self, work: Callable[[World], T]) -> T:
        """Do `work` in a transaction of its own, again when the database was busy: what stays
        inside a transaction has no effect outside when it fails. Raises `busy` in the end."""
        until = time.monotonic() + RETRY_SECONDS
        for attempt in range(1, RETRIES + 1):
            try:
                with self.node.transaction() as world:
                    return work(world)
            except CloudmgrError as error:
                last = attempt == RETRIES or time.monotonic() >= until
                if error.code != "busy" or last:
                    raise
            self.sleep(random.uniform(0.01, 0.05) * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def reading(
        self, secret: str, before: type[Command] | None = None
    ) -> Iterator[tuple[World, Actor, datetime]]:
        """A world to read from on behalf of whoever holds the token; `before` is the command that
        the look is the first step of, for whoever may give that."""
        with self.node.reading() as world:
            now = self.now(world)
            actor = authenticate(world, secret, now)
            if before is not None:
                HANDLERS[before].authorise(actor)
            elif actor.password_due:
                raise password_change_due()
            else:
                check_scope(actor, READ)
            yield world, actor, now

    def cookie_name(self, request: Request) -> str:
        """The session cookie's name as this request's browser keeps it."""
        return PLAIN_COOKIE if self.unprotected(request) else SESSION_COOKIE

    def unprotected(self, request: Request) -> bool:
        """Whether a cookie may go without TLS: plain HTTP on the machine itself, or by setting."""
        if request.url.scheme != "http":
            return False
        return self.plain_http or request.url.hostname in LOOPBACK


def edge_of(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


EdgeOf = Annotated[Edge, Depends(edge_of)]


def secret_of(
    request: Request,
    edge: EdgeOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    _: Annotated[str | None, Depends(cookie)],
) -> str:
    """The secret that comes with a request; raises `unauthenticated` without one, before anything
    else is looked at, and `csrf_failed` for a command that a foreign page may have sent.

    A bearer token goes first: a browser adds cookies by itself, but never that header.
    """
    if credentials is not None:
        if credentials.credentials.startswith(COOKIE_SECRET):
            raise unauthenticated()
        return credentials.credentials
    secret = request.cookies.get(edge.cookie_name(request), "")
    if not secret.startswith(COOKIE_SECRET):
        raise unauthenticated()
    if request.method not in READS:
        check_csrf(secret, request.headers.get(CSRF_HEADER))
    return secret


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
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=400,
        description="The ETag of the record as it was read; a record changed since is left alone "
        "and the answer is 412.",
    ),
]
RequestId = Annotated[str | None, Header(alias="X-Request-Id", max_length=128)]
