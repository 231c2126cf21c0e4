"""Two at once: each waits at a point for the other, unless a lock keeps that one away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from catalog.errors import CloudmgrError

PATIENCE_SECONDS = 2.0
"""How long one waits for another that a lock may hold up."""


def meeting_at(monkeypatch: pytest.MonkeyPatch, target: str) -> threading.Barrier:
    """Whoever calls the function `target` names waits there for a second caller."""
    module, _, name = target.rpartition(".")
    found = __import__(module, fromlist=[name])
    known = getattr(found, name)
    barrier = threading.Barrier(2)

    def wait_then(*arguments: Any, **more: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=PATIENCE_SECONDS)
        return known(*arguments, **more)

    monkeypatch.setattr(target, wait_then)
    return barrier


def both(*works: Callable[[], Any]) -> list[Any]:
    """What each work of a thread of its own gave: its result, or our error."""
    results: list[Any] = [None] * len(works)

    def run(place: int) -> None:
        try:
            results[place] = works[place]()
        except CloudmgrError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results
