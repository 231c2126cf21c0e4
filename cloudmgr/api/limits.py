"""How large a request's body may be: no command needs more than a page of text, readings do.

Owns refusing what is larger before it is held in memory, whoever sent it.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmgr.api.problems import problem
from cloudmgr.domain.files import MAX_FILE_BYTES

MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 256 * 1024 * 1024
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024  # the file and what a form puts around it
_BATCH = re.compile(r"/api/v1/pools/[^/]+/usage-batches/[^/]+")


class BodyLimit:
    """Middleware: a body that says it is too large is not read, one that proves so not further."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["method"], scope["path"])
        why = f"a body here has at most {limit} bytes; send it in parts"
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            await problem(413, "too_large", why)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, why)
            return message

        await self._app(scope, counted, send)


def _limit(method: str, path: str) -> int:
    if method == "PUT" and _BATCH.fullmatch(path):
        return MAX_BATCH_BYTES
    return MAX_FORM_BYTES if (method, path) == ("POST", "/api/v1/files") else MAX_BODY_BYTES
