"""One HTTP exchange with a pool: sent, answered, or lost, and nothing in between.

Owns what an exchange ends as, the total time one may take and the longest body. Whether to try
again is `client`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cloudmgr.domain.pools_interface import PREFIX

LONGEST_BODY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer below 500."""

    status: int
    body: bytes


class NotSent(Exception):
    """Nothing reached the pool, or it said that it did nothing."""


class Lost(Exception):
    """It was sent, and how it ended is not known: a time-out, a cut, a 5xx, an endless body."""


def escaped(id: str) -> str:
    """An id of the pool's as one part of a path."""
    return quote(id, safe="")


def exchange(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    now: Callable[[], float],
    total_seconds: float,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    query: Mapping[str, str | int] | None = None,
) -> Answer:
    """Send once and read the whole answer. `total_seconds` bounds answers that drip.

    Raises `NotSent` or `Lost`.
    """
    deadline = now() + total_seconds
    try:
        with http.stream(
            method, f"{PREFIX}{path}", headers=headers, json=body, params=query
        ) as answer:
            content = _read(answer, deadline, now)
            status = answer.status_code
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotSent(_why(error)) from error
    except httpx.HTTPError as error:
        raise Lost(_why(error)) from error
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise NotSent("it is asked too often (429)")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Lost(f"it answered {status}")
    return Answer(status, content)


def _read(answer: httpx.Response, deadline: float, now: Callable[[], float]) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > LONGEST_BODY_BYTES:
            raise Lost(f"its answer is longer than {LONGEST_BODY_BYTES} bytes")
        if now() > deadline:
            raise Lost("its answer takes too long")
    return bytes(content)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
