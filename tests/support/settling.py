"""A closed cycle to settle: `dep` owes 275.00 of January to `prv`, the score is final."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Actor
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.settlement import Settlement
from cloudmgr.services.commands import Command
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.settlements import ConfirmSettlement, DraftSettlements
from tests.support.billing_world import (
    FINANCE,
    PROVIDER,
    a_node,
    close,
    do,
    owned,
    pass_time,
    put_score,
)
from tests.support.money import a_segment, at

LATER = at("02-25 10:00")
ID = "SE-2026-01/city-finance/prv/contract/1"
DRAFT = DraftSettlements(cycle="2026-01")


def closed(*, score: str | None = "82.50", **changed: Any) -> MemoryNode:
    """January closed and deemed confirmed: `dep` 275.00 (two resources); the score is final."""
    node = a_node(
        owned(a_segment("2025-12-01", 2)),
        owned(a_segment("2025-12-01", 100, "disk"), id="AL-2"),
        **changed,
    )
    close(node)
    pass_time(node, LATER)
    put_score(node, score)
    return node


def draft(node: MemoryNode) -> tuple[Settlement, ...]:
    made: tuple[Settlement, ...] = do(node, DRAFT, FINANCE, LATER)
    return made


def settled(node: MemoryNode, id: str = ID) -> Settlement:
    with node.reading() as world:
        return world.get(Settlement, id)


def refusal(node: MemoryNode, command: Command, actor: Actor = FINANCE) -> str:
    with pytest.raises(CloudmgrError) as refused:
        do(node, command, actor, LATER)
    return refused.value.code


def confirmed(node: MemoryNode, id: str = ID) -> Settlement:
    do(node, ConfirmSettlement(settlement_id=id), PROVIDER, LATER)
    made: Settlement = do(node, ConfirmSettlement(settlement_id=id), FINANCE, LATER)
    return made


def balances(node: MemoryNode) -> dict[str, Decimal]:
    with node.reading() as world:
        return {k: v for k, v in trial_balance(world.find(PostingSet)).items() if v}
