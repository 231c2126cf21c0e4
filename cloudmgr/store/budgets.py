"""Tables of budgets, their changes and what is committed against them."""

from __future__ import annotations

from cloudmgr.domain.budget import Budget, BudgetChange, BudgetCommitment
from cloudmgr.store.mapper import row_of

BudgetRow = row_of(Budget, index=(("payer_id", "year"), "department_id", "parent_id"))
BudgetChangeRow = row_of(BudgetChange, index=("budget_id",))
BudgetCommitmentRow = row_of(
    BudgetCommitment, index=("budget_id", "source_id", "allocation_id", ("state", "month"))
)
