"""Mishaps between a node and a pool that keeps its word: late, lost, cut, repeated, 5xx.

Owns what happens to a request on the way; drawn by seed, so the same requests meet the same
mishaps. What the pool itself does wrong is `lies`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from enum import StrEnum
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Failure(StrEnum):
    """What can happen to a request, and whether the pool has done it by then."""

    BUSY = "busy"  # 503, not done
    ERROR = "error"  # 500, done
    CUT_BEFORE = "cut-before"  # the connection ends, not done
    CUT = "cut"  # the connection ends, done
    LATE = "late"  # done, and answered after `late_seconds`
    HELD_UP = "held-up"  # arrives only after `late_seconds`, when the node may have asked already
    TWICE = "twice"  # done twice (a repeating proxy), answered once


class FailingWay:
    """Lets `percent` of the requests meet one of `kinds`; every answer waits `delay_seconds`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        percent: int,
        kinds: Sequence[Failure],
        seed: int,
        delay_seconds: float = 0.0,
        late_seconds: float = 2.0,
    ) -> None:
        self._app = app
        self._percent = percent
        self._kinds = tuple(kinds)
        self._chance = random.Random(seed)
        self._lock = Lock()
        self._delay_seconds = delay_seconds
        self._late_seconds = late_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        kind = self._drawn()
        if kind is Failure.BUSY:
            await _problem(send, 503, "busy", "nothing was done")
        elif kind is Failure.CUT_BEFORE:
            await _cut(send)
        elif kind is Failure.ERROR:
            await self._handle(scope, body)
            await _problem(send, 500, "error", "something broke after it was done")
        elif kind is Failure.CUT:
            await self._handle(scope, body)
            await _cut(send)
        else:
            if kind is Failure.TWICE:
                await self._handle(scope, body)
            if kind is Failure.HELD_UP:
                await asyncio.sleep(self._late_seconds)
            answer = await self._handle(scope, body)
            late = self._late_seconds if kind is Failure.LATE else 0.0
            await asyncio.sleep(self._delay_seconds + late)
            for message in answer:
                await send(message)

    def _drawn(self) -> Failure | None:
        with self._lock:
            if self._chance.randrange(100) >= self._percent:
                return None
            return self._chance.choice(self._kinds)

    async def _handle(self, scope: Scope, body: bytes) -> list[Message]:
        """Let the pool handle it to the end, whoever still listens."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        async def read() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(dict(scope), read, keep)
        return answer


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _problem(send: Send, status: int, code: str, detail: str) -> None:
    told = {"title": "Failed", "status": status, "code": code, "detail": detail}
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _cut(send: Send) -> None:
    """Promise a body and never send it: the server closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
