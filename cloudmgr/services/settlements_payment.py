"""From the reviewed settlement to the treasury's voucher: invoice, payment request, payments.

Owns those three commands and what a payment moves: journal and budgets. What came before is
`settlements`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from catalog.money import Yuan
from catalog.period import Month
from cloudmgr.domain import journal
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value, not_found
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.settlement import (
    Payment,
    Settlement,
    SettlementState,
    TaxInvoice,
    TaxRate,
    check_invoice,
    check_payment,
    part_of_payment,
)
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.commitments import pay_budgets
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInvoice(Command):
    """The payee's tax invoice for a settlement: net + tax = total = what is payable."""

    settlement_id: str
    number: str
    issued_on: date
    tax_rate: TaxRate
    net: Yuan
    tax: Yuan
    total: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment(Command):
    """Finance asks the treasury to pay an invoiced settlement."""

    settlement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment(Command):
    """The treasury paid `amount` by a voucher; several may pay one settlement in parts."""

    settlement_id: str
    voucher_number: str
    amount: Yuan


@handles(Role.PROVIDER, Role.OPERATING_COMPANY, own=(Role.OPERATING_COMPANY,))
def record_invoice(world: World, command: RecordInvoice, actor: Actor, now: datetime) -> Settlement:
    """Raises `invoice_mismatch`, `already_exists` for a number used before."""
    settlement = world.get(Settlement, command.settlement_id)
    own = actor.has_in(settlement.provider_id, Role.PROVIDER)
    if not own and not actor.has_in(settlement.payee_id, Role.OPERATING_COMPANY):
        raise not_found("Settlement", settlement.id)
    invoice = TaxInvoice(
        id=f"{settlement.payee_id}/{command.number}",
        settlement_id=settlement.id,
        provider_id=settlement.provider_id,
        payee_id=settlement.payee_id,
        number=command.number,
        issued_on=command.issued_on,
        tax_rate=command.tax_rate,
        net=command.net,
        tax=command.tax,
        total=command.total,
    )
    invoiced = advance(settlement, SettlementState.INVOICED, invoice_id=invoice.id)
    assert settlement.payable is not None, f"{settlement.id} was reviewed without an amount"
    check_invoice(invoice, settlement.payable)
    world.put(invoice)
    return world.put(invoiced)


@handles(Role.FINANCE)
def request_payment(
    world: World, command: RequestPayment, actor: Actor, now: datetime
) -> Settlement:
    settlement = world.get(Settlement, command.settlement_id)
    return world.put(advance(settlement, SettlementState.PAYMENT_REQUESTED, requested_at=now))


@handles(Role.FINANCE)
def record_payment(world: World, command: RecordPayment, actor: Actor, now: datetime) -> Settlement:
    """Raises `bad_value` for more than is left to pay, `already_exists` for a voucher used."""
    settlement = world.get(Settlement, command.settlement_id)
    requested = (SettlementState.PAYMENT_REQUESTED, SettlementState.PARTLY_PAID)
    if settlement.state not in requested:
        settlement.LIFECYCLE.require(settlement.id, settlement.state, SettlementState.PARTLY_PAID)
    if not command.voucher_number.strip():
        raise bad_value("voucher_number", "a payment names its treasury voucher")
    left = check_payment(settlement, command.amount)
    payment = world.put(
        Payment(
            id=f"{settlement.id}/{command.voucher_number}",
            settlement_id=settlement.id,
            provider_id=settlement.provider_id,
            voucher_number=command.voucher_number,
            amount=command.amount,
            at=now,
        )
    )
    _post(world, settlement, payment)
    paid = replace(settlement, paid=settlement.paid + command.amount)
    if not left:
        return world.put(advance(paid, SettlementState.PAID, paid_at=now))
    if settlement.state is SettlementState.PARTLY_PAID:
        return world.put(paid)
    return world.put(advance(paid, SettlementState.PARTLY_PAID))


def _post(world: World, settlement: Settlement, payment: Payment) -> None:
    """The payer's money for its departments comes in and goes out to the payee."""
    if not payment.amount:
        return
    departments = part_of_payment(settlement.shares, settlement.paid, payment.amount)
    source = journal.Source(id=payment.id, month=settlement.cycle, at=payment.at)
    world.put(journal.funding(source, payer_id=settlement.payer_id, departments=departments))
    world.put(
        journal.payment(
            source,
            payer_id=settlement.payer_id,
            payee_id=settlement.payee_id,
            amount=payment.amount,
        )
    )
    pay_budgets(world, settlement.payer_id, Month.parse(settlement.cycle).year, departments)
