"""The adapter to a pool over HTTP: asks, orders, and never guesses what became of an order.

Owns retries and the reconciliation after a lost answer. Waiting, chance and time are handed in;
values and their rules are `domain.pools_interface`, one exchange is `exchange`.

An order goes like this: it is sent under its key. When the answer is lost, the pool is first asked
for the operation of that key. Only when it says that none arrived is the order sent again, under
the same key, so that even an order delayed on the way is done once. When the pool cannot be asked,
`PoolAnswerUnknown` is raised, and the caller holds everything and calls again later with the same
key and `sent_before`: that call begins by asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

import httpx

from cloudmgr.domain.pools_interface import (
    KEY_HEADER,
    LIMIT_ITEMS,
    UNKNOWN_CODE,
    OccurrencePage,
    OrderAction,
    PoolHealth,
    PoolInventory,
    PoolOccurrence,
    PoolOperation,
    PoolProblem,
    PoolResource,
    ProvisionOrder,
    ResizeOrder,
    ResourcePage,
    UsageFile,
    UsagePage,
    good_key,
)
from cloudmgr.pools import interface
from cloudmgr.pools.breaker import Breaker
from cloudmgr.pools.errors import (
    PoolBrokeInterface,
    PoolRefused,
    answer_unknown,
    broke_interface,
    circuit_open,
    refused,
    unreachable,
)
from cloudmgr.pools.exchange import Answer, Lost, NotSent, escaped, exchange

T = TypeVar("T")

_REFUSES_THE_ORDER = (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often: `attempts` counts the first; `total_seconds` bounds one exchange."""

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0
    total_seconds: float = 30.0

    def wait_seconds(self, failures: int, chance: float) -> float:
        """After `failures` in a row: doubling, capped, then between half of it and all of it."""
        full = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (failures - 1))
        return full * (0.5 + chance / 2)


class PoolClient:
    """One pool. `http` carries its address, token and time-outs; safe for many threads.

    `sleep(seconds)`, `now()` (seconds, never back) and `jitter()` (0 ≤ x < 1) are the edge's.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        sleep: Callable[[float], None],
        now: Callable[[], float],
        jitter: Callable[[], float],
        patience: Patience | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._http = http
        self._sleep = sleep
        self._now = now
        self._jitter = jitter
        self._patience = patience or Patience()
        self._breaker = breaker or Breaker(now)
        self.where = f"the pool at {http.base_url}"

    # --- reading -------------------------------------------------------------------------

    def health(self) -> PoolHealth:
        return self._get(PoolHealth, "/health")

    def inventory(self) -> PoolInventory:
        return self._get(PoolInventory, "/inventory")

    def resource(self, resource_id: str) -> PoolResource | None:
        """None once it is released."""
        return self._seek(PoolResource, f"/resources/{escaped(resource_id)}")

    def resources(self) -> tuple[PoolResource, ...]:
        """Everything the pool has for us."""
        return tuple(self._pages(ResourcePage, "/resources", {}))

    def usage(self, from_day: date | None = None) -> tuple[UsageFile, ...]:
        """The published batches that begin on `from_day` (Asia/Shanghai) or later."""
        query = {"from_day": from_day.isoformat()} if from_day else {}
        return tuple(self._pages(UsagePage, "/usage", query))

    def usage_content(self, file: UsageFile) -> bytes:
        """The bytes of a batch, held to the size and digest it was listed with."""
        path = f"/usage/{escaped(file.id)}"
        body = self._retried(path, {}, lambda answer: self._body(path, answer))
        digest = hashlib.sha256(body).hexdigest()
        if len(body) != file.size_bytes or digest != file.sha256:
            raise broke_interface(
                self.where, f"batch {file.id} is not what was listed (now {digest})"
            )
        return body

    def incidents(self, since: datetime | None = None) -> tuple[PoolOccurrence, ...]:
        """Incidents and alarms that changed at `since` or later."""
        query = {"since": since.isoformat()} if since else {}
        return tuple(self._pages(OccurrencePage, "/incidents", query))

    def operation_of_key(self, key: str) -> PoolOperation | None:
        """What became of the order under `key`; None: none has arrived."""
        found = self._seek(PoolOperation, f"/keys/{good_key(key)}/operation")
        if found is not None and found.key != key:
            raise broke_interface(self.where, f"asked for key {key}, it told of {found.key}")
        return found

    # --- orders --------------------------------------------------------------------------

    def provision(self, key: str, order: ProvisionOrder, *, sent_before: bool) -> PoolOperation:
        """Order a resource. `sent_before` whenever an earlier call under this key may have sent it.

        Raises `PoolRefused` or `PoolUnreachable` (nothing was done), or `PoolAnswerUnknown`.
        """
        body = interface.write(order)
        return self._order(key, "/resources", body, OrderAction.PROVISION, doubt=sent_before)

    def resize(
        self, key: str, resource_id: str, order: ResizeOrder, *, sent_before: bool
    ) -> PoolOperation:
        """Order another size; as `provision`."""
        path, body = f"/resources/{escaped(resource_id)}/resize", interface.write(order)
        return self._order(key, path, body, OrderAction.RESIZE, doubt=sent_before)

    def release(self, key: str, resource_id: str, *, sent_before: bool) -> PoolOperation:
        """Order the end of a resource; as `provision`."""
        path = f"/resources/{escaped(resource_id)}/release"
        return self._order(key, path, None, OrderAction.RELEASE, doubt=sent_before)

    def settled(self, key: str, *, within_seconds: float, every_seconds: float) -> PoolOperation:
        """Ask until the operation has ended; raises `PoolAnswerUnknown` when it has not in time."""
        until = self._now() + within_seconds
        while True:
            found = self.operation_of_key(key)
            if found is not None and found.status.final:
                return found
            if self._now() >= until:
                state = found.status if found else "not known there"
                raise answer_unknown(self.where, key, f"it is still {state}")
            self._sleep(every_seconds)

    # --- how an order is sent ------------------------------------------------------------

    def _order(
        self, key: str, path: str, body: Any, action: OrderAction, *, doubt: bool
    ) -> PoolOperation:
        """Send, and ask before sending again; `doubt` is that it may have arrived already."""
        headers, why = {KEY_HEADER: good_key(key)}, ""
        for failures in range(self._patience.attempts):
            self._wait(failures)
            if not self._breaker.admit():
                if doubt:
                    raise answer_unknown(self.where, key, why or "it is left alone for a while")
                raise circuit_open(self.where)
            try:
                with self._counted():
                    if doubt and (known := self._asked(key, action)) is not None:
                        return known
                    answer = self._exchange("POST", path, headers=headers, body=body)
                    return self._accepted(answer, key, action)
            except NotSent as error:
                why = str(error)
            except Lost as error:
                doubt, why = True, str(error)
            except PoolBrokeInterface as error:
                doubt, why = True, error.message
            except PoolRefused as error:
                # In doubt, only a refusal of the order itself tells that it was not done.
                if doubt and error.details["pool_status"] not in _REFUSES_THE_ORDER:
                    raise answer_unknown(self.where, key, error.message) from error
                raise
        if doubt:
            raise answer_unknown(self.where, key, why)
        raise unreachable(self.where, why)

    def _asked(self, key: str, action: OrderAction) -> PoolOperation | None:
        """One question for the operation of a key, without retries of its own."""
        answer = self._exchange("GET", f"/keys/{key}/operation")
        try:
            operation = self._value(PoolOperation, answer, "/keys")
        except PoolRefused as error:
            if _unknown(error):
                return None
            raise answer_unknown(self.where, key, error.message) from error
        return self._own(operation, key, action)

    def _accepted(self, answer: Answer, key: str, action: OrderAction) -> PoolOperation:
        operation = self._value(PoolOperation, answer, "the order", status=httpx.codes.ACCEPTED)
        return self._own(operation, key, action)

    def _own(self, operation: PoolOperation, key: str, action: OrderAction) -> PoolOperation:
        if (operation.key, operation.action) != (key, action):
            raise broke_interface(
                self.where,
                f"asked about {action} {key}, it told of {operation.action} {operation.key}",
            )
        return operation

    # --- how something is read -----------------------------------------------------------

    def _get(self, kind: type[T], path: str, query: dict[str, str | int] | None = None) -> T:
        return self._retried(path, query or {}, lambda answer: self._value(kind, answer, path))

    def _seek(self, kind: type[T], path: str) -> T | None:
        try:
            return self._get(kind, path)
        except PoolRefused as error:
            if _unknown(error):
                return None
            raise

    def _pages(self, kind: Any, path: str, query: dict[str, str]) -> Iterator[Any]:
        cursor, seen = None, set[str]()
        while True:
            asked: dict[str, str | int] = {**query, "limit": LIMIT_ITEMS}
            if cursor is not None:
                asked["cursor"] = cursor
            page = self._get(kind, path, asked)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise broke_interface(self.where, f"{path} comes back to cursor {cursor!r}")
            seen.add(cursor)

    def _retried(self, path: str, query: dict[str, str | int], value: Callable[[Answer], T]) -> T:
        """Reading changes nothing, so whatever failed is simply asked again."""
        why, broken = "", None
        for failures in range(self._patience.attempts):
            self._wait(failures)
            if not self._breaker.admit():
                raise circuit_open(self.where)
            try:
                with self._counted():
                    return value(self._exchange("GET", path, query=query))
            except (NotSent, Lost) as error:
                why, broken = str(error), None
            except PoolBrokeInterface as error:
                broken = error
        raise broken or unreachable(self.where, why)

    # --- both ----------------------------------------------------------------------------

    def _exchange(self, method: str, path: str, **more: Any) -> Answer:
        seconds = self._patience.total_seconds
        return exchange(self._http, method, path, now=self._now, total_seconds=seconds, **more)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Tell the breaker how it went; a refusal is a pool that works."""
        try:
            yield
        except (NotSent, Lost, PoolBrokeInterface):
            self._breaker.failed()
            raise
        except PoolRefused:
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()

    def _value(self, kind: type[T], answer: Answer, path: str, *, status: int = 200) -> T:
        body = self._body(path, answer, status=status)
        return interface.read(kind, body, f"{self.where} {path}")

    def _body(self, path: str, answer: Answer, *, status: int = 200) -> bytes:
        if answer.status == status:
            return answer.body
        if answer.status >= httpx.codes.BAD_REQUEST:
            told = interface.read(PoolProblem, answer.body, f"{self.where} {path}")
            raise refused(self.where, answer.status, told.code, told.detail)
        raise broke_interface(self.where, f"{path} answered {answer.status} instead of {status}")

    def _wait(self, failures: int) -> None:
        if failures:
            self._sleep(self._patience.wait_seconds(failures, self._jitter()))


def _unknown(error: PoolRefused) -> bool:
    told = error.details["pool_status"], error.details["pool_code"]
    return told == (httpx.codes.NOT_FOUND, UNKNOWN_CODE)
