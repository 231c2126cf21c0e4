"""Invoice, payment request and the treasury's vouchers: what each must say and what it moves."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from catalog.money import amount, total
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.settlement import SettlementState
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.settlements import ReviewSettlement
from cloudmgr.services.settlements_payment import RecordInvoice, RecordPayment, RequestPayment
from tests.support.billing_world import FINANCE, OTHER_PROVIDER, PROVIDER, SECOND_FINANCE, do
from tests.support.settling import ID, LATER, balances, closed, confirmed, draft, refusal


def invoice(total_yuan: str, *, number: str = "N1") -> RecordInvoice:
    return RecordInvoice(
        settlement_id=ID,
        number=number,
        issued_on=date(2026, 2, 26),
        tax_rate=Decimal("0.06"),
        net=amount(total_yuan),
        tax=amount("0.00"),
        total=amount(total_yuan),
    )


def invoiced(node: MemoryNode) -> None:
    confirmed(node)
    do(node, ReviewSettlement(settlement_id=ID), SECOND_FINANCE, LATER)
    do(node, invoice("268.12"), PROVIDER, LATER)


def test_the_invoice_says_what_is_payable_and_its_number_is_used_once() -> None:
    node = closed()
    draft(node)
    assert refusal(node, invoice("268.12"), PROVIDER) == "illegal_transition"
    confirmed(node)
    do(node, ReviewSettlement(settlement_id=ID), SECOND_FINANCE, LATER)
    assert refusal(node, invoice("268.13"), PROVIDER) == "invoice_mismatch"
    made = do(node, invoice("268.12"), PROVIDER, LATER)
    assert (made.state, made.invoice_id) == (SettlementState.INVOICED, "prv/N1")


def test_payments_in_parts_are_posted_and_counted_as_paid() -> None:
    node = closed()
    draft(node)
    invoiced(node)
    pay = RecordPayment(settlement_id=ID, voucher_number="V1", amount=amount("100.00"))
    assert refusal(node, pay) == "illegal_transition"
    do(node, RequestPayment(settlement_id=ID), FINANCE, LATER)
    part = do(node, pay, FINANCE, LATER)
    assert (part.state, part.paid) == (SettlementState.PARTLY_PAID, Decimal("100.00"))
    assert refusal(node, pay) == "already_exists"
    over = RecordPayment(settlement_id=ID, voucher_number="V2", amount=amount("168.13"))
    assert refusal(node, over) == "bad_value"
    rest = RecordPayment(settlement_id=ID, voucher_number="V2", amount=amount("168.12"))
    assert do(node, rest, FINANCE, LATER).state is SettlementState.PAID
    assert balances(node) == {
        "Deductions:city-finance": Decimal("-6.88"),
        "Receivable:city-finance:dep": Decimal("6.88"),
    }
    assert total(balances(node).values()) == 0
    with node.reading() as world:
        assert [each.paid for each in world.find(Budget, payer_id="city-finance")] == [
            Decimal("268.12"),
            Decimal("268.12"),
        ]


def test_an_invoice_for_another_providers_settlement_is_not_found() -> None:
    node = closed()
    draft(node)
    assert refusal(node, invoice("268.12"), OTHER_PROVIDER) == "not_found"
