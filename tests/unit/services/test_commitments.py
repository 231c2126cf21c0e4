"""Budgets between approval and payment: committed, due, paid; never below what is bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount, total
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget, BudgetCommitment, CommitmentState
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.commitments import (
    Due,
    budget_chain,
    commit_line,
    commit_opening,
    pay_budgets,
    post_month,
    release_commitments,
    release_from,
)
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.world import World
from tests.support.billing_world import a_budget, a_node, close, owned
from tests.support.money import JANUARY, a_segment, at

NOW = at("09-01 10:00")
START = at("09-17")
OWN, PAYER = "city-finance/dep/2026", "city-finance/-/2026"


def a_request(kind: RequestKind = RequestKind.NEW, *lines: RequestLine) -> ResourceRequest:
    return ResourceRequest(
        id="REQ-1",
        kind=kind,
        department_id="dep",
        region_id="city",
        application_id="app",
        submitter_id="user",
        reason="test",
        lines=lines,
        created_at=NOW,
    )


def a_line(**changed: object) -> RequestLine:
    fields: dict[str, object] = {
        "line": 1,
        "sku_id": "vm",
        "quantity": 2,
        "pool_id": "pool",
        "allocation_id": "AL-9",
    }
    return RequestLine(**(fields | changed))  # type: ignore[arg-type]


@pytest.fixture
def world() -> Iterator[World]:
    node = a_node(owned(a_segment("2025-12-01")))
    with node.transaction() as opened:
        yield opened


def commit(
    world: World,
    line: RequestLine | None = None,
    *,
    kind: RequestKind = RequestKind.NEW,
    held: Allocation | None = None,
) -> Decimal:
    line = line or a_line()
    request = a_request(kind, line)
    return commit_line(world, request=request, line=line, held=held, start=START, now=NOW)


def committed(world: World) -> dict[str, Decimal]:
    return {id: world.get(Budget, id).committed for id in (OWN, PAYER)}


def rows(world: World, state: CommitmentState = CommitmentState.COMMITTED) -> dict[str, Decimal]:
    return {row.month: row.amount for row in world.find(BudgetCommitment, state=state)}


def test_an_approved_line_commits_one_row_a_month_on_the_whole_chain(world: World) -> None:
    # 14/30 x 2 x 100 = 93.33, then 3 x 200.00
    assert commit(world) == Decimal("693.33")
    assert rows(world) == {
        "2026-09": Decimal("93.33"),
        "2026-10": Decimal("200.00"),
        "2026-11": Decimal("200.00"),
        "2026-12": Decimal("200.00"),
    }
    assert committed(world) == {OWN: Decimal("693.33"), PAYER: Decimal("693.33")}


def test_the_first_budget_that_cannot_take_it_is_named_and_nothing_is_committed() -> None:
    node = a_node(budgets=False)
    with node.transaction() as world:
        world.put(a_budget(payer_id="city-finance", approved="693.32"))
        world.put(a_budget(payer_id="city-finance", department_id="dep", approved="693.33"))
        with pytest.raises(CloudmgrError) as refused:
            commit(world)
        assert refused.value.code == "budget_exceeded"
        assert refused.value.details["budget"] == PAYER
        assert not rows(world)


def test_without_a_budget_nothing_is_approved() -> None:
    node = a_node(budgets=False)
    with node.transaction() as world, pytest.raises(CloudmgrError) as refused:
        commit(world)
    assert refused.value.code == "budget_not_set"


def test_a_change_commits_only_its_increase(world: World) -> None:
    held = world.get(Allocation, "AL-1")
    commit_opening(world, [held], 2026, at("01-01"))
    # from 1 to 3 VMs from 17 Sep: 14/30 x 3 x 100 + 16/30 x 100 - 100 = 140.00 + 53.33 - 100.00,
    # then 3 x 200.00
    change = a_line(quantity=3, allocation_id="AL-1")
    assert commit(world, change, kind=RequestKind.CHANGE, held=held) == Decimal("693.33")
    assert release_commitments(world, "REQ-1") == Decimal("693.33")
    assert committed(world)[OWN] == Decimal("1200.00")


def test_a_change_of_something_just_approved_counts_what_that_committed(world: World) -> None:
    held = owned(a_segment("09-17", 2), id="AL-9")
    commit(world)
    # 14/30 x 100 = 46.67 more in September (140.00 - 93.33), then 3 x 100.00
    request = replace(a_request(RequestKind.CHANGE, a_line(quantity=3)), id="REQ-2")
    asked = commit_line(
        world, request=request, line=a_line(quantity=3), held=held, start=START, now=NOW
    )
    assert asked == Decimal("346.67")


def test_a_change_to_less_commits_nothing(world: World) -> None:
    held = world.get(Allocation, "AL-1")
    commit_opening(world, [replace(held, quantity=5)], 2026, at("01-01"))
    change = a_line(quantity=3, allocation_id="AL-1")
    assert commit(world, change, kind=RequestKind.CHANGE, held=held) == 0


def test_a_renewal_commits_what_lies_behind_the_old_term(world: World) -> None:
    held = owned(a_segment("2025-12-01"), term_end=at("12-01"))
    commit_opening(world, [held], 2026, at("01-01"))
    line = a_line(quantity=1, term_months=6, allocation_id="AL-1")
    assert commit(world, line, kind=RequestKind.RENEW, held=held) == Decimal("100.00")
    assert rows(world)["2026-12"] == Decimal("100.00")
    # what runs past its term was committed to the year's end already
    assert commit_line(
        world, request=replace(a_request(RequestKind.RENEW, line), id="REQ-2"), line=line,
        held=replace(held, term_end=at("08-01")), start=START, now=NOW,
    ) == 0  # fmt: skip


def test_temporary_use_commits_its_days(world: World) -> None:
    # 15 days from 17 Sep: 14/30 x 200 = 93.33 and 1/31 x 200 = 6.45
    assert commit(world, kind=RequestKind.TEMPORARY) == Decimal("99.78")


def test_a_release_commits_nothing(world: World) -> None:
    assert commit(world, kind=RequestKind.RELEASE, held=world.get(Allocation, "AL-1")) == 0


def test_what_is_not_carried_out_is_freed(world: World) -> None:
    commit(world)
    assert release_commitments(world, "REQ-1") == Decimal("693.33")
    assert committed(world) == {OWN: Decimal("0.00"), PAYER: Decimal("0.00")}
    assert release_commitments(world, "REQ-1") == 0


def test_a_released_resource_frees_the_months_after_its_end(world: World) -> None:
    commit(world)
    # October has begun and stays until its statement; November and December are freed
    assert release_from(world, "AL-9", at("10-15")) == Decimal("400.00")
    assert set(rows(world)) == {"2026-09", "2026-10"}
    assert release_from(world, "AL-9", at("10-01")) == Decimal("200.00")


def test_the_opening_stock_is_committed_to_the_years_end(world: World) -> None:
    stock = [
        owned(a_segment("2025-12-01"), id="AL-1"),
        owned(a_segment("2025-12-01", 2), id="AL-2", term_end=at("03-01")),
    ]
    # 12 x 100.00 + 2 x 200.00
    assert commit_opening(world, stock, 2026, at("01-01")) == Decimal("1600.00")
    assert committed(world) == {OWN: Decimal("1600.00"), PAYER: Decimal("1600.00")}
    assert len(world.find(BudgetCommitment)) == 14


def test_what_runs_is_committed_even_beyond_the_budget() -> None:
    node = a_node(budgets=False)
    with node.transaction() as world:
        world.put(a_budget(payer_id="city-finance", approved="100.00"))
        commit_opening(world, [owned(a_segment("2025-12-01"))], 2026, at("01-01"))
        (budget,) = budget_chain(world, "dep", at("01-01"))
        assert budget.left == Decimal("-1100.00")


def test_a_statement_ends_the_months_commitment_and_makes_the_amount_due() -> None:
    node: MemoryNode = a_node(owned(a_segment("01-11")))
    with node.transaction() as world:
        commit_opening(world, world.find(Allocation), 2026, at("01-01"))
    close(node)
    with node.reading() as world:
        own, payer = (world.get(Budget, id) for id in (OWN, PAYER))
        posted = rows(world, CommitmentState.POSTED)
    # committed 12 x 100.00, January's 100.00 ended; due 21/31 x 100 = 67.74
    assert posted == {"2026-01": Decimal("100.00")}
    for budget in (own, payer):
        assert (budget.committed, budget.due) == (Decimal("1100.00"), Decimal("67.74"))


def test_commitments_of_a_month_that_brought_no_bill_end_with_it(world: World) -> None:
    commit_opening(world, [owned(a_segment("2025-12-01"), department_id="self")], 2026, at("12-01"))
    budgeted = post_month(world, JANUARY.plus(11), {"dep": Due("city-finance", amount("5.00"))})
    assert budgeted == {"dep"}
    assert rows(world) == {}
    assert rows(world, CommitmentState.RELEASED) == {"2026-12": Decimal("100.00")}
    assert world.get(Budget, "self/self/2026").committed == 0
    assert world.get(Budget, OWN).due == Decimal("5.00")


def test_a_payment_counts_once_on_each_budget_of_the_chain(world: World) -> None:
    pay_budgets(world, "city-finance", 2026, {"dep": amount("30.00"), "other": amount("12.00")})
    assert world.get(Budget, OWN).paid == Decimal("30.00")
    assert world.get(Budget, PAYER).paid == Decimal("42.00")


def test_rows_always_add_up_to_what_the_budget_says(world: World) -> None:
    commit(world)
    commit_opening(world, [owned(a_segment("2025-12-01"))], 2026, at("01-01"))
    release_from(world, "AL-9", at("11-10"))
    assert total(rows_of(world)) == world.get(Budget, OWN).committed


def rows_of(world: World) -> Iterator[Decimal]:
    return (row.amount for row in world.find(BudgetCommitment, state=CommitmentState.COMMITTED))
