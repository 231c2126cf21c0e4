"""Budgets (预算指标): money per payer and fiscal year, changed by records, never by edits.

Stages: committed 占用 -> due 应付 -> paid 已支付. A commitment is one row per request line (or
opening allocation) and month of the fiscal year. Budgets form a tree of any depth, payer ->
department -> units below it. Until a year's budget is approved, an advance limit stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.money import ZERO, Yuan, total
from catalog.period import Month
from cloudmgr.domain.errors import bad_value, budget_exceeded
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class BudgetChangeKind(StrEnum):
    INITIAL = "initial"
    ADD = "add"
    CUT = "cut"
    MOVE = "move"
    CARRY = "carry"
    TAKE_BACK = "take_back"


Amounts = Sequence[tuple[Month, Decimal]]
"""What is asked of a fiscal year, month by month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What may be used before the year's budget is approved, of the months up to `until`."""

    limit: Yuan
    until: str
    committed: Yuan = ZERO

    def of(self, amounts: Iterable[tuple[Month, Decimal]]) -> Decimal:
        """The part of the amounts that falls into the months of the advance."""
        return total(amount for month, amount in amounts if str(month) <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Value):
    """预算指标 of a payer (and a department under it) for one fiscal year = calendar year.

    `parent_id` is the next budget above that existed when this one was made, else the payer's.
    While `advance` stands, the year's budget is not approved and the advance limits its months.
    """

    payer_id: str
    department_id: str | None
    parent_id: str | None
    year: int
    document_number: str
    project_code: str
    fund_source: str
    approved: Yuan = ZERO
    committed: Yuan = ZERO
    due: Yuan = ZERO
    paid: Yuan = ZERO
    advance: Advance | None = None
    COUNTER: ClassVar[bool] = True

    @property
    def left(self) -> Decimal:
        """What may still be committed: paid is part of due."""
        if self.advance is not None:
            return self.approved + self.advance.limit - self.advance.committed - self.due
        return self.approved - self.committed - self.due

    @property
    def execution_rate(self) -> Fraction | None:
        """Paid ÷ approved, exact; None while nothing is approved."""
        return Fraction(self.paid) / Fraction(self.approved) if self.approved else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChange(Value):
    """One signed change of a budget with its document.

    The amount is positive and the kind gives its sign; where money moves between two budgets, the
    giving side's is negative.
    """

    budget_id: str
    kind: BudgetChangeKind
    amount: Yuan
    document_number: str
    at: datetime
    other_budget_id: str | None = None
    reason: str = ""


class CommitmentState(StrEnum):
    COMMITTED = "committed"
    POSTED = "posted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCommitment(Value):
    """占用 of one line for one month, made by the rating function."""

    budget_id: str
    source_id: str
    line: int
    allocation_id: str | None
    department_id: str
    year: int
    month: str
    amount: Yuan
    state: CommitmentState = CommitmentState.COMMITTED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "BudgetCommitment",
        {
            CommitmentState.COMMITTED: (
                "占用",
                (CommitmentState.POSTED, CommitmentState.RELEASED),
            ),
            CommitmentState.POSTED: ("转应付", ()),
            CommitmentState.RELEASED: ("已释放", ()),
        },
    )


def budget_id(payer_id: str, department_id: str | None, year: int) -> str:
    return f"{payer_id}/{department_id or '-'}/{year}"


_SIGN = {
    BudgetChangeKind.INITIAL: 1,
    BudgetChangeKind.ADD: 1,
    BudgetChangeKind.CARRY: 1,
    BudgetChangeKind.MOVE: 1,
    BudgetChangeKind.CUT: -1,
    BudgetChangeKind.TAKE_BACK: -1,
}


_BETWEEN_TWO = (BudgetChangeKind.MOVE, BudgetChangeKind.CARRY)


def apply_change(budget: Budget, change: BudgetChange) -> Budget:
    """The budget after a recorded change; amounts are positive except a giving side's.

    The initial one approves the year's budget: an advance ends with it.
    """
    if change.kind not in _BETWEEN_TWO and change.amount <= 0:
        raise bad_value("amount", "a budget change has a positive amount; its kind gives the sign")
    return replace(
        budget,
        approved=budget.approved + _SIGN[change.kind] * change.amount,
        advance=None if change.kind is BudgetChangeKind.INITIAL else budget.advance,
    )


def check(chain: Sequence[Budget], amount: Decimal) -> None:
    """Raise `budget_exceeded` naming the first budget of the chain that cannot take `amount`.

    What asks for nothing is never refused, even where more runs than a budget has.
    """
    for budget in chain:
        _check_left(budget, amount)


def check_amounts(chain: Sequence[Budget], amounts: Amounts) -> None:
    """`check` month by month: an advance is asked for its own months only, and what lies wholly
    behind them waits for the budget."""
    for budget in chain:
        asked = total(amount for _, amount in amounts)
        if budget.advance is None:
            _check_left(budget, asked)
            continue
        early = budget.advance.of(amounts)
        if asked > 0 and not early:
            raise budget_exceeded(budget.id, str(ZERO), str(asked), advance=True)
        _check_left(budget, early)


def _check_left(budget: Budget, amount: Decimal) -> None:
    if amount > 0 and amount > budget.left:
        raise budget_exceeded(
            budget.id, str(budget.left), str(amount), advance=budget.advance is not None
        )


def commit(budget: Budget, amount: Decimal, early: Decimal = ZERO) -> Budget:
    """Commit an amount, of which `early` falls into the months of an advance, if one stands."""
    return replace(
        budget, committed=budget.committed + amount, advance=_advanced(budget.advance, early)
    )


def release(budget: Budget, amount: Decimal, early: Decimal = ZERO) -> Budget:
    return commit(budget, -amount, -early)


def post_due(budget: Budget, committed: Decimal, due: Decimal, early: Decimal = ZERO) -> Budget:
    """A month's statement is issued: its commitment ends and the real amount falls due."""
    return replace(release(budget, committed, early), due=budget.due + due)


def pay(budget: Budget, amount: Decimal) -> Budget:
    return replace(budget, paid=budget.paid + amount)


def early_part(budget: Budget, amounts: Iterable[tuple[Month, Decimal]]) -> Decimal:
    """What of the amounts counts against the budget's advance; nothing without one."""
    return ZERO if budget.advance is None else budget.advance.of(amounts)


def _advanced(advance: Advance | None, early: Decimal) -> Advance | None:
    return None if advance is None else replace(advance, committed=advance.committed + early)


def calendar_share(year: int, today: date) -> Fraction:
    """The part of a fiscal year that is over at the beginning of `today`, by days; exact."""
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    gone = (min(max(today, first), after) - first).days
    return Fraction(gone, (after - first).days)


def committed_total(rows: Iterable[BudgetCommitment]) -> Decimal:
    return total(row.amount for row in rows if row.state is CommitmentState.COMMITTED)
