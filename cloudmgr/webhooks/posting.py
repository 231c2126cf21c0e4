"""One POST to an address that somebody else chose, bounded in time and size.

Owns the exchange. The name is looked up here, every address it leads to is checked, and the
connection is made to the checked one, so that a name cannot lead elsewhere in between. A redirect
is an answer like any other; it is not followed. No proxy is used.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore

from catalog.errors import CloudmgrError
from cloudmgr.domain.webhooks import Answer, check_address, check_url

READ_AT_MOST = 4096
"""Bytes of an answer that are read, for its first line of text: receivers say little."""

SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLimits:
    """How long one attempt may take, whatever the receiver does; whether it may stand on this
    machine."""

    total_seconds: float = 10.0
    loopback: bool = False


def post(url: str, headers: Mapping[str, str], body: str, limits: PostLimits) -> Answer:
    """What the receiver answered, or why nothing came; it never raises for the receiver's sake."""
    until = time.monotonic() + limits.total_seconds
    try:
        check_url(url, loopback=limits.loopback)
        backend = _Bounded(until, limits.loopback)
        with httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=backend, retries=0
        ) as pool:
            return _exchange(pool, url, headers, body)
    except CloudmgrError as error:
        return Answer(None, error.message)
    except (httpcore.TimeoutException, TimeoutError):
        return Answer(None, f"no answer within {limits.total_seconds:g} seconds")
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        return Answer(None, f"no answer: {error}" if str(error) else "no answer")


def _exchange(
    pool: httpcore.ConnectionPool, url: str, headers: Mapping[str, str], body: str
) -> Answer:
    named = [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
    named.append((b"Connection", b"close"))
    with pool.stream("POST", url, headers=named, content=body.encode()) as response:
        if 200 <= response.status < 300:
            return Answer(response.status)
        told = _text(response.iter_stream())
    problem = f"it answered {response.status}"
    return Answer(response.status, f"{problem}: {told}" if told else problem)


def _text(chunks: Iterable[bytes]) -> str:
    """The beginning of an answer as one line that is safe to show."""
    read = b""
    for chunk in chunks:
        read += chunk[: READ_AT_MOST - len(read)]
        if len(read) >= READ_AT_MOST:
            break
    line = " ".join(read.decode("utf-8", "replace").split())
    return "".join(each for each in line if each.isprintable())[:SHOWN]


class _Bounded(httpcore.SyncBackend):
    """Connects to checked addresses only, and does nothing after the end of its time."""

    def __init__(self, until: float, loopback: bool) -> None:
        self._until = until
        self._loopback = loopback

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        for address in addresses:
            check_address(address, loopback=self._loopback)
        for address in addresses[:-1]:
            try:
                return self._connected(address, port)
            except httpcore.NetworkError:
                continue  # a name may lead to several; the last one's failure is told
        return self._connected(addresses[-1], port)

    def _connected(self, address: str, port: int) -> httpcore.NetworkStream:
        stream = super().connect_tcp(address, port, _left(self._until))
        return _Stream(stream, self._until)


class _Stream(httpcore.NetworkStream):
    """A connection that ends at an instant, also when bytes keep dripping in."""

    def __init__(self, inner: httpcore.NetworkStream, until: float) -> None:
        self._inner = inner
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._until))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, _left(self._until))
        return _Stream(inner, self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(until: float, now: Callable[[], float] = time.monotonic) -> float:
    """Seconds that are left; raises TimeoutError when none are."""
    left = until - now()
    if left <= 0:
        raise TimeoutError
    return left
