"""What people read of the journal: the trial balance and the statement of one account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import ZERO, Yuan, total
from cloudmgr.domain import journal
from cloudmgr.domain.journal import PostingKind, PostingSet
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """An account and what it stands at: a debit when positive."""

    account: str
    balance: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """Every account ever posted to, by name; `difference` is always 0.00."""

    accounts: tuple[AccountBalance, ...]
    difference: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One posting on an account, and the balance after it."""

    posting_set_id: str
    kind: PostingKind
    source_id: str
    month: str
    at: datetime
    amount: Yuan
    balance: Yuan


def trial_balance(world: World) -> TrialBalance:
    balances = journal.trial_balance(world.stream(PostingSet))
    return TrialBalance(
        accounts=tuple(
            AccountBalance(account=account, balance=balance)
            for account, balance in balances.items()
        ),
        difference=total(balances.values()),
    )


def account_statement(world: World, account: str) -> tuple[Movement, ...]:
    """Every movement of an account in the order of time."""
    balance = ZERO
    movements: list[Movement] = []
    for each in sorted(world.stream(PostingSet), key=lambda each: (each.at, each.id)):
        for posting in each.postings:
            if posting.account == account:
                balance += posting.amount
                movements.append(
                    Movement(
                        posting_set_id=each.id,
                        kind=each.kind,
                        source_id=each.source_id,
                        month=each.month,
                        at=each.at,
                        amount=posting.amount,
                        balance=balance,
                    )
                )
    return tuple(movements)
