"""Sums of lines, what an objection may name and what a credit may give."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Conflict, Invalid
from catalog.money import amount, from_fen, total
from cloudmgr.domain.billing import (
    BillingPeriod,
    Credit,
    CreditNote,
    PeriodState,
    Statement,
    StatementState,
    StatementTitle,
    check_credits,
    check_objection,
    credit_lines,
    issued_statement,
    line_text,
    sums_by_department,
)
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.lines import LineKind, RatedLine, line_amount
from tests.support.money import a_segment, at, rated

(LINE,) = rated(a_segment("2025-12-01", 2))
FEN = st.integers(min_value=-1_000_00, max_value=1_000_00).map(from_fen)


def lines(*values: Decimal) -> list[RatedLine]:
    """Lines of two departments and two payees, alternating."""
    return [
        replace(LINE, id=f"L{i}", amount=value, department_id=f"d{i % 2}", payee_id=f"p{i % 3 % 2}")
        for i, value in enumerate(values)
    ]


@given(st.lists(FEN, max_size=30))
def test_statements_add_up_to_their_lines_and_payees_to_statements(values: list[Decimal]) -> None:
    sums = sums_by_department(lines(*values))
    assert total(each.total for each in sums.values()) == total(values)
    assert sum(each.line_count for each in sums.values()) == len(values)
    for each in sums.values():
        assert total(each.by_payee.values()) == each.total


def test_what_the_payer_waives_lowers_the_statement_but_not_what_the_payee_is_owed() -> None:
    waiver = replace(LINE, id="w", kind=LineKind.WAIVER, amount=amount("-30"))
    (summed,) = sums_by_department([LINE, waiver]).values()
    assert summed.total == Decimal("170.00")
    assert summed.by_payee == {"prv": Decimal("200.00")}
    assert summed.waived == {"prv": Decimal("-30.00")}


def test_only_contracts_under_which_something_is_charged_have_to_be_settled() -> None:
    free = replace(LINE, id="t", amount=amount("0"), contract_id="other")
    summed = sums_by_department([LINE, free])["dep"]
    made = issued_statement(
        "2026-01", "dep", summed, issued_at=at("02-05"), due_at=at("02-13"), budgeted=True
    )
    assert made.contract_ids == ("contract",)
    assert (made.id, made.total, made.line_count) == ("ST-2026-01/dep", Decimal("200.00"), 2)
    assert made.title is StatementTitle.CONFIRMATION


def a_statement(state: StatementState, *objected: str) -> Statement:
    summed = sums_by_department([LINE])["dep"]
    made = issued_statement(
        "2026-01", "dep", summed, issued_at=at("02-05"), due_at=at("02-13"), budgeted=True
    )
    if state is StatementState.ISSUED:
        return made
    return advance(made, state, objected_line_ids=objected)


def test_lines_wait_for_a_confirmation_and_objected_ones_for_an_answer() -> None:
    assert a_statement(StatementState.ISSUED).holds(LINE.id)
    assert not a_statement(StatementState.CONFIRMED).holds(LINE.id)
    assert a_statement(StatementState.OBJECTED, LINE.id).holds(LINE.id)
    assert not a_statement(StatementState.OBJECTED, "another").holds(LINE.id)


def test_a_settled_statement_is_final_and_an_issued_one_does_not_settle() -> None:
    settled = advance(a_statement(StatementState.CONFIRMED), StatementState.SETTLED)
    for statement in (settled, a_statement(StatementState.ISSUED)):
        to = StatementState.CONFIRMED if statement is settled else StatementState.SETTLED
        with pytest.raises(Conflict) as refused:
            advance(statement, to)
        assert refused.value.code == "illegal_transition"


def test_an_open_period_is_not_closed_without_grace() -> None:
    with pytest.raises(Conflict):
        advance(BillingPeriod(id="2026-01"), PeriodState.CLOSED)


def test_objections_name_lines_of_the_statement() -> None:
    check_objection([LINE], (LINE.id,), "off since the 5th")
    with pytest.raises(Invalid, match="not lines of this statement"):
        check_objection([LINE], (LINE.id, "foreign"), "why")


def test_credits_stay_within_the_lines_objected_to() -> None:
    objected = a_statement(StatementState.OBJECTED, LINE.id)
    check_credits(objected, [LINE], (Credit(LINE.id, amount("200")),))
    for credits in (
        (),
        (Credit(LINE.id, amount("200.01")),),
        (Credit(LINE.id, amount("1")), Credit(LINE.id, amount("1"))),
        (Credit("other", amount("1")),),
    ):
        with pytest.raises(Invalid):
            check_credits(objected, [LINE, replace(LINE, id="other")], credits)


def test_a_credit_line_explains_itself() -> None:
    note = CreditNote(
        id="CN-1",
        statement_id="ST-2026-01/dep",
        department_id="dep",
        month="2026-02",
        credits=(Credit(LINE.id, amount("12.34")),),
        reason="off",
        total=amount("12.34"),
        issued_at=at("02-10"),
        issued_by="fin",
    )
    (line,) = credit_lines(note, [LINE], {"dep": "city-finance"})
    assert line.amount == Decimal("-12.34")
    assert line.amount == line_amount(line.quantity, line.per_unit, line.fraction, line.unit_price)
    assert (line.month, line.served_month, line.corrects) == ("2026-02", "2026-01", LINE.id)
    assert line.id == "RL-2026-02/AL-1/CN-1-001"


def test_the_text_of_a_line_changes_with_its_content_and_not_with_its_state() -> None:
    assert line_text(replace(LINE, version=7, statement_id="ST")) == line_text(LINE)
    for changed in (
        replace(LINE, quantity=3),
        replace(LINE, amount=amount("1")),
        replace(LINE, quote_id="q2"),
    ):
        assert line_text(changed) != line_text(LINE)
