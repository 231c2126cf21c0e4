"""Simulated pools as real processes, on a port of their own, for tests of either side."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.pools_interface import ProvisionOrder
from cloudmgr.pools.breaker import Breaker
from cloudmgr.pools.client import Patience, PoolClient

START_SECONDS = 30.0
FIRST_RESOURCES = 3
# `simulator pool` itself, without the rest of the simulator: it starts three times as fast.
POOL_ONLY = "import typer; from simulator.pool.cli import pool; typer.run(pool)"
WHOLE_SIMULATOR = "from simulator.cli import main; main()"


@contextmanager
def serving(state: Path, *options: str, whole: bool = False) -> Iterator[str]:
    """A pool until the block ends, then killed as a crash would; yields its URL."""
    port = free_port()
    command = (
        [sys.executable, "-c", WHOLE_SIMULATOR, "pool"]
        if whole
        else [sys.executable, "-c", POOL_ONLY]
    )
    log = state.with_suffix(".log")
    with log.open("w") as told:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--state", str(state), *options],
            stdout=told,
            stderr=told,
        )
        try:
            _await(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it listens: a request could be one that fails on purpose."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the pool does not listen: {log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def client_of(url: str, *, attempts: int = 4, timeout_seconds: float = 5.0) -> Iterator[PoolClient]:
    """A client that waits little and never leaves the pool alone."""
    with httpx.Client(base_url=url, timeout=timeout_seconds) as http:
        yield PoolClient(
            http,
            sleep=lambda seconds: time.sleep(min(seconds, 0.01)),
            now=time.monotonic,
            jitter=lambda: 0.5,
            patience=Patience(attempts=attempts, total_seconds=timeout_seconds),
            breaker=Breaker(time.monotonic, failures=1_000_000),
        )


def an_order(reference: str, *, vcpu: int = 1) -> ProvisionOrder:
    return ProvisionOrder(
        reference=reference,
        sku_id="vm-x86-1c2g",
        quantity=vcpu,
        amounts=(
            ResourceAmount(ResourceClass.VCPU, vcpu),
            ResourceAmount(ResourceClass.MEMORY_MIB, 2048 * vcpu),
        ),
        zone=Zone.EXTRANET,
    )
