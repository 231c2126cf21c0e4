"""Budgets (预算指标): money per payer and fiscal year, changed by records, never by edits.

Stages: committed 占用 -> due 应付 -> paid 已支付. A commitment is one row per request line (or
opening allocation) and month of the fiscal year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from catalog.money import ZERO, Yuan, total
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Value):
    """预算指标 of a payer (and a department under it) for one fiscal year = calendar year."""

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
    COUNTER: ClassVar[bool] = True

    @property
    def left(self) -> Decimal:
        """What may still be committed: paid is part of due."""
        return self.approved - self.committed - self.due


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChange(Value):
    """One signed change of a budget with its document."""

    budget_id: str
    kind: BudgetChangeKind
    amount: Yuan
    document_number: str
    at: datetime
    other_budget_id: str | None = None


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


def apply_change(budget: Budget, change: BudgetChange) -> Budget:
    """The budget after a recorded change; amounts are positive except a MOVE's giving side."""
    if change.kind is not BudgetChangeKind.MOVE and change.amount <= 0:
        raise bad_value("amount", "a budget change has a positive amount; its kind gives the sign")
    return replace(budget, approved=budget.approved + _SIGN[change.kind] * change.amount)


def check(chain: Sequence[Budget], amount: Decimal) -> None:
    """Raise `budget_exceeded` naming the first budget of the chain that cannot take `amount`.

    What asks for nothing is never refused, even where more runs than a budget has.
    """
    for budget in chain:
        if amount > 0 and amount > budget.left:
            raise budget_exceeded(budget.id, str(budget.left), str(amount))


def commit(budget: Budget, amount: Decimal) -> Budget:
    return replace(budget, committed=budget.committed + amount)


def release(budget: Budget, amount: Decimal) -> Budget:
    return replace(budget, committed=budget.committed - amount)


def post_due(budget: Budget, committed: Decimal, due: Decimal) -> Budget:
    """A month's statement is issued: its commitment ends and the real amount falls due."""
    return replace(budget, committed=budget.committed - committed, due=budget.due + due)


def pay(budget: Budget, amount: Decimal) -> Budget:
    return replace(budget, paid=budget.paid + amount)


def committed_total(rows: Iterable[BudgetCommitment]) -> Decimal:
    return total(row.amount for row in rows if row.state is CommitmentState.COMMITTED)
