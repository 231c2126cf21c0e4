"""Wiring: a store, a lake and the routers become one application."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from cloudmgr.api import problems
from cloudmgr.api.edge import Edge
from cloudmgr.api.limits import BodyLimit
from cloudmgr.api.router import api
from cloudmgr.api.sessions_oidc import SignOn
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.portal import allocations as allocation_pages
from cloudmgr.portal import requests as request_pages
from cloudmgr.portal.catalogs import pages as catalog_pages
from cloudmgr.portal.overview import pages
from cloudmgr.services.clock import run_due
from cloudmgr.settings import Settings
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import DirectoryLake

log = structlog.get_logger()

DUES_A_COMMIT = 5
"""Dues between which others may write; the turn of a year is one due for every few hundred."""

DESCRIPTION = """
One cloud, capped prices, paid by performance: the management node of a city's cloud.

Money is a string of yuan. Every refusal is `application/problem+json` with a stable `code`.
Commands take an `Idempotency-Key`; the month's close, the clock and usage batches need none, they
are safe to repeat. Lists page by `cursor`. Sign in with `POST /api/v1/sessions` and send the token
as `Authorization: Bearer …`; browsers sign in by cookie and send `X-CSRF-Token` with commands.
Commands about one record take its ETag as `If-Match`.
"""


def open_node(settings: Settings) -> SqlNode:
    """The node's records and readings, as the settings say.

    A rehearsal does not wait for the disk at every commit: it can be played again.
    """
    settings.lake_dir.mkdir(parents=True, exist_ok=True)
    node = SqlNode(settings.url, DirectoryLake(settings.lake_dir))
    with node.reading() as world:
        made = world.seek(NodeSettings, NODE_ID)
    if made is None or not made.rehearsal:
        return node
    node.close()
    return SqlNode(settings.url, DirectoryLake(settings.lake_dir, durable=False), durable=False)


def edge_for(node: SqlNode, settings: Settings) -> Edge:
    """The node behind HTTP, with the sign-on where the settings name one."""
    sign_on = None
    if settings.oidc_issuer and settings.oidc_client and settings.oidc_secret:
        sign_on = SignOn(
            issuer=settings.oidc_issuer,
            client=settings.oidc_client,
            secret=settings.oidc_secret.get_secret_value(),
            redirect_url=settings.oidc_redirect_url,
        )
    return Edge(
        node,
        plain_http=settings.plain_http,
        sign_on=sign_on,
        webhook_loopback=settings.webhook_loopback,
    )


def log_plainly() -> None:
    """Logs go to stderr, with plain tracebacks: the pretty ones show every local variable,
    passwords and tokens among them, and take a minute to draw. Who configured logs keeps them."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def create_app(edge: Edge, *, due_seconds: int = 30) -> FastAPI:
    """The application on an open node; a production node runs its dues every `due_seconds`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=_dues, args=(edge, stop, due_seconds), daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join(timeout=10)

    log_plainly()
    app = FastAPIOffline(  # the documentation page loads nothing from outside
        title="cloudmgr",
        version="0.1.0",
        summary="Management node of a government cloud",
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.edge = edge
    app.add_middleware(BodyLimit)
    problems.install(app)
    app.include_router(api)
    app.include_router(request_pages.forms)
    app.include_router(allocation_pages.forms)
    app.include_router(request_pages.pages)
    app.include_router(catalog_pages)
    app.include_router(pages)
    problems.document(app)
    return app


def _dues(edge: Edge, stop: threading.Event, every_seconds: int) -> None:
    """A production node does what falls due by itself; a rehearsal's clock is moved by command."""
    while not stop.wait(every_seconds):
        try:
            while _due_page(edge) == DUES_A_COMMIT and not stop.is_set():
                pass  # what one commit took is done, whatever befalls the next
        except Exception:
            log.exception("running the dues failed; they stay pending and are tried again")


def _due_page(edge: Edge) -> int:
    """Run the next dues in a transaction of their own; returns how many."""
    with edge.node.transaction() as world:
        settings = world.seek(NodeSettings, NODE_ID)
        if settings is None or settings.rehearsal:
            return 0
        return run_due(world, edge.now(world), limit=DUES_A_COMMIT)
