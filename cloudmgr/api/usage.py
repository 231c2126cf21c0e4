"""Routes of usage batches: readings come in, as Parquet, Arrow or JSON lines."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from starlette.concurrency import run_in_threadpool

from catalog.errors import Invalid
from cloudmgr.api.edge import EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import problem, responses
from cloudmgr.api.routes import get_route, list_route
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services import codec
from cloudmgr.services.usage import IngestUsage
from cloudmgr.usage.batches import BatchFormat, read_batch

router = APIRouter(tags=["usage"])

FORMATS = {
    "application/vnd.apache.parquet": BatchFormat.PARQUET,
    "application/vnd.apache.arrow.stream": BatchFormat.ARROW,
    "application/x-ndjson": BatchFormat.JSON_LINES,
}

list_route(router, "/usage-batches", UsageBatch, "pool_id", "provider_id")
get_route(router, "/usage-batches/{id:path}", UsageBatch)


@router.put(
    "/pools/{pool_id}/usage-batches/{batch_id}",
    operation_id="ingest_usage",
    summary="Send a batch of meter readings",
    response_model=UsageBatch,
    responses=responses(401, 403, 404, 409, 413, 415, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}} for media in FORMATS
            },
        }
    },
)
async def ingest(
    request: Request,
    edge: EdgeOf,
    secret: SecretOf,
    pool_id: Annotated[str, Path(min_length=1, max_length=80)],
    batch_id: Annotated[str, Path(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._-]+$")],
    content_type: Annotated[str, Header()] = "",
    request_id: RequestId = None,
) -> Any:
    """Columns `resource` (allocation id), `meter`, `time` (UTC, start of the sampling interval),
    `value` (integer base units). Rows that cannot count go to quarantine with a reason;
    accepted + quarantined = sent. The same batch again changes nothing; other rows under a used
    id are refused. Roles: provider.
    """
    await run_in_threadpool(_signed_in, edge, secret)  # nobody reads a stranger's large body
    form = FORMATS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        return problem(
            415, "unsupported_media_type", f"send one of {', '.join(FORMATS)} as Content-Type"
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
    return await run_in_threadpool(
        _ingest, edge, secret, pool_id, batch_id, bytes(body), form, request_id or ""
    )


def _signed_in(edge: EdgeOf, secret: str) -> None:
    with edge.reading(secret, IngestUsage):
        pass


def _ingest(
    edge: EdgeOf,
    secret: str,
    pool_id: str,
    batch_id: str,
    body: bytes,
    form: BatchFormat,
    request_id: str,
) -> Any:
    if not body:
        raise Invalid("bad_batch", "the body is empty; send at least the header of an empty table")
    command = IngestUsage(batch_id=batch_id, pool_id=pool_id, batch=read_batch(body, form))
    return codec.dump(edge.perform(secret, command, key=None, request_id=request_id))
