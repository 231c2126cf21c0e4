"""The simulated pool's HTTP routes, written against the published document of the interface.

Owns paths and refusals on the wire; the document they make is compared with the published one by a
test. What is answered is the pool's.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from catalog.errors import CloudmgrError
from cloudmgr.domain.pools_interface import (
    INTERFACE_VERSION,
    KEY_HEADER,
    KEY_PATTERN,
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
from cloudmgr.services import codec
from simulator.pool.honest import HonestPool
from simulator.pool.lies import RawAnswer

Key = Annotated[str, Header(alias=KEY_HEADER, pattern=f"^{KEY_PATTERN}$")]
MEDIA_TYPES = (
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
)
_WITH_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {each: {} for each in MEDIA_TYPES}}
}
KeyInPath = Annotated[str, Path(pattern=f"^{KEY_PATTERN}$")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_ITEMS)]


def create_pool_app(pool: HonestPool, token: str | None = None) -> FastAPI:
    """The pool's application; with a `token`, whoever does not bear it is turned away."""
    app = FastAPI(title="Simulated pool", version=INTERFACE_VERSION)
    router = APIRouter(prefix=PREFIX)
    _add_reading(router, pool)
    _add_orders(router, pool)
    app.include_router(router)

    @app.exception_handler(CloudmgrError)
    def refuse(request: Request, error: CloudmgrError) -> JSONResponse:
        return _problem(error.status, error.code, error.message)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return _problem(422, "malformed", f"{where}: {first['msg']}")

    @app.exception_handler(RawAnswer)
    def raw(request: Request, answer: RawAnswer) -> Response:
        return Response(answer.body, media_type="application/json")

    @app.middleware("http")
    async def signed_in(request: Request, following: Any) -> Response:
        if token is not None and request.headers.get("authorization") != f"Bearer {token}":
            return _problem(401, "unauthenticated", "send the token of this pool")
        answer: Response = await following(request)
        return answer

    return app


def _problem(status: int, code: str, detail: str) -> JSONResponse:
    problem = PoolProblem(title="Refused", status=status, code=code, detail=detail)
    return JSONResponse(codec.dump(problem), status)


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": PoolProblem} for status in statuses}


def _add_reading(router: APIRouter, pool: HonestPool) -> None:
    @router.get("/health", operation_id="health", responses=_refusals(401))
    def health() -> PoolHealth:
        return pool.health()

    @router.get("/inventory", operation_id="inventory", responses=_refusals(401))
    def inventory() -> PoolInventory:
        return pool.inventory()

    @router.get("/resources", operation_id="resources", responses=_refusals(401, 422))
    def resources(cursor: str | None = None, limit: Limit = LIMIT_ITEMS) -> ResourcePage:
        return pool.resources(cursor, limit)

    @router.get(
        "/resources/{resource_id}", operation_id="resource", responses=_refusals(401, 404, 422)
    )
    def resource(resource_id: str) -> PoolResource:
        return pool.resource(resource_id)

    @router.get("/incidents", operation_id="incidents", responses=_refusals(401, 422))
    def incidents(
        since: datetime | None = None, cursor: str | None = None, limit: Limit = LIMIT_ITEMS
    ) -> OccurrencePage:
        return pool.incidents(since, cursor, limit)

    @router.get("/usage", operation_id="usage", responses=_refusals(401, 422))
    def usage(
        from_day: date | None = None, cursor: str | None = None, limit: Limit = LIMIT_ITEMS
    ) -> UsagePage:
        return pool.usage(from_day, cursor, limit)

    @router.get(
        "/usage/{batch_id}",
        operation_id="usage_content",
        response_class=Response,
        responses={
            200: {"content": {each: {} for each in MEDIA_TYPES}},
            **_refusals(401, 404, 422),
        },
    )
    def usage_content(batch_id: str) -> Response:
        content, media_type = pool.usage_content(batch_id)
        return Response(content, media_type=media_type)


def _add_orders(router: APIRouter, pool: HonestPool) -> None:
    accepted: dict[str, Any] = {"status_code": 202, "responses": _refusals(401, 409, 422, 503)}
    found: dict[str, Any] = {"responses": _refusals(401, 404, 422)}

    @router.post("/resources", operation_id="provision", **accepted)
    def provision(order: ProvisionOrder, idempotency_key: Key) -> PoolOperation:
        return pool.provision(idempotency_key, order)

    @router.post("/resources/{resource_id}/resize", operation_id="resize", **accepted)
    def resize(resource_id: str, order: ResizeOrder, idempotency_key: Key) -> PoolOperation:
        return pool.resize(idempotency_key, resource_id, order)

    @router.post("/resources/{resource_id}/release", operation_id="release", **accepted)
    def release(resource_id: str, idempotency_key: Key) -> PoolOperation:
        return pool.release(idempotency_key, resource_id)

    @router.get("/operations/{operation_id}", operation_id="operation", **found)
    def operation(operation_id: str) -> PoolOperation:
        return pool.operation(operation_id)

    @router.get("/keys/{key}/operation", operation_id="operation_of_key", **found)
    def operation_of_key(key: KeyInPath) -> PoolOperation:
        return pool.operation_of_key(key)
