"""A month closed, answered and settled gives the same records on every database, killed or not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import pytest

from catalog.period import Month
from cloudmgr.domain.allocations import SegmentMode
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.journal import PostingSet
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.rating import HourlySums
from cloudmgr.domain.settlement import Settlement
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.values import Value
from cloudmgr.services.closing import close_period
from cloudmgr.services.commitments import commit_opening
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.periods import ClosePeriod
from cloudmgr.services.settlements import DraftSettlements
from cloudmgr.services.statements import ObjectToStatement
from cloudmgr.services.world import Node, World
from cloudmgr.store.world import SqlNode
from tests.support.billing_world import (
    FINANCE,
    GRACE_OVER,
    USER,
    do,
    owned,
    pass_time,
    put_score,
    put_world,
)
from tests.support.money import a_segment, at, hours

CLOSE = ClosePeriod(month="2026-01")
MONEY: tuple[type[Value], ...] = (
    BillingPeriod, Budget, BudgetCommitment, PostingSet, RatedLine, Settlement, Statement, Timer,
)  # fmt: skip
STOCK = (
    owned(a_segment("2025-12-01", 3)),
    owned(a_segment("01-05", mode=SegmentMode.TRIAL), a_segment("01-20"), id="AL-2"),
    owned(a_segment("2025-12-01", 1, "egress"), id="AL-3"),
    owned(a_segment("01-10", 2), id="AL-4", department_id="self"),
    owned(a_segment("2025-12-01", 100, "disk"), id="AL-5", department_id="self", end="01-16"),
)


def usage(world: World, month: Month, ids: Collection[str]) -> Mapping[str, HourlySums]:
    return {id: hours("01-03", 300 * 1024) for id in ids}


def stocked(node: Node) -> None:
    with node.transaction() as world:
        put_world(world, STOCK)
        commit_opening(world, STOCK, 2026, at("01-01"))
    pass_time(node, GRACE_OVER)


def closed(node: Node) -> None:
    close_period(node, CLOSE, FINANCE, GRACE_OVER, usage=usage, page_size=2)


def money(node: Node) -> dict[str, tuple[Value, ...]]:
    with node.reading() as world:
        return {kind.__name__: world.find(kind) for kind in MONEY}


def settled(node: Node) -> None:
    """One line objected to, the rest deemed confirmed, and drafted by the final score."""
    line = "RL-2026-01/AL-1/001"
    objection = ObjectToStatement(statement_id="ST-2026-01/dep", line_ids=(line,), reason="off")
    do(node, objection, USER, at("02-06"))
    pass_time(node, at("02-25"))
    put_score(node, "82.50")
    do(node, DraftSettlements(cycle="2026-01"), FINANCE, at("02-25"))


def test_a_database_bills_and_settles_as_memory_does(sql: SqlNode) -> None:
    memory = MemoryNode()
    for node in (memory, sql):
        stocked(node)
        closed(node)
        settled(node)
    assert money(sql) == money(memory)
    assert all(money(sql).values())


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class DyingNode:
    """A node whose process dies at the end of its n-th transaction, before or after the commit."""

    def __init__(self, node: Node, at_commit: int, *, committed: bool) -> None:
        self.node = node
        self.left = at_commit
        self.committed = committed

    @contextmanager
    def transaction(self) -> Iterator[World]:
        with self.node.transaction() as world:
            yield world
            self.left -= 1
            if not self.left and not self.committed:
                raise Killed
        if not self.left:
            raise Killed

    @contextmanager
    def reading(self) -> Iterator[World]:
        with self.node.reading() as world:
            yield world


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at_commit", [1, 2, 3, 4, 5])
def test_killed_at_any_commit_a_close_goes_on_to_the_same_records(
    sql: SqlNode, at_commit: int, committed: bool
) -> None:
    undisturbed = MemoryNode()
    stocked(undisturbed)
    closed(undisturbed)
    stocked(sql)
    with pytest.raises(Killed):
        closed(DyingNode(sql, at_commit, committed=committed))
    with sql.reading() as world:
        over = world.get(BillingPeriod, "2026-01").state is PeriodState.CLOSED
    assert over == (at_commit == 5 and committed)  # begin, pages of 2 + 2 + 1, issue
    if not over:
        closed(sql)
    assert money(sql) == money(undisturbed)
