"""Budgets: committed -> due -> paid, changed by signed records only."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.budget import (
    Budget,
    BudgetChange,
    BudgetChangeKind,
    apply_change,
    check,
    commit,
    pay,
    post_due,
    release,
)
from tests.support.assessments import at
from tests.support.billing_world import a_budget

fen = st.integers(0, 5_000_000).map(lambda each: Decimal(each) / 100)


def budget(approved: str = "100.00", *, committed: str = "0.00", due: str = "0.00") -> Budget:
    made = a_budget(payer_id="treasury", department_id="health", approved=approved)
    return post_due(commit(made, Decimal(committed)), Decimal("0.00"), Decimal(due))


def change(kind: BudgetChangeKind, yuan: str) -> BudgetChange:
    return BudgetChange(
        id="BC-1",
        budget_id="b",
        kind=kind,
        amount=amount(yuan),
        document_number="test 1",
        at=at("01-05 09:00"),
    )


@pytest.mark.parametrize(
    ("kind", "approved"),
    [
        (BudgetChangeKind.INITIAL, "110.00"),
        (BudgetChangeKind.ADD, "110.00"),
        (BudgetChangeKind.CARRY, "110.00"),
        (BudgetChangeKind.CUT, "90.00"),
        (BudgetChangeKind.TAKE_BACK, "90.00"),
        (BudgetChangeKind.MOVE, "110.00"),
    ],
)
def test_the_kind_of_a_change_gives_its_sign(kind: BudgetChangeKind, approved: str) -> None:
    assert str(apply_change(budget(), change(kind, "10.00")).approved) == approved


def test_the_giving_side_of_a_move_is_negative_and_nothing_else_may_be() -> None:
    moved = apply_change(budget(), change(BudgetChangeKind.MOVE, "-10.00"))
    assert str(moved.approved) == "90.00"
    with pytest.raises(CloudmgrError, match="bad_value"):
        apply_change(budget(), change(BudgetChangeKind.ADD, "-10.00"))


def test_what_is_left_is_approved_less_committed_and_due() -> None:
    assert str(budget(committed="30.00", due="20.00").left) == "50.00"
    assert pay(budget(due="20.00"), Decimal("5.00")).left == Decimal("80.00"), "paid is part of due"


def test_the_first_budget_that_cannot_take_the_amount_is_named() -> None:
    payer = a_budget(payer_id="treasury", approved="40.00")
    check((budget(), payer), Decimal("40.00"))
    with pytest.raises(CloudmgrError) as refused:
        check((budget(), payer), Decimal("40.01"))
    assert refused.value.code == "budget_exceeded"
    assert refused.value.details == {
        "budget": "treasury/-/2026",
        "left": "40.00",
        "asked": "40.01",
    }


def test_what_asks_for_no_money_is_not_refused_where_more_runs_than_was_approved() -> None:
    over = budget(committed="130.00")
    check((over,), Decimal("0.00"))
    with pytest.raises(CloudmgrError, match="budget_exceeded"):
        check((over,), Decimal("0.01"))


@given(steps=st.lists(st.tuples(st.sampled_from("crip"), fen), max_size=30))
def test_whatever_happens_the_stages_add_up_to_the_fen(steps: list[tuple[str, Decimal]]) -> None:
    own = budget(approved="100000.00")
    for step, yuan in steps:
        if step == "c" and yuan <= own.left:
            own = commit(own, yuan)
        elif step == "r":
            own = release(own, min(yuan, own.committed))
        elif step == "i":
            own = post_due(own, min(yuan, own.committed), min(yuan, own.committed))
        elif step == "p":
            own = pay(own, min(yuan, own.due - own.paid))
        assert own.committed + own.due + own.left == own.approved
        assert Decimal(0) <= own.paid <= own.due
        assert own.left >= 0
