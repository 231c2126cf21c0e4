"""Settlements (结算单): what a payer owes a payee under a contract for a cycle, to its payment.

Owns service-standard credits, the deduction, the true-up against what was settled before, and the
settlement's life. Which coefficient a score gives is `coefficients`; the postings are `journal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, ClassVar

from catalog.money import FEN, ZERO, Exact, Yuan, from_fen, round_half_away, to_fen, total
from catalog.standards import ServiceStandard
from cloudmgr.domain.assessment import Score
from cloudmgr.domain.errors import bad_value, invoice_mismatch
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.values import Value

TaxRate = Annotated[Decimal, Exact(4)]


class SettlementState(StrEnum):
    DRAFTED = "drafted"
    HELD = "held"
    CONFIRMED = "confirmed"
    FINANCE_REVIEWED = "finance_reviewed"
    INVOICED = "invoiced"
    PAYMENT_REQUESTED = "payment_requested"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"


_S = SettlementState


@dataclass(frozen=True, slots=True)
class DepartmentShare:
    """What of a settlement's gross a department's lines make up; may be negative."""

    department_id: str
    gross: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Value):
    """结算单 number `sequence` of a payer, payee, contract and cycle (its first month).

    gross = confirmed lines less service credits, of the whole cycle; payable = gross - deduction
    - `settled_before`, what earlier settlements of the same key came to. `withheld_before` is what
    those kept back of the lines. Deduction, payable and coefficient are None while payment is held
    and nobody has decided. The names are the official ones of the day it was drafted.
    """

    payer_id: str
    payee_id: str
    provider_id: str
    contract_id: str
    cycle: str
    months: tuple[str, ...]
    sequence: int
    line_count: int
    lines_total: Yuan
    service_credits: Yuan
    gross: Yuan
    shares: tuple[DepartmentShare, ...]
    assessment_id: str
    score: Score | None
    coefficient: Ratio | None
    working: str
    deduction: Yuan | None
    settled_before: Yuan
    withheld_before: Yuan
    payable: Yuan | None
    drafted_at: datetime
    payer_name: str = ""
    payee_name: str = ""
    proposed_coefficient: Ratio | None = None
    proposed_by: str | None = None
    decided_by: str | None = None
    reason: str = ""
    provider_confirmed_by: str | None = None
    payer_confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    invoice_id: str | None = None
    requested_at: datetime | None = None
    paid: Yuan = ZERO
    paid_at: datetime | None = None
    state: SettlementState = SettlementState.DRAFTED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Settlement",
        {
            _S.DRAFTED: ("拟制", (_S.CONFIRMED, _S.HELD)),
            _S.HELD: ("暂停支付", (_S.DRAFTED,)),
            _S.CONFIRMED: ("双方确认", (_S.FINANCE_REVIEWED,)),
            _S.FINANCE_REVIEWED: ("财政审核", (_S.INVOICED,)),
            _S.INVOICED: ("已开票", (_S.PAYMENT_REQUESTED,)),
            _S.PAYMENT_REQUESTED: ("支付申请", (_S.PARTLY_PAID, _S.PAID)),
            _S.PARTLY_PAID: ("部分支付", (_S.PAID,)),
            _S.PAID: ("已支付", ()),
        },
    )

    @property
    def payable_total(self) -> Decimal:
        """What the key comes to with this settlement, earlier ones included."""
        return self.settled_before + (self.payable or ZERO)

    @property
    def withheld(self) -> Decimal:
        """What this settlement keeps back of the lines: credits and deduction, less what earlier
        ones kept back; negative where it gives some of that back."""
        return self.lines_total - self.payable_total - self.withheld_before


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxInvoice(Value):
    """发票 for a settlement; `total` (价税合计) equals what is payable."""

    settlement_id: str
    provider_id: str
    payee_id: str
    number: str
    issued_on: date
    tax_rate: TaxRate
    net: Yuan
    tax: Yuan
    total: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Value):
    """A treasury payment of a settlement, named by its voucher (支付凭证)."""

    settlement_id: str
    provider_id: str
    voucher_number: str
    amount: Yuan
    at: datetime


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a coefficient makes of a gross: the deduction and what is payable, in yuan."""

    deduction: Decimal
    payable: Decimal


def amounts(gross: Decimal, coefficient: Fraction) -> Amounts:
    """deduction = round(gross x (1 - c)), none where gross is not positive; payable = the rest."""
    deduction = round_half_away(Fraction(gross) * (1 - coefficient)) if gross > 0 else ZERO
    return Amounts(deduction, gross - deduction)


def service_credit(amount: Decimal, availability: Fraction, standard: ServiceStandard) -> Decimal:
    """What a line gives back because its month's availability fell below the standard.

    The tier's share of the line, rounded to the fen, never above it; nothing for a line that
    charges nothing.
    """
    if amount <= 0:
        return ZERO
    return min(round_half_away(Fraction(amount) * standard.credit_share(availability)), amount)


def apportion(amount: Decimal, weights: Sequence[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Split an amount by weights to the fen: the floor of each signed share, the fen left over to
    the largest fractions, ties in the order given. The parts add up to `amount` exactly.

    Raises `bad_value` when the weights add up to nothing while the amount is not zero.
    """
    whole = total(weight for _, weight in weights)
    if not whole:
        if amount:
            raise bad_value("weights", f"{amount} yuan cannot be split over shares of nothing")
        return {key: ZERO for key, _ in weights}
    fen = to_fen(amount)
    exact = [fen * Fraction(weight) / Fraction(whole) for _, weight in weights]
    floors = [share.numerator // share.denominator for share in exact]
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for index in order[: fen - sum(floors)]:
        floors[index] += 1
    parts: dict[str, Decimal] = {}
    for (key, _), share in zip(weights, floors, strict=True):
        parts[key] = parts.get(key, ZERO) + from_fen(share)
    return parts


def part_of_payment(
    shares: Sequence[DepartmentShare], paid_before: Decimal, amount: Decimal
) -> Mapping[str, Decimal]:
    """What a payment means for each department, so that part payments never drift: the split of
    all paid so far less the split of what was paid before. Shares that add up to nothing (a
    cycle taken back whole) count alike."""
    flat = not total(share.gross for share in shares)
    weights = [(share.department_id, FEN if flat else share.gross) for share in shares]
    before, after = apportion(paid_before, weights), apportion(paid_before + amount, weights)
    return {key: after[key] - before[key] for key in after}


def check_invoice(invoice: TaxInvoice, payable: Decimal) -> None:
    """Raise `bad_value` unless net + tax = total, `invoice_mismatch` unless that is payable."""
    if not invoice.number.strip():
        raise bad_value("number", "an invoice has a number")
    if invoice.net + invoice.tax != invoice.total:
        raise bad_value("total", f"net {invoice.net} and tax {invoice.tax} do not add up to it")
    if invoice.total != payable:
        raise invoice_mismatch(str(invoice.total), str(payable))


def check_payment(settlement: Settlement, amount: Decimal) -> Decimal:
    """What is left to pay after `amount`; raises `bad_value` for nothing or for too much.

    A negative payable (a true-up in the payer's favour) is paid back in negative amounts.
    """
    left = (settlement.payable or ZERO) - settlement.paid
    if not amount and left:
        raise bad_value("amount", "a payment is not nothing")
    if not min(left, ZERO) <= amount <= max(left, ZERO):
        raise bad_value("amount", f"{amount} yuan are more than the {left} yuan left to pay")
    return left - amount
