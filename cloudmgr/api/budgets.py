"""Routes of budgets, their changes and commitments."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetCommitment
from cloudmgr.services.budgets import RecordBudgetChange

router = APIRouter(tags=["budgets"])

list_route(router, "/budgets", Budget, "payer_id", "department_id", "year")
list_route(router, "/budget-changes", BudgetChange, "budget_id")
list_route(router, "/budget-commitments", BudgetCommitment, "department_id", "month", "state")
command_route(
    router,
    "/budget-changes",
    RecordBudgetChange,
    {
        "payer_id": "finance",
        "department_id": "d01",
        "year": 2026,
        "kind": "add",
        "amount": "200000.00",
        "document_number": "示例财预〔2026〕8号",
    },
    status=201,
)
