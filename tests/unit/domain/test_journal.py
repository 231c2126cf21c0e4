"""Double entry: every set balances, or does not exist."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Conflict
from catalog.money import ZERO, amount, from_fen, total
from cloudmgr.domain import journal
from cloudmgr.domain.journal import Posting, PostingKind, PostingSet, trial_balance
from cloudmgr.services import codec
from tests.support.money import at

SOURCE = journal.Source(id="ST-1", month="2026-01", at=at("02-05"))
YUAN = st.integers(min_value=-10_000_00, max_value=10_000_00).map(from_fen)


def test_a_set_that_does_not_balance_is_refused() -> None:
    with pytest.raises(Conflict) as refused:
        PostingSet(
            id="PS",
            kind=PostingKind.ISSUE,
            source_id="ST-1",
            month="2026-01",
            at=at("02-05"),
            postings=(Posting("a", amount("1.00")), Posting("b", amount("-0.99"))),
        )
    assert refused.value.code == "unbalanced"
    assert "0.01" in refused.value.message


def test_a_month_from_issue_to_payment_leaves_only_the_deduction_open() -> None:
    """1 000.00 issued, 25.00 of it waived, 40.00 deducted, 960.00 paid for two departments."""
    payer = "fin"
    sets = [
        journal.issue(
            SOURCE, payer_id=payer, department_id="a", payee_id="p", amount=amount("600")
        ),
        journal.issue(
            SOURCE, payer_id=payer, department_id="b", payee_id="p", amount=amount("400")
        ),
        journal.waiver(
            SOURCE, payer_id=payer, department_id="b", payee_id="p", amount=amount("25")
        ),
        journal.deduction(SOURCE, payer_id=payer, payee_id="p", amount=amount("40")),
        journal.funding(
            SOURCE, payer_id=payer, departments={"a": amount("576"), "b": amount("384")}
        ),
        journal.payment(SOURCE, payer_id=payer, payee_id="p", amount=amount("960")),
    ]
    balances = trial_balance(sets)
    assert {account: balance for account, balance in balances.items() if balance} == {
        "Deductions:fin": Decimal("-40.00"),
        "Receivable:fin:a": Decimal("24.00"),
        "Receivable:fin:b": Decimal("-9.00"),
        "Subsidy:fin": Decimal("25.00"),
    }
    assert total(balances.values()) == ZERO


def test_a_deduction_may_be_passed_on_to_the_departments() -> None:
    made = journal.deduction(
        SOURCE,
        payer_id="fin",
        payee_id="p",
        amount=amount("3.00"),
        departments={"a": amount("2.00"), "b": amount("1.00")},
    )
    assert trial_balance([made]) == {
        "Payable:p": Decimal("3.00"),
        "Receivable:fin:a": Decimal("-2.00"),
        "Receivable:fin:b": Decimal("-1.00"),
    }


@given(st.lists(YUAN, max_size=20))
def test_whatever_is_posted_the_trial_balance_is_zero(values: list[Decimal]) -> None:
    sets = [
        journal.issue(SOURCE, payer_id="x", department_id=f"d{i % 3}", payee_id="p", amount=value)
        for i, value in enumerate(values)
    ]
    assert total(trial_balance(sets).values()) == ZERO


@given(YUAN)
def test_a_reversal_is_the_exact_negative(value: Decimal) -> None:
    made = journal.payment(SOURCE, payer_id="x", payee_id="p", amount=value)
    undone = journal.reversal(made, journal.Source(id="CN-1", month="2026-02", at=at("03-05")))
    assert not any(trial_balance([made, undone]).values())
    assert undone.id != made.id


def test_a_set_read_back_is_checked_again() -> None:
    made = journal.payment(SOURCE, payer_id="x", payee_id="p", amount=amount("5"))
    data = codec.dump(made)
    assert codec.load(PostingSet, data) == made
    data["postings"][0]["amount"] = "4.00"
    with pytest.raises(Conflict):
        codec.load(PostingSet, data)
