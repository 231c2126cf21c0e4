"""A rehearsal node of one's own: made, served by its own process, and stopped again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from catalog.errors import CloudmgrError

START_SECONDS = 60.0
STOP_SECONDS = 15.0


def cloudmgr_command() -> list[str]:
    """The node's command line, run by the same interpreter."""
    return [sys.executable, "-c", "from cloudmgr.cli import main; main()"]


def create(data: Path, city: str) -> dict[str, Any]:
    """Make the database of a sample city in a folder; raises `node_failed`."""
    done = subprocess.run(
        [*cloudmgr_command(), "init", "--city", city, "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise _failed("could not be made", done.stdout + done.stderr)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@contextmanager
def serving(data: Path, port: int | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a folder's node until the block ends; yields its URL."""
    port = port or _free_port(host)
    url = f"http://{host}:{port}"
    log = data / "serve.log"
    with log.open("w") as told:
        command = [*cloudmgr_command(), "serve", "--data", str(data)]
        process = subprocess.Popen(
            [*command, "--host", host, "--port", str(port)], stdout=told, stderr=told
        )
        try:
            _await(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_ever(url: str) -> None:
    """Keep the calling process alive until it is interrupted or the node is gone."""
    while True:
        time.sleep(2)
        httpx.get(f"{url}/api/v1/node", timeout=30)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failed("stopped while starting", log.read_text())
        try:
            if httpx.get(f"{url}/api/v1/node", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise _failed(f"did not answer within {START_SECONDS:.0f} s", log.read_text())


def _failed(what: str, told: str) -> CloudmgrError:
    return CloudmgrError("node_failed", f"the rehearsal node {what}: {told.strip()[-2000:]}")


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
