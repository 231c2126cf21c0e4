"""The edge of the workers: real threads, real time. Wiring only.

A node's worker runs as threads of `cloudmgr serve` or as `cloudmgr worker`, or both, on as many
machines as one likes: leases keep two from doing the same.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

import cloudmgr.pools.pulls
import cloudmgr.pools.sender
import cloudmgr.services.notifications
import cloudmgr.services.pools_orders_results  # noqa: F401  (their receivers register themselves)
from cloudmgr.api.edge import machine_clock
from cloudmgr.domain.leases import Backoff
from cloudmgr.pools.outside import Limits
from cloudmgr.services.leases import Workshop
from cloudmgr.services.worker import Worker
from cloudmgr.services.world import Node
from cloudmgr.settings import Settings
from cloudmgr.webhooks.outside import Outside
from cloudmgr.webhooks.posting import PostLimits
from cloudmgr.webhooks.sender import Posting

log = structlog.get_logger()


def workshop(node: Node, settings: Settings) -> Workshop:
    """What this process's workers work with."""
    limits = Limits(
        exchange_seconds=settings.pool_exchange_seconds,
        poll_seconds=settings.pool_poll_seconds,
    )
    posting = Posting(
        limits=PostLimits(
            total_seconds=settings.webhook_seconds, loopback=settings.webhook_loopback
        ),
        backoff=Backoff(
            first_seconds=settings.webhook_retry_seconds,
            longest_seconds=settings.webhook_longest_retry_seconds,
            attempts=settings.webhook_attempts,
        ),
        rest_seconds=min(15, settings.webhook_longest_retry_seconds),
    )
    return Workshop(
        node=node,
        clock=machine_clock,
        outside=Outside(settings.secrets_folder, limits, posting),
        lease_seconds=settings.worker_lease_seconds,
        backoff=Backoff(
            first_seconds=settings.worker_retry_seconds,
            longest_seconds=settings.worker_longest_retry_seconds,
            attempts=settings.worker_attempts,
        ),
        every={
            "pool_health": settings.pool_health_seconds,
            "pool_inventory": settings.pool_inventory_seconds,
            "pool_usage": settings.pool_usage_seconds,
            "pool_incidents": settings.pool_incidents_seconds,
            "pool_drift": settings.pool_drift_seconds,
        },
        on_fault=lambda what, error: log.error(what, exc_info=error),
    )


def work(shop: Workshop, stop: threading.Event, idle_seconds: float) -> None:
    """Take turns until told to stop; a failure of the database is waited out."""
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    worker = Worker(shop, name)
    while not stop.is_set():
        try:
            busy = worker.run_once()
        except Exception:
            log.exception("a worker's turn failed; what it held is taken up again")
            busy = False
        if not busy:
            stop.wait(idle_seconds)


@contextmanager
def working(node: Node, settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Threads that work while the block runs; what one is at when it ends is finished first, or
    taken up again by another when its lease has run out."""
    shop = workshop(node, settings)
    arguments = (shop, stop, settings.worker_idle_seconds)
    threads = [
        threading.Thread(target=work, args=arguments, daemon=True, name=f"worker-{number}")
        for number in range(settings.worker_threads)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)
