"""A node's REST API as tests call it: in process, one request at a time, people by their login.

Owns the loop the application runs in and the tokens people hold. What is asked of the node is each
test's own.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from cloudmgr.api.edge import Edge
from cloudmgr.app import create_app
from cloudmgr.domain.parties import Token, User
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.sessions import token_id
from cloudmgr.services.world import Node, World

T = TypeVar("T")

PASSWORD = "rehearsal-2026"
"""What everybody in the reference city signs in with."""

PROBLEM = "application/problem+json"


@cache
def application() -> FastAPI:
    """The application, made once: its routes and their document take a second to work out."""
    return create_app(Edge(MemoryNode()))


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Operation id -> (method, path) of every route in the OpenAPI document."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in application().openapi()["paths"].items()
        for method, operation in methods.items()
    }


def give_tokens(world: World, now: datetime) -> None:
    """Everybody a token that holds for years, as `Api` sends it: hashing passwords takes long."""
    world.put_many(
        Token(
            id=token_id(secret_of(user.login)),
            user_id=user.id,
            label="test",
            created_at=now,
            expires_at=now + timedelta(days=3660),
        )
        for user in world.find(User)
    )


class Api:
    """Requests to the application on one node; `login` names who asks, None is nobody."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.edge = Edge(node)
        self._runner = asyncio.Runner()
        # The node's own answer to an unexpected error is what a client sees, not the exception.
        transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://node")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self.client.aclose())
        self._runner.close()

    def request(
        self, method: str, path: str, login: str | None = None, **more: Any
    ) -> httpx.Response:
        """One request; paths without a leading slash stand under /api/v1."""
        application().state.edge = self.edge
        url = path if path.startswith("/") else f"/api/v1/{path}"
        headers = {**(bearer(secret_of(login)) if login else {}), **more.pop("headers", {})}
        return self.run(self.client.request(method, url, headers=headers, **more))

    def run(self, sent: Coroutine[Any, Any, T]) -> T:
        """Send something with the client as it is, in the loop the application runs in."""
        return self._runner.run(sent)

    def get(self, path: str, login: str | None = None, /, **query: Any) -> httpx.Response:
        return self.request("GET", path, login, params=query or None)

    def post(
        self, path: str, login: str | None = None, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.request("POST", path, login, json=body, headers=headers)

    def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("sessions", body={"login": login, "password": password})

    def give(
        self,
        operation: str,
        login: str | None,
        body: Any = None,
        *,
        key: str | None = None,
        **ids: str,
    ) -> httpx.Response:
        """Give a command by its operation id, at whatever path it stands."""
        method, path = operations()[operation]
        headers = {"Idempotency-Key": key} if key else {}
        return self.request(method, filled(path, **ids), login, json=body, headers=headers)

    def items(self, path: str, login: str | None, /, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = done(self.get(path, login, **query))
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]


def filled(path: str, **ids: str) -> str:
    """A path of the OpenAPI document with its ids, percent-encoded but for their slashes."""
    return re.sub(r"{(\w+)}", lambda name: quote(ids[name[1]]), path)


def done(answer: httpx.Response) -> Any:
    """The body of a good answer; anything else fails with what was told."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return json.loads(answer.text, parse_float=_float)


def _float(text: str) -> NoReturn:
    """Nothing a node tells is a binary fraction: money is text, quantities are whole."""
    raise AssertionError(f"{text} is a float")


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of a refusal, checked for its status, its code and the shape of RFC 9457."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["detail"]
    assert problem["title"]
    assert problem["type"] == "about:blank"
    return problem


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def secret_of(login: str) -> str:
    """The token that `give_tokens` gave somebody."""
    return f"token-of-{login}"
