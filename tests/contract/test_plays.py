"""The same commands lead to the same records in memory and on both databases, also at once."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain import audit
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.services.requests import SignRequest
from cloudmgr.store.world import SqlNode
from tests.support.players import Player, live_in
from tests.support.requests import a_line, check_conserved, signed_until, submitted
from tests.support.worlds import CHAIN, Town, a_town

STEPS = 60


class SqlTown(Town):
    """The small city on a database."""

    def __init__(self, node: SqlNode) -> None:
        super().__init__()
        self.node = node
        with node.transaction() as world:
            for records in a_town().snapshot().values():
                world.put_many(replace(each, version=0) for each in records.values())

    def transaction(self) -> AbstractContextManager[Any]:  # type: ignore[override]
        return self.node.transaction()

    def reading(self) -> AbstractContextManager[Any]:  # type: ignore[override]
        return self.node.reading()


def steps(seed: int) -> list[tuple[int, int, int, RequestKind]]:
    dice, kinds = random.Random(seed), list(RequestKind)
    return [
        (dice.randint(0, 9), dice.randint(0, 7), dice.randint(1, 9), dice.choice(kinds))
        for _ in range(STEPS)
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_people_do_both_worlds_hold_the_same(sql: SqlNode, seed: int) -> None:
    towns = (a_town(), SqlTown(sql))
    players = [Player(town) for town in towns]
    for player in players:
        live_in(player.town)
    for step in steps(seed):
        for player in players:
            player.step(*step)
    for player in players:
        player.finish()
    memory, stored = towns
    for kind, records in memory.snapshot().items():
        assert {each.id: each for each in stored.all(kind)} == records
    check_conserved(stored)
    with sql.reading() as world:
        events = world.audit_events(limit=10_000)
    assert list(events) == memory.events
    assert audit.verify(events) == len(events)


def test_approvals_at_once_never_exceed_a_quota(sql: SqlNode) -> None:
    """Each takes 8 of the department's 60: seven fit, whoever comes first."""
    town = SqlTown(sql)
    # Without the signatures that many increases would call for.
    town.change(town.look(Policy, "policy"), chain=CHAIN[:4])
    waiting = [
        signed_until(town, submitted(town, a_line(quantity=4)), "technical") for _ in range(12)
    ]

    def sign(request: ResourceRequest) -> str:
        try:
            town.give(SignRequest(request_id=request.id, decision=Decision.APPROVE), "centre.a")
        except CloudmgrError as refused:
            return refused.code
        return "approved"

    with ThreadPoolExecutor(6) as people:
        answers = Counter(people.map(sign, waiting))
    assert answers == {"approved": 7, "quota_exceeded": 5}
    assert town.look(Quota, "health/VCPU").reserved == 56
    check_conserved(town)


def test_halves_signed_at_once_still_meet(sql: SqlNode) -> None:
    """Two requests of 10 450 yuan a month: together they need finance, whichever is first."""
    town = SqlTown(sql)
    halves = [submitted(town, a_line(quantity=11)) for _ in range(2)]
    halves = [signed_until(town, half, "technical") for half in halves]

    def sign(request: ResourceRequest) -> str:
        command = SignRequest(request_id=request.id, decision=Decision.APPROVE)
        signed: ResourceRequest = town.give(command, "centre.a")
        return signed.awaiting_step or str(signed.state)

    with ThreadPoolExecutor(2) as people:
        assert Counter(people.map(sign, halves)) == {"approved": 1, "finance": 1}
