"""A worker that dies at any one point of an order: before or after each commit, after each
exchange. Whoever takes the order up then ends it once.

The pool doubles every order it gets twice, so that sending again what has arrived would show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.pools.exchange import exchange
from cloudmgr.services.memory import MemoryNode
from simulator.pool.lies import Lie
from tests.pools.works import Works, a_working_town, pool_of, recount
from tests.support.requests import a_line, allocation_of, approved, confirmed, dispatched, look

ENOUGH_POINTS = 60


class Died(BaseException):
    """A process that is gone runs no handler."""


class Fate:
    """Lets the worker die at the `point`th step from now on; 0 never."""

    def __init__(self) -> None:
        self.point = 0
        self.passed = 0

    def step(self) -> None:
        if self.point:
            self.passed += 1
            if self.passed == self.point:
                self.point = 0
                raise Died

    def at(self, point: int) -> None:
        self.point, self.passed = point, 0


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    fate = Fate()
    opened = MemoryNode.transaction

    def exchanged(*given: Any, **more: Any) -> Any:
        answer = exchange(*given, **more)
        fate.step()
        return answer

    @contextmanager
    def transaction(node: MemoryNode) -> Iterator[Any]:
        with opened(node) as world:
            yield world
            fate.step()  # before the commit: everything is undone
        fate.step()  # after it

    monkeypatch.setattr("cloudmgr.pools.client.exchange", exchanged)
    monkeypatch.setattr(MemoryNode, "transaction", transaction)
    return fate


def died(town: Works, fate: Fate, point: int) -> bool:
    """Work until the point, then as another worker after the lease; False when none was reached."""
    fate.at(point)
    try:
        town.worker.run_until_idle(50)
    except Died:
        pass
    else:
        fate.at(0)
        return False
    finally:
        town.machine.now += timedelta(seconds=town.worker.shop.lease_seconds + 1)
    town.work(3)
    return True


@pytest.mark.parametrize("kind", [RequestKind.NEW, RequestKind.CHANGE, RequestKind.RELEASE])
def test_wherever_a_worker_dies_an_order_is_done_once(
    kind: RequestKind, fate: Fate, tmp_path: Path
) -> None:
    points, reached = 0, True
    while reached:
        town = a_working_town(tmp_path)
        state = tmp_path / "pool"
        state.unlink(missing_ok=True)
        with pool_of(town, state, "--lie", str(Lie.DOUBLE_PROVISION)) as url:
            while reached and len(town.all(ResourceRequest)) < 24:
                points += 1
                request = _asked(town, kind)
                reached = died(town, fate, points)
                assert look(town, request).state is RequestState.AWAITING_CONFIRMATION, points
                confirmed(town, request)
                recount(town, url)
        assert points < ENOUGH_POINTS
    assert points > 15, "there are more points than that at which a worker can die"


def _asked(town: Works, kind: RequestKind) -> ResourceRequest:
    """A request of the kind, dispatched; what it works on runs already."""
    if kind is RequestKind.NEW:
        return dispatched(town, approved(town))
    made = dispatched(town, approved(town))
    town.work(2)
    confirmed(town, made)
    sku_id = "vm-large" if kind is RequestKind.CHANGE else "vm"
    line = a_line(sku_id=sku_id, allocation_id=allocation_of(town, made).id)
    return dispatched(town, approved(town, line, kind=kind))
