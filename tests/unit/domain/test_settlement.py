"""Deductions, service credits, splitting to the fen, invoices and payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError, Invalid
from catalog.money import ZERO, amount, from_fen, total
from cloudmgr.domain.settlement import (
    DepartmentShare,
    Settlement,
    TaxInvoice,
    amounts,
    apportion,
    check_invoice,
    check_payment,
    part_of_payment,
    service_credit,
)
from tests.support.catalogs import a_standard
from tests.support.money import at

YUAN = st.integers(min_value=-10_000_00, max_value=10_000_00).map(from_fen)
POSITIVE = st.integers(min_value=1, max_value=10_000_00).map(from_fen)


def a_settlement(*, payable: str = "100.00", paid: str = "0.00") -> Settlement:
    gross = amount(payable)
    return Settlement(
        id="SE",
        payer_id="payer",
        payee_id="payee",
        provider_id="prv",
        contract_id="contract",
        cycle="2026-01",
        months=("2026-01",),
        sequence=1,
        line_count=1,
        lines_total=gross,
        service_credits=ZERO,
        gross=gross,
        shares=(DepartmentShare("dep", gross),),
        assessment_id="A",
        score=Decimal("95.00"),
        coefficient=Fraction(1),
        working="",
        deduction=ZERO,
        settled_before=ZERO,
        withheld_before=ZERO,
        payable=gross,
        drafted_at=at("02-20"),
        paid=amount(paid),
    )


def test_the_deduction_is_rounded_once_and_payable_is_the_rest() -> None:
    # 12345.67 x (1 - 29753/30000) = 12345.67 x 247/30000 = 101.6460... -> 101.65
    made = amounts(amount("12345.67"), Fraction(29753, 30000))
    assert (made.deduction, made.payable) == (Decimal("101.65"), Decimal("12244.02"))
    # a half fen goes up: 0.10 x (1 - 0.95) = 0.005 -> 0.01
    assert amounts(amount("0.10"), Fraction(19, 20)).deduction == Decimal("0.01")


@pytest.mark.parametrize("gross", ["0.00", "-12.34"])
def test_nothing_is_deducted_where_the_gross_is_not_positive(gross: str) -> None:
    made = amounts(amount(gross), Fraction(4, 5))
    assert (made.deduction, made.payable) == (ZERO, amount(gross))


@given(YUAN, st.fractions(min_value=0, max_value=1))
def test_deduction_and_payable_make_the_gross(gross: Decimal, share: Fraction) -> None:
    made = amounts(gross, share)
    assert made.deduction + made.payable == gross
    assert made.deduction >= 0


def test_a_service_credit_is_the_tiers_share_of_the_line() -> None:
    standard = a_standard()  # 99.9 %: below 99.9 % 10 %, below 99 % 30 %
    line = amount("123.45")
    assert service_credit(line, Fraction("0.9990"), standard) == ZERO
    # 123.45 x 0.1 = 12.345 -> 12.35
    assert service_credit(line, Fraction("0.9989"), standard) == Decimal("12.35")
    # 123.45 x 0.3 = 37.035 -> 37.04
    assert service_credit(line, Fraction("0.5"), standard) == Decimal("37.04")
    assert service_credit(amount("-5.00"), Fraction(0), standard) == ZERO


@given(YUAN, st.fractions(min_value=0, max_value=1))
def test_a_credit_is_never_above_its_line(line: Decimal, reached: Fraction) -> None:
    given_back = service_credit(line, reached, a_standard())
    assert 0 <= given_back <= max(line, ZERO)


def test_the_fen_left_over_goes_to_the_largest_fractions_ties_in_order() -> None:
    # 1.00 in thirds: 33 + 33 + 33, one fen left; all fractions equal, so the first has it
    thirds = apportion(amount("1.00"), [("a", amount("1")), ("b", amount("1")), ("c", amount("1"))])
    assert thirds == {"a": Decimal("0.34"), "b": Decimal("0.33"), "c": Decimal("0.33")}
    # 0.10 by 2 : 1 -> 6.67 and 3.33 fen -> 6 + 3, the fraction .67 is larger
    assert apportion(amount("0.10"), [("a", amount("2")), ("b", amount("1"))]) == {
        "a": Decimal("0.07"),
        "b": Decimal("0.03"),
    }


def test_signed_shares_split_with_their_sign() -> None:
    # 10.00 by 150 : -50 -> 15.00 and -5.00
    assert apportion(amount("10.00"), [("a", amount("150")), ("b", amount("-50"))]) == {
        "a": Decimal("15.00"),
        "b": Decimal("-5.00"),
    }


@given(YUAN, st.lists(st.tuples(st.sampled_from("abcdef"), YUAN), min_size=1, max_size=6))
def test_the_parts_add_up_to_the_amount(whole: Decimal, weights: list[tuple[str, Decimal]]) -> None:
    assume(total(weight for _, weight in weights))
    assert total(apportion(whole, weights).values()) == whole


def test_an_amount_cannot_be_split_over_nothing() -> None:
    with pytest.raises(Invalid):
        apportion(amount("1.00"), [("a", amount("1")), ("b", amount("-1"))])


@given(st.lists(POSITIVE, min_size=1, max_size=5), st.lists(POSITIVE, min_size=1, max_size=4))
def test_part_payments_never_drift(grosses: list[Decimal], payments: list[Decimal]) -> None:
    shares = [DepartmentShare(f"d{i}", gross) for i, gross in enumerate(grosses)]
    paid, by_department = ZERO, {share.department_id: ZERO for share in shares}
    for payment in payments:
        part = part_of_payment(shares, paid, payment)
        assert total(part.values()) == payment
        paid += payment
        by_department = {id: by_department[id] + part[id] for id in by_department}
    assert by_department == part_of_payment(shares, ZERO, paid)


def test_shares_that_cancel_out_count_alike() -> None:
    shares = [DepartmentShare("a", amount("5")), DepartmentShare("b", amount("-5"))]
    assert part_of_payment(shares, ZERO, amount("-3.00")) == {
        "a": Decimal("-1.50"),
        "b": Decimal("-1.50"),
    }


def an_invoice(**changed: object) -> TaxInvoice:
    invoice = TaxInvoice(
        id="payee/1",
        settlement_id="SE",
        provider_id="prv",
        payee_id="payee",
        number="24442000000012345678",
        issued_on=date(2026, 2, 25),
        tax_rate=Decimal("0.0600"),
        net=amount("94.34"),
        tax=amount("5.66"),
        total=amount("100.00"),
    )
    return replace(invoice, **changed)  # type: ignore[arg-type]


def test_an_invoice_says_what_is_payable() -> None:
    check_invoice(an_invoice(), amount("100.00"))
    for invoice, code in (
        (an_invoice(total=amount("99.99"), net=amount("94.33")), "invoice_mismatch"),
        (an_invoice(tax=amount("5.65")), "bad_value"),
        (an_invoice(number=" "), "bad_value"),
    ):
        with pytest.raises(CloudmgrError) as refused:
            check_invoice(invoice, amount("100.00"))
        assert refused.value.code == code


def test_payments_stay_within_what_is_left() -> None:
    assert check_payment(a_settlement(paid="40.00"), amount("60.00")) == ZERO
    assert check_payment(a_settlement(), amount("60.00")) == Decimal("40.00")
    assert check_payment(a_settlement(payable="-10.00"), amount("-4.00")) == Decimal("-6.00")
    assert check_payment(a_settlement(payable="0.00"), ZERO) == ZERO
    for payable, paid in (("100.00", "100.01"), ("100.00", "0.00"), ("-10.00", "4.00")):
        with pytest.raises(Invalid):
            check_payment(a_settlement(payable=payable), amount(paid))
