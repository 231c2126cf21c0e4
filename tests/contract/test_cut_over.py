"""A process killed in the middle of a cut-over leaves nothing of it; the next does all of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import closing
from datetime import datetime

from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.openings import Opening, OpeningLine, OpeningState
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.timers import Timer
from cloudmgr.services import openings_live
from cloudmgr.services.clock import run_due
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.openings import FEBRUARY, a_whole_book, confirmed, imported, signed
from tests.support.requests import check_conserved
from tests.support.stored_town import move_in
from tests.support.worlds import a_town

KINDS = (Allocation, Budget, Contract, Inventory, Opening, OpeningLine, Quota, Quote, Timer)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _cut_over(url: str, at: datetime) -> None:
    """Another process runs what is due and is killed when all but the last step is put."""
    openings_live._put_payments = _die  # type: ignore[assignment]
    with closing(SqlNode(url, MemoryLake())) as node, node.transaction() as world:
        run_due(world, at)


def test_a_process_killed_in_the_middle_of_a_cut_over_leaves_nothing_or_all(url: str) -> None:
    town = a_town()
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    signed(town, opening)
    with closing(SqlNode(url, MemoryLake(), durable=False)) as node:
        stored = move_in(town, node)
        before = {kind: stored.all(kind) for kind in KINDS}
        child = multiprocessing.get_context("spawn").Process(target=_cut_over, args=(url, FEBRUARY))
        child.start()
        child.join(timeout=120)
        assert child.exitcode == -signal.SIGKILL
        assert {kind: stored.all(kind) for kind in KINDS} == before
        stored.wait(FEBRUARY)
        assert stored.look(Opening, opening.id).state is OpeningState.LIVE
        assert len(stored.all(Allocation)) == 2
        check_conserved(stored)
