"""The published document of the pool interface, and the routes it is generated from.

Owns paths, statuses and words. A pool written in Python can serve these very routes by handing in
a `PoolServer`; any other is held to the document by `conformance`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, FastAPI, Header, Path, Query, Response

from cloudmgr.domain.pools_interface import (
    INTERFACE_VERSION,
    KEY_HEADER,
    KEY_PATTERN,
    KEY_REMEMBERED_DAYS,
    LIMIT_ITEMS,
    PREFIX,
    OccurrencePage,
    PoolHealth,
    PoolInventory,
    PoolOperation,
    PoolProblem,
    PoolResource,
    ProvisionOrder,
    ResizeOrder,
    ResourcePage,
    UsagePage,
)

ABOUT = f"""What a resource pool (资源池) owes a management node over HTTP.

**Levels.** Reporting (报送级) owes nothing here. Monitoring (监测级) owes everything that is read:
health, inventory, resources, usage, incidents. Scheduling (调度级) owes orders too.

**Orders** are asynchronous. Each carries an `{KEY_HEADER}`; every well-formed one is accepted with
202 and an operation, and its end says whether it was done: a lack of capacity or an unknown
resource is a *failed* operation, not a refusal. The same key with the same order gives the same
operation and does nothing more; with another order it is refused (409 `key_reused`). A key is
remembered for at least {KEY_REMEMBERED_DAYS} days, and `GET {PREFIX}/keys/{{key}}/operation` finds
its operation, so that a node that lost an answer can ask what became of its order.

**Truth.** Once an operation has succeeded, resources and inventory show it. `allocated_units` is
the sum of the listed resources. What is released is no longer listed. A usage batch never changes
under its id.

Readers pass over fields they do not know; a field never changes its meaning within version 1.
Bearer tokens; times are ISO 8601 with a zone; quantities are whole base units.
"""

Key = Annotated[str, Header(alias=KEY_HEADER, pattern=f"^{KEY_PATTERN}$")]
KeyInPath = Annotated[str, Path(pattern=f"^{KEY_PATTERN}$")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_ITEMS)]
FromDay = Annotated[date | None, Query(description="Batches of this day (Asia/Shanghai) and later")]
Since = Annotated[datetime | None, Query(description="Only what changed at or after this moment")]

_WORDS = {
    401: "Nobody is signed in",
    404: "Unknown here",
    409: "The key stands for another order",
    422: "Malformed",
    503: "Busy; nothing was done",
}


class PoolServer(Protocol):
    """What stands behind the routes: one method each, refusals as `CloudmgrError`."""

    def health(self) -> PoolHealth: ...
    def inventory(self) -> PoolInventory: ...
    def resources(self, cursor: str | None, limit: int) -> ResourcePage: ...
    def resource(self, resource_id: str) -> PoolResource: ...
    def usage(self, from_day: date | None, cursor: str | None, limit: int) -> UsagePage: ...
    def usage_content(self, batch_id: str) -> tuple[bytes, str]: ...
    def incidents(
        self, since: datetime | None, cursor: str | None, limit: int
    ) -> OccurrencePage: ...
    def provision(self, key: str, order: ProvisionOrder) -> PoolOperation: ...
    def resize(self, key: str, resource_id: str, order: ResizeOrder) -> PoolOperation: ...
    def release(self, key: str, resource_id: str) -> PoolOperation: ...
    def operation(self, operation_id: str) -> PoolOperation: ...
    def operation_of_key(self, key: str) -> PoolOperation: ...


def interface_router(pool: PoolServer) -> APIRouter:
    """All routes of the interface, served by `pool`."""
    router = APIRouter(prefix=PREFIX)
    _add_reading(router, pool)
    _add_usage(router, pool)
    _add_orders(router, pool)
    _add_operations(router, pool)
    return router


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the interface."""
    app = FastAPI(title="Pool interface", version=INTERFACE_VERSION, description=ABOUT)
    app.include_router(interface_router(_Described()))  # type: ignore[abstract]
    return app.openapi()


class _Described(PoolServer):
    """Nobody: making the document calls no method."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route."""
    return {status: {"model": PoolProblem, "description": _WORDS[status]} for status in statuses}


def _add_reading(router: APIRouter, pool: PoolServer) -> None:
    @router.get("/health", operation_id="health", tags=["reading"], responses=refusals(401))
    def health() -> PoolHealth:
        """Whether the pool can do its part, and which level it claims."""
        return pool.health()

    @router.get("/inventory", operation_id="inventory", tags=["reading"], responses=refusals(401))
    def inventory() -> PoolInventory:
        """Total, reserved and allocated base units of every resource class."""
        return pool.inventory()

    @router.get(
        "/resources", operation_id="resources", tags=["reading"], responses=refusals(401, 422)
    )
    def resources(cursor: Cursor = None, limit: Limit = LIMIT_ITEMS) -> ResourcePage:
        """Everything the pool has for the node, page by page, each resource once."""
        return pool.resources(cursor, limit)

    @router.get(
        "/resources/{resource_id}",
        operation_id="resource",
        tags=["reading"],
        responses=refusals(401, 404, 422),
    )
    def resource(resource_id: str) -> PoolResource:
        """One resource; 404 once it is released."""
        return pool.resource(resource_id)

    @router.get(
        "/incidents", operation_id="incidents", tags=["reading"], responses=refusals(401, 422)
    )
    def incidents(
        since: Since = None, cursor: Cursor = None, limit: Limit = LIMIT_ITEMS
    ) -> OccurrencePage:
        """Incidents (故障) and alarms (告警)."""
        return pool.incidents(since, cursor, limit)


def _add_usage(router: APIRouter, pool: PoolServer) -> None:
    @router.get("/usage", operation_id="usage", tags=["reading"], responses=refusals(401, 422))
    def usage(
        from_day: FromDay = None, cursor: Cursor = None, limit: Limit = LIMIT_ITEMS
    ) -> UsagePage:
        """The published batches of readings."""
        return pool.usage(from_day, cursor, limit)

    @router.get(
        "/usage/{batch_id}",
        operation_id="usage_content",
        tags=["reading"],
        response_class=Response,
        responses={
            200: {
                "content": {
                    "application/x-ndjson": {},
                    "application/vnd.apache.parquet": {},
                    "application/vnd.apache.arrow.stream": {},
                }
            },
            **refusals(401, 404, 422),
        },
    )
    def usage_content(batch_id: str) -> Response:
        """The readings: resource (our reference), meter, time, value. Always the same bytes."""
        content, media_type = pool.usage_content(batch_id)
        return Response(content, media_type=media_type)


def _add_orders(router: APIRouter, pool: PoolServer) -> None:
    accepted: dict[str, Any] = {
        "status_code": 202,
        "tags": ["orders"],
        "responses": refusals(401, 409, 422, 503),
    }

    @router.post("/resources", operation_id="provision", **accepted)
    def provision(order: ProvisionOrder, idempotency_key: Key) -> PoolOperation:
        """Make one resource of this size."""
        return pool.provision(idempotency_key, order)

    @router.post("/resources/{resource_id}/resize", operation_id="resize", **accepted)
    def resize(resource_id: str, order: ResizeOrder, idempotency_key: Key) -> PoolOperation:
        """Give it this whole size."""
        return pool.resize(idempotency_key, resource_id, order)

    @router.post("/resources/{resource_id}/release", operation_id="release", **accepted)
    def release(resource_id: str, idempotency_key: Key) -> PoolOperation:
        """Take it away."""
        return pool.release(idempotency_key, resource_id)


def _add_operations(router: APIRouter, pool: PoolServer) -> None:
    found: dict[str, Any] = {"tags": ["orders"], "responses": refusals(401, 404, 422)}

    @router.get("/operations/{operation_id}", operation_id="operation", **found)
    def operation(operation_id: str) -> PoolOperation:
        """What became of an order."""
        return pool.operation(operation_id)

    @router.get("/keys/{key}/operation", operation_id="operation_of_key", **found)
    def operation_of_key(key: KeyInPath) -> PoolOperation:
        """What became of the order sent under a key; 404 if none ever arrived."""
        return pool.operation_of_key(key)
