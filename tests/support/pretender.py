"""Something that answers HTTP where a node is expected, and says what it is told to say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.api import operations

CUT_OVER = "2025-12-31T16:00:00Z"
NODE = {"rehearsal": True, "city": "reference", "now": CUT_OVER}


def document() -> dict[str, Any]:
    """An OpenAPI document that names the routes of a node."""
    paths: dict[str, dict[str, Any]] = {}
    for name, (method, path) in operations().items():
        paths.setdefault(path, {})[method.lower()] = {"operationId": name}
    return {"paths": paths}


@dataclass
class Pretender:
    """Answers by path: JSON, or nothing at all (None: the connection is closed)."""

    answers: dict[str, Any] = field(default_factory=dict)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, pretender: Pretender, *rest: Any) -> None:
        self.pretender = pretender
        super().__init__(*rest)

    def do_GET(self) -> None:
        known = self.path in self.pretender.answers
        answer = self.pretender.answers.get(self.path)
        if known and answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = json.dumps(answer if known else {"hello": "world"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def pretending(**node: Any) -> Iterator[Pretender]:
    """A pretender with a node's routes; `node` changes what it says it is."""
    told = Pretender({"/openapi.json": document(), "/api/v1/node": {**NODE, **node}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, told))
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """A port of this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
