"""The live driver: every command is an HTTP request to a node in rehearsal mode.

It knows no path: the node's OpenAPI document names the route of each command by its operation id.
"""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Any, TypeVar

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import CloudmgrError, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from catalog.period import Month
from cloudmgr.cities.city import City
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.values import Value
from cloudmgr.services import codec
from cloudmgr.services.clock import MoveClock
from cloudmgr.services.commands import HANDLERS, Command, snake
from cloudmgr.services.files import UploadFile

V = TypeVar("V", bound=Value)
PAGE = 500
TIMEOUT_SECONDS = 120.0
_ERRORS: dict[int, type[CloudmgrError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}


class HttpDriver:
    """People of the city at a node's REST API, each with a bearer token of their own."""

    def __init__(self, url: str, password: str) -> None:
        """Raises `node_unreachable`, or `not_a_node` for something else that answers there."""
        self._url = url.rstrip("/")
        # Below the five seconds after which the server closes an idle connection itself.
        limits = httpx.Limits(keepalive_expiry=2.0)
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, limits=limits)
        self._password = password
        self._tokens: dict[str, str] = {}
        self._sent = 0
        self._routes = _routes(url, self._send("GET", "/openapi.json"))

    def close(self) -> None:
        self._client.close()

    def require_fresh(self, city: City) -> None:
        """Raises `not_a_rehearsal`, `other_city` or `already_played` unless the node is a
        rehearsal of the city that still stands at its cut-over."""
        told = self._json(self._send(*self._routes["get_node"]))
        make = f"make one with `cloudmgr init --city {city.id} --data DIR`"
        if not told["rehearsal"]:
            raise Conflict(
                "not_a_rehearsal",
                f"{self._url} is a production node; a play needs a rehearsal: {make}",
            )
        if told["city"] != city.id:
            raise Conflict(
                "other_city", f"{self._url} holds the city {told['city']!r}, not {city.id}; {make}"
            )
        if datetime.fromisoformat(told["now"]) > city.opens_at:
            raise Conflict(
                "already_played",
                f"the clock of {self._url} stands at {told['now']}, after the cut-over, and only "
                f"goes forward; {make}",
            )

    def perform(self, login: str, command: Command) -> Any:
        handler = HANDLERS[type(command)]
        method, path = self._routes[handler.name]
        body = codec.dump(command)
        names = re.findall(r"{(\w+)}", path)
        filled = path.format(**{name: body.pop(name) for name in names})
        self._sent += 1
        sent: dict[str, Any] = {"json": body or None}
        if isinstance(command, UploadFile):  # the one command that is sent as a form
            sent = {
                "files": {"file": (command.name, command.data)},
                "data": {"organisation_id": command.organisation_id},
            }
        answer = self._send(
            method,
            filled,
            **sent,
            headers={**self._as(login), "Idempotency-Key": f"{handler.name}-{self._sent:08d}"},
        )
        return codec.adapter(handler.result).validate_python(self._json(answer))

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        _, path = self._routes[f"list_{snake(kind.__name__)}"]
        found: list[V] = []
        cursor: str | None = None
        while True:
            query: dict[str, str | int] = {**where, "limit": PAGE}
            if cursor:
                query["cursor"] = cursor
            answer = self._json(self._send("GET", path, params=query, headers=self._as(login)))
            found.extend(codec.load(kind, item) for item in answer["items"])
            cursor = answer["next_cursor"]
            if cursor is None:
                return tuple(found)

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        body = io.BytesIO()
        pq.write_table(rows, body, compression="snappy")
        method, path = self._routes["ingest_usage"]
        answer = self._send(
            method,
            path.format(pool_id=pool_id, batch_id=batch_id),
            content=body.getvalue(),
            headers={**self._as(login), "Content-Type": "application/vnd.apache.parquet"},
        )
        return codec.load(UsageBatch, self._json(answer))

    def close_month(self, login: str, month: Month) -> None:
        method, path = self._routes["close_period"]
        self._json(self._send(method, path.format(month=month), headers=self._as(login)))

    def move_clock(self, login: str, to: datetime) -> None:
        method, path = self._routes[snake(MoveClock.__name__)]
        body = {"now": to.isoformat()}
        self._json(self._send(method, path, json=body, headers=self._as(login)))

    def audit_events(self, login: str) -> int:
        _, path = self._routes["list_audit_event"]
        count = 0
        while True:
            query = {"after": count, "limit": 1000}
            events = self._json(self._send("GET", path, params=query, headers=self._as(login)))
            if not events:
                return count
            count = events[-1]["sequence"]

    def _as(self, login: str) -> dict[str, str]:
        if login not in self._tokens:
            method, path = self._routes["log_in"]
            body = {"login": login, "password": self._password}
            self._tokens[login] = self._json(self._send(method, path, json=body))["token"]
        return {"Authorization": f"Bearer {self._tokens[login]}"}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; raises `node_unreachable` when no answer comes back."""
        try:
            return self._client.request(method, self._url + path, **options)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise CloudmgrError(
                "node_unreachable",
                f"{self._url} gave no answer to {method} {path} ({why}); see that the node runs "
                "(`cloudmgr serve --data DIR`) and that the URL is right, then play on a fresh one",
            ) from error

    def _json(self, answer: httpx.Response) -> Any:
        """The body of a good answer; a problem becomes the error it stands for."""
        if answer.is_success:
            return answer.json()
        try:
            told = answer.json()
            code, detail = str(told["code"]), str(told["detail"])
        except (ValueError, KeyError, TypeError):
            code, detail = "bad_answer", f"the node answered {answer.status_code} without a problem"
        kind = _ERRORS.get(answer.status_code, CloudmgrError)
        raise kind(code, detail)


def _routes(url: str, answer: httpx.Response) -> dict[str, tuple[str, str]]:
    """Operation id -> (method, path) of a node's OpenAPI document."""
    try:
        found = {
            operation["operationId"]: (method.upper(), path)
            for path, operations in answer.json()["paths"].items()
            for method, operation in operations.items()
            if "operationId" in operation
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        found = {}
    if "move_clock" not in found:
        raise Invalid(
            "not_a_node",
            f"{url}/openapi.json does not describe a node; give the address `cloudmgr serve` told, "
            "without a path",
        )
    return found
