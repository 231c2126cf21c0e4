"""How the suite talks to a pool: one exchange at a time, no retries, everything written down.

Owns the evidence, the throw-away names of a run and waiting for an order. What is asked is
`monitoring` and `scheduling`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.pools_interface import (
    KEY_HEADER,
    LIMIT_ITEMS,
    UNKNOWN_CODE,
    OperationStatus,
    PoolOperation,
    PoolProblem,
    PoolResource,
    ProvisionOrder,
    ResourcePage,
    UsageFile,
)
from cloudmgr.pools import interface
from cloudmgr.pools.conformance.report import Exchange
from cloudmgr.pools.errors import PoolBrokeInterface
from cloudmgr.pools.exchange import Answer, Lost, NotSent, escaped, exchange

T = TypeVar("T")
SHOWN_CHARACTERS = 2000


class CheckFailed(Exception):
    """The pool does not do what the check asks; the text says what it did."""


class CheckBlocked(Exception):
    """There is nothing to look at; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """One run: `run_id` names its throw-away resources; the rest bounds its waiting."""

    run_id: str
    sku_id: str = "vm-x86-1c2g"
    zone: Zone = Zone.EXTRANET
    patience_seconds: float = 60.0
    every_seconds: float = 0.5
    exchange_seconds: float = 30.0

    @property
    def reference(self) -> str:
        return f"conformance-{self.run_id}"


@dataclass(slots=True)
class Findings:
    """What earlier checks learned for later ones."""

    operation: PoolOperation | None = None
    resource: PoolResource | None = None
    file: UsageFile | None = None
    content: bytes = b""
    keys: list[str] = field(default_factory=list)


class Probe:
    """One pool under test."""

    def __init__(
        self,
        http: httpx.Client,
        settings: RunSettings,
        *,
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self._http = http
        self.settings = settings
        self._sleep = sleep
        self._now = now
        self.found = Findings()
        self.exchanges: list[Exchange] = []

    # --- exchanges -----------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Any = None,
        query: dict[str, str | int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One exchange; no answer fails the check."""
        told = {**(headers or {}), **({KEY_HEADER: key} if key else {})}
        try:
            answer = exchange(
                self._http,
                method,
                path,
                now=self._now,
                total_seconds=self.settings.exchange_seconds,
                headers=told,
                body=body,
                query=query,
            )
        except (NotSent, Lost) as error:
            self._note(method, path, query, key, body, 0, str(error))
            raise CheckFailed(f"{method} {path} got no answer: {error}") from error
        shown = answer.body[: SHOWN_CHARACTERS * 2].decode(errors="replace")
        self._note(method, path, query, key, body, answer.status, shown)
        return answer

    def read(self, kind: type[T], path: str, **query: str | int) -> T:
        """A value of the interface, from a 200."""
        return self.value(kind, self.send("GET", path, query=query or None), 200)

    def value(self, kind: type[T], answer: Answer, status: int) -> T:
        """The value in an answer of that status; anything else fails the check."""
        if answer.status != status:
            raise CheckFailed(f"it answered {answer.status} instead of {status}")
        try:
            return interface.read(kind, answer.body, "the pool")
        except PoolBrokeInterface as error:
            raise CheckFailed(error.message) from error

    def refused(self, answer: Answer, status: int, code: str) -> None:
        """Fail unless the answer is that refusal."""
        problem = self.value(PoolProblem, answer, status)
        if problem.code != code:
            raise CheckFailed(f"the refusal's code is {problem.code!r} instead of {code!r}")

    # --- orders --------------------------------------------------------------------------

    def order(self, *, factor: int = 1) -> ProvisionOrder:
        """The smallest throw-away resource, or `factor` of it."""
        return ProvisionOrder(
            reference=self.settings.reference,
            sku_id=self.settings.sku_id,
            quantity=factor,
            amounts=(
                ResourceAmount(ResourceClass.VCPU, factor),
                ResourceAmount(ResourceClass.MEMORY_MIB, 2048 * factor),
            ),
            zone=self.settings.zone,
        )

    def key(self, name: str) -> str:
        """A key of this run, remembered so that what is under way at the end is named."""
        key = f"{self.settings.reference}.{name}"
        if key not in self.found.keys:
            self.found.keys.append(key)
        return key

    def ended(self, key: str) -> PoolOperation:
        """Ask for the operation of a key until it has ended; fails when patience does."""
        until = self._now() + self.settings.patience_seconds
        while True:
            operation = self.read(PoolOperation, f"/keys/{key}/operation")
            if operation.status.final:
                return operation
            if self._now() >= until:
                raise CheckFailed(
                    f"it is still {operation.status} after {self.settings.patience_seconds:g} s"
                )
            self.pause()

    def succeeded(self, key: str) -> PoolOperation:
        """The operation of a key, ended well and with a resource."""
        operation = self.ended(key)
        if operation.status is not OperationStatus.SUCCEEDED:
            raise CheckFailed(f"it failed with {operation.code}: {operation.detail}")
        if not operation.resource_id:
            raise CheckFailed("it succeeded and names no resource_id")
        return operation

    def pause(self) -> None:
        self._sleep(self.settings.every_seconds)

    def resource(self, id: str) -> PoolResource | None:
        """One resource, None after its release."""
        answer = self.send("GET", f"/resources/{escaped(id)}")
        if answer.status == httpx.codes.NOT_FOUND:
            self.refused(answer, httpx.codes.NOT_FOUND, UNKNOWN_CODE)
            return None
        return self.value(PoolResource, answer, 200)

    def resources(self, limit: int = LIMIT_ITEMS) -> tuple[PoolResource, ...]:
        """All resources, in pages of `limit`."""
        found: list[PoolResource] = []
        query: dict[str, str | int] = {"limit": limit}
        seen = set[str]()
        while True:
            page = self.read(ResourcePage, "/resources", **query)
            found += page.items
            if page.next_cursor is None:
                return tuple(found)
            if page.next_cursor in seen:
                raise CheckFailed(f"the list comes back to cursor {page.next_cursor!r}")
            seen.add(page.next_cursor)
            query["cursor"] = page.next_cursor

    def _note(
        self,
        method: str,
        path: str,
        query: dict[str, str | int] | None,
        key: str | None,
        body: Any,
        status: int,
        received: str,
    ) -> None:
        asked = "&".join(f"{name}={value}" for name, value in (query or {}).items())
        self.exchanges.append(
            Exchange(
                method=method,
                path=f"{path}?{asked}" if asked else path,
                key=key,
                sent="" if body is None else json.dumps(body, ensure_ascii=False),
                status=status,
                received=received[:SHOWN_CHARACTERS],
            )
        )
