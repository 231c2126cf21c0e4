"""A rehearsal node of one's own: made, served by its own process, and stopped again.

It lives in the folder it is given and nowhere else: what the environment says about another
node's database does not reach it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import httpx

from catalog.errors import CloudmgrError, Conflict

START_SECONDS = 60.0
STOP_SECONDS = 15.0
EVERYWHERE = ("0.0.0.0", "::")


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
        env=_environment(),
    )
    if done.returncode != 0:
        raise _failed("could not be made", done.stdout + done.stderr)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@dataclass(frozen=True, slots=True)
class ServedNode:
    """A node that a process of ours serves."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> NoReturn:
        """Until the caller is interrupted; raises `node_failed` when the node ends by itself."""
        self.process.wait()
        raise _failed("stopped", self.log.read_text())


def require_free(port: int, host: str = "127.0.0.1") -> None:
    """Raises `port_taken` when something listens there, which may be another node."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                "port_taken",
                f"{host}:{port} cannot be listened on ({error.strerror}); stop what listens "
                "there, or give another port with --port (make run PORT=8001)",
            ) from error


@contextmanager
def serving(data: Path, port: int | None = None, host: str = "127.0.0.1") -> Iterator[ServedNode]:
    """Serve a folder's node until the block ends, however it ends.

    Raises `port_taken`, or `node_failed` with the last words of a node that did not stay.
    """
    if port is None:
        port = _free_port(host)
    else:
        require_free(port, host)
    url = f"http://{'127.0.0.1' if host in EVERYWHERE else host}:{port}"
    log = data / "serve.log"
    command = [*cloudmgr_command(), "serve", "--data", str(data)]
    with log.open("w") as told, _killed_like_interrupted():
        # In a session of its own: Ctrl-C reaches us alone, and we stop the node in good order.
        process = subprocess.Popen(
            [*command, "--host", host, "--port", str(port)],
            stdout=told,
            stderr=told,
            env=_environment(),
            start_new_session=True,
        )
        try:
            _await(url, process, log)
            yield ServedNode(url, process, log)
        except CloudmgrError as error:
            if error.code == "node_unreachable" and process.poll() is not None:
                raise _failed("stopped", log.read_text()) from error
            raise
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _killed_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that no node outlives us."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    before = {each: signal.signal(each, leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _environment() -> dict[str, str]:
    """Ours, without what it says about another node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CLOUDMGR_")}


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            answered = httpx.get(f"{url}/api/v1/node", timeout=5).is_success
        except httpx.TransportError:
            answered = False
        if process.poll() is not None:
            raise _failed("stopped while starting", log.read_text())
        if answered:
            return
        time.sleep(0.1)
    raise _failed(f"did not answer within {START_SECONDS:.0f} s", log.read_text())


def _failed(what: str, told: str) -> CloudmgrError:
    words = told.strip()[-2000:] or "it said nothing"
    return CloudmgrError("node_failed", f"the rehearsal node {what}: {words}")


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
