"""A real OIDC provider as a process of its own, and the browser that a person signs on with."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from tests.support.served import free_port

START_SECONDS = 60.0


@contextmanager
def a_provider(folder: Path, port: int, *options: str) -> Iterator[str]:
    """The issuer of a provider that vouches for whoever says who they are."""
    issuer = f"http://127.0.0.1:{port}"
    with (folder / f"provider-{port}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *options],
            stdout=log,
            stderr=log,
            env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(issuer):
            assert process.poll() is None, "the provider has ended"
            assert time.monotonic() < until, "the provider does not answer"
            time.sleep(0.1)
        yield issuer
    finally:
        process.kill()
        process.wait()


def _answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=5).is_success
    except httpx.TransportError:
        return False


class Browser:
    """Follows a sign-on step by step, so that a test can change what is on the way."""

    def __init__(self, node: str) -> None:
        self.node = node
        # No connection is kept, so that none is left behind.
        self.client = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))

    def begin(self, **query: str) -> str:
        """Where the node sends the browser."""
        answer = self.client.get(f"{self.node}/api/v1/sessions/sign-on", params=query)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def vouch(self, url: str, subject: str) -> str:
        """The person says who they are at the provider; where it sends the browser back to."""
        answer = self.client.post(url, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def come_back(self, url: str) -> httpx.Response:
        return self.client.get(url)

    def sign_on(self, subject: str, **query: str) -> httpx.Response:
        return self.come_back(self.vouch(self.begin(**query), subject))

    def me(self) -> httpx.Response:
        return self.client.get(f"{self.node}/api/v1/me")


def changed(url: str, **query: str) -> str:
    """A URL with other values in its query."""
    parts = urlsplit(url)
    asked: dict[str, Any] = {**dict(parse_qsl(parts.query)), **query}
    return urlunsplit(parts._replace(query=urlencode(asked)))


__all__ = ["Browser", "a_provider", "changed", "free_port"]
