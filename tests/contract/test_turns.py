"""A fiscal year's turn on each world: by pages that are committed one by one, wherever it stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cloudmgr.domain import audit
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.fiscal_years import FiscalYear, TurnState
from cloudmgr.domain.policy import Policy
from cloudmgr.services import fiscal_years
from cloudmgr.services.clock import run_due
from cloudmgr.services.commitments import commit_stock
from cloudmgr.services.fiscal_years import announce_turn
from cloudmgr.store.world import SqlNode
from tests.support.money import at
from tests.support.requests import a_line, approved, check_conserved, running
from tests.support.stored_town import StoredTown, move_in
from tests.support.worlds import CHAIN, Town, a_town

NEW_YEAR = at("2027-01-01")


class Cut(Exception):
    """The node stops in the middle of a due."""


def a_december() -> Town:
    """A town with five machines running and two requests on their way, a second before the year."""
    town = a_town()
    town.change(town.look(Policy, "policy"), chain=CHAIN[:4])
    town.wait("12-01 09:00")
    for quantity in range(1, 6):
        running(town, a_line(quantity=quantity, pool_id="x86"))
    town.wait("12-28 09:00")
    for quantity in (1, 2):
        approved(town, a_line(quantity=quantity, pool_id="x86"), department="transport")
    with town.transaction() as world:
        announce_turn(world, 2027)
    return town


def turned(town: Town, now: datetime) -> int:
    """Let one due run in each transaction; returns how many did."""
    ran = 0
    while True:
        with town.transaction() as world:
            if not run_due(world, now, limit=1):
                return ran
        ran += 1


def records(town: Town) -> list[object]:
    kinds = (Budget, BudgetCommitment, FiscalYear)
    return [replace(each, version=0) for kind in kinds for each in town.all(kind)]


def test_the_turn_goes_on_where_it_was_cut_off(
    sql: SqlNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    december = a_december()
    whole = december.twin()
    whole.wait(NEW_YEAR)
    monkeypatch.setattr(fiscal_years, "PAGE_SIZE", 2)
    stored: StoredTown = move_in(december, sql)
    turn, cuts = commit_stock, iter((False, True, False, True, True, False))

    def now_and_then_cut(*how: object) -> object:
        done = turn(*how)  # type: ignore[arg-type]
        if next(cuts, False):
            raise Cut
        return done

    monkeypatch.setattr(fiscal_years, "commit_stock", now_and_then_cut)
    stopped, ran = 0, 0
    while True:
        try:
            ran += turned(stored, NEW_YEAR)
            break
        except Cut:
            stopped += 1
            assert stored.look(FiscalYear, "2027").state is TurnState.ALLOCATIONS
    assert stopped == 3
    stored.now = NEW_YEAR
    assert records(stored) == records(whole)
    check_conserved(stored)
    with sql.reading() as world:
        events = world.audit_events(limit=1000)
    assert audit.verify(events) == len(events)
