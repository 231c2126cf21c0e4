"""What a worker needs to reach pools: their clients, with the tokens read when they are needed.

Owns credentials on the way from the secrets folder to a header. The token of a pool is the content
of `<folder>/<credential>`; it is read again for every client, so a new token needs no restart, and
it stands in no record and no message.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from catalog.errors import Invalid
from cloudmgr.domain.pools_connection import CREDENTIAL_PATTERN, PoolConnection
from cloudmgr.pools.breaker import Breaker
from cloudmgr.pools.client import Patience, PoolClient

CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one exchange may take, how often it is tried in one go, how long the end of an
    order is waited for in that go, and after how many seconds it is asked for again.

    An order is at most a question, an order and a look at the resource, each tried `attempts`
    times: a lease must be longer than that.
    """

    exchange_seconds: float = 10.0
    attempts: int = 2
    wait_seconds: float = 2.0
    poll_seconds: int = 5
    longest_poll_seconds: int = 60


class Pools:
    """Every pool by its connection; safe for many threads."""

    def __init__(self, secrets: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._secrets = secrets
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()

    @contextmanager
    def client(self, connection: PoolConnection) -> Iterator[PoolClient]:
        """A client for one piece of work; what failed before is remembered by address."""
        seconds = self.limits.exchange_seconds
        timeout = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        headers = self._headers(connection)
        with httpx.Client(base_url=connection.url, headers=headers, timeout=timeout) as http:
            yield PoolClient(
                http,
                sleep=time.sleep,
                now=time.monotonic,
                jitter=random.random,
                patience=Patience(attempts=self.limits.attempts, total_seconds=seconds),
                breaker=self._breaker(connection.url),
            )

    def _headers(self, connection: PoolConnection) -> dict[str, str]:
        name = connection.credential
        if not name:
            return {}
        if not re.fullmatch(CREDENTIAL_PATTERN, name):
            raise _no_credential(name)
        try:
            token = (self._secrets / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise _no_credential(name) from error
        return {"Authorization": f"Bearer {token}"}

    def _breaker(self, url: str) -> Breaker:
        with self._lock:
            if url not in self._breakers:
                self._breakers[url] = Breaker(time.monotonic)
            return self._breakers[url]


def _no_credential(name: str) -> Invalid:
    return Invalid(
        "no_credential", f"the secrets folder has no readable file {name!r}; put the token there"
    )
