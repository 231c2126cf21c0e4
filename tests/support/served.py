"""A node as its own process on a port of its own, which a test may kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START_SECONDS = 180.0  # on a machine that is busy with other things
COMMAND = (sys.executable, "-c", "from cloudmgr.cli import main; main()")


class ServedNode:
    """`cloudmgr serve` over the database at `database_url`; killed when the block ends."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        """`settings` are environment variables without their prefix: `oidc_issuer`."""
        self._folder = folder
        named = {f"CLOUDMGR_{name.upper()}": value for name, value in settings.items()}
        self._settings = {**named, "CLOUDMGR_DATABASE_URL": database_url}
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = folder / "serve.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Serve, at the same address every time; returns when it answers."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDMGR")}
        with self.log.open("a") as told:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", "--data", str(self._folder), "--port", str(self._port)],
                stdout=told,
                stderr=told,
                env={**own, **self._settings},
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/api/v1/node", timeout=5).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the node does not answer: {self.log.read_text()}")

    def kill(self) -> None:
        """End it as the power would: nothing is finished, nothing is closed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
