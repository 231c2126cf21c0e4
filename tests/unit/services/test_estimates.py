"""What is shown before anybody signs: prices by pool, with reasons, and the money of the year."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.services.estimates import Estimate, estimate
from cloudmgr.services.pools import SetInventory
from tests.support.requests import a_line, approved, drafted, running
from tests.support.supply import VCPU
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def shown(town: Town, request: ResourceRequest) -> Estimate:
    before = town.snapshot()
    with town.reading() as world:
        found = estimate(world, request, town.now)
    assert town.snapshot() == before, "looking reserves nothing"
    return found


def test_every_pool_is_listed_with_its_price_or_what_refuses_it(town: Town) -> None:
    request = drafted(town, a_line(quantity=2), a_line(line=2, sku_id="vm-kp"))
    found = shown(town, request)
    assert [(c.line, c.pool_id, c.refused_by) for c in found.candidates] == [
        (1, "x86", None),
        (1, "kunpeng", None),
        (2, "kunpeng", None),
        (2, "x86", "stack"),
    ]
    assert found.candidates[0].monthly_price == Decimal("1800.00")
    assert found.monthly_price == Decimal("2890.00"), "the dearest of each line: 1900 and 990"


def test_what_is_shown_as_committed_is_what_the_approval_commits(town: Town) -> None:
    line = a_line(quantity=3, pool_id="x86")
    promised = shown(town, drafted(town, line)).commitment
    request = approved(town, line)
    rows = town.all(BudgetCommitment, source_id=request.id)
    assert promised == sum((row.amount for row in rows), Decimal(0)) > 0


def test_the_least_that_is_left_on_the_chain_is_shown(town: Town) -> None:
    assert shown(town, drafted(town)).budget_left == Decimal("500000.00")
    town.change(town.look(Budget, "treasury/-/2026"), approved=Decimal("10.00"))
    found = shown(town, drafted(town))
    assert (found.budget_left, found.over_budget) == (Decimal("10.00"), True)


def test_a_budget_that_is_not_set_is_not_zero(town: Town) -> None:
    for budget in town.all(Budget):
        del town.records[Budget][budget.id]
    found = shown(town, drafted(town))
    assert (found.budget_left, found.over_budget) == (None, False)


def test_a_change_counts_what_it_adds(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    more = a_line(quantity=3, allocation_id=allocation.id)
    found = shown(town, drafted(town, more, kind=RequestKind.CHANGE))
    assert found.monthly_price == Decimal("900.00")
    assert [each.pool_id for each in found.candidates] == ["x86"], "it stays in its pool"
    less = a_line(quantity=1, allocation_id=allocation.id)
    assert shown(town, drafted(town, less, kind=RequestKind.CHANGE)).monthly_price == 0


def test_a_release_costs_nothing_and_is_never_over_budget(town: Town) -> None:
    allocation = running(town)
    town.change(town.look(Budget, "treasury/health/2026"), approved=Decimal("0.01"))
    line = a_line(allocation_id=allocation.id)
    found = shown(town, drafted(town, line, kind=RequestKind.RELEASE))
    assert found.monthly_price == found.commitment == 0
    assert not found.over_budget


def test_an_expected_use_is_priced_through_its_tiers(town: Town) -> None:
    request = drafted(town, a_line(sku_id="traffic", estimate_units=1000, pool_id="x86"))
    assert shown(town, request).monthly_price == Decimal("500.00")


def test_a_full_pool_is_not_the_dearest_candidate_while_another_has_room(town: Town) -> None:
    town.give(SetInventory(pool_id="kunpeng", resource_class=VCPU, total=1), "centre.a")
    found = shown(town, drafted(town))
    assert found.monthly_price == Decimal("900.00")
    assert {c.pool_id: c.refused_by for c in found.candidates}["kunpeng"] == "capacity"


def test_a_pool_that_is_named_is_the_only_candidate(town: Town) -> None:
    found = shown(town, drafted(town, a_line(pool_id="kunpeng")))
    assert [each.pool_id for each in found.candidates] == ["kunpeng"]
    with pytest.raises(CloudmgrError, match="not_found"):
        shown(town, drafted(town, a_line(pool_id="nowhere")))


def test_lines_that_fit_one_by_one_but_not_together_are_warned_of(town: Town) -> None:
    """Each takes the best pool that the lines before it leave; 100 vCPU are in either pool."""
    lines = [a_line(line=number, sku_id="vm-large") for number in range(1, 59)]
    assert "no_pool" not in {each.code for each in shown(town, drafted(town, *lines[:50])).warnings}
    kept = [replace(line, pool_id="x86") for line in lines]
    told = [each for each in shown(town, drafted(town, *kept)).warnings if each.code == "no_pool"]
    assert [each.sentence[:24] for each in told[:2]] == [
        "no pool can take line 26",
        "no pool can take line 27",
    ]
    assert told[-1].sentence == "and 28 more lines find no pool with room"


def test_lines_that_ask_for_the_same_are_told_the_same_under_their_own_numbers(town: Town) -> None:
    found = shown(town, drafted(town, a_line(quantity=2), a_line(line=2, quantity=2)))
    first, second = (
        [replace(view, line=0) for view in found.candidates if view.line == line] for line in (1, 2)
    )
    assert first == second
    assert len(first) == 2
