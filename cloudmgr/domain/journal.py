"""The journal (内部往来账,非法定账簿): double entry, every posting set sums to zero.

Owns accounts and which set each event makes (DOMAIN.md 9); why an amount is what it is belongs to
billing and settlement. A positive amount is a debit, a negative one a credit, so a correction is
the same set with a negative amount.

    issue       Dr Receivable:payer:department   Cr Payable:payee
    waiver      Dr Subsidy:payer                 Cr Receivable:payer:department
    deduction   Dr Payable:payee                 Cr Deductions:payer, or Receivable
    funding     Dr Cash:payer                    Cr Receivable:payer:department
    payment     Dr Payable:payee                 Cr Cash:payer
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from catalog.money import ZERO, Yuan, total
from cloudmgr.domain.errors import unbalanced
from cloudmgr.domain.values import Value


class PostingKind(StrEnum):
    ISSUE = "issue"
    WAIVER = "waiver"
    DEDUCTION = "deduction"
    FUNDING = "funding"
    PAYMENT = "payment"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` yuan on an account: a debit when positive, a credit when negative."""

    account: str
    amount: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSet(Value):
    """One event's postings; refuses to exist unbalanced (`unbalanced`).

    `source_id` is the statement, settlement or payment behind it, `month` the billing month.
    """

    kind: PostingKind
    source_id: str
    month: str
    at: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        difference = total(posting.amount for posting in self.postings)
        if difference:
            raise unbalanced(self.id, str(difference))


def receivable(payer_id: str, department_id: str) -> str:
    return f"Receivable:{payer_id}:{department_id}"


def payable(payee_id: str) -> str:
    return f"Payable:{payee_id}"


def deductions(payer_id: str) -> str:
    return f"Deductions:{payer_id}"


def cash(payer_id: str) -> str:
    return f"Cash:{payer_id}"


def subsidy(payer_id: str) -> str:
    return f"Subsidy:{payer_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a posting set is about: the paper's id, its billing month and the instant."""

    id: str
    month: str
    at: datetime


def issue(
    source: Source, *, payer_id: str, department_id: str, payee_id: str, amount: Decimal
) -> PostingSet:
    """A statement is issued: the payer owes for the department, we owe the payee."""
    return _set(
        source,
        PostingKind.ISSUE,
        payee_id,
        {receivable(payer_id, department_id): amount, payable(payee_id): -amount},
    )


def waiver(
    source: Source, *, payer_id: str, department_id: str, payee_id: str, amount: Decimal
) -> PostingSet:
    """The payer waives `amount` of a department's charge; the payee is owed all the same."""
    return _set(
        source,
        PostingKind.WAIVER,
        payee_id,
        {subsidy(payer_id): amount, receivable(payer_id, department_id): -amount},
    )


def deduction(
    source: Source,
    *,
    payer_id: str,
    payee_id: str,
    amount: Decimal,
    departments: Mapping[str, Decimal] | None = None,
) -> PostingSet:
    """Less is owed to the payee: for bad marks, or as service credits.

    It stays with the payer; with `departments` (shares that add up to `amount`) it is passed on
    to them instead.
    """
    credited = (
        {deductions(payer_id): -amount}
        if departments is None
        else {receivable(payer_id, d): -share for d, share in departments.items()}
    )
    return _set(source, PostingKind.DEDUCTION, payee_id, {payable(payee_id): amount, **credited})


def funding(source: Source, *, payer_id: str, departments: Mapping[str, Decimal]) -> PostingSet:
    """The payer's money arrives for its departments; the shares are what each one's is."""
    credited = {receivable(payer_id, d): -share for d, share in departments.items()}
    arrived = total(departments.values())
    return _set(source, PostingKind.FUNDING, payer_id, {cash(payer_id): arrived, **credited})


def payment(source: Source, *, payer_id: str, payee_id: str, amount: Decimal) -> PostingSet:
    """The payee is paid from the payer's money."""
    return _set(
        source,
        PostingKind.PAYMENT,
        payee_id,
        {payable(payee_id): amount, cash(payer_id): -amount},
    )


def reversal(of: PostingSet, source: Source) -> PostingSet:
    """The exact negative of a set, under its own paper."""
    return PostingSet(
        id=f"PS-{source.id}/reverses/{of.id}",
        kind=PostingKind.REVERSAL,
        source_id=source.id,
        month=source.month,
        at=source.at,
        postings=tuple(Posting(each.account, -each.amount) for each in of.postings),
    )


def trial_balance(sets: Iterable[PostingSet]) -> dict[str, Decimal]:
    """The balance of every account ever posted to, by name; they sum to 0.00."""
    balances: dict[str, Decimal] = {}
    for each in sets:
        for posting in each.postings:
            balances[posting.account] = balances.get(posting.account, ZERO) + posting.amount
    return dict(sorted(balances.items()))


def _set(
    source: Source, kind: PostingKind, party_id: str, amounts: Mapping[str, Decimal]
) -> PostingSet:
    return PostingSet(
        id=f"PS-{source.id}/{kind}/{party_id}",
        kind=kind,
        source_id=source.id,
        month=source.month,
        at=source.at,
        postings=tuple(Posting(account, amount) for account, amount in amounts.items()),
    )
