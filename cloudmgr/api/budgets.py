"""Routes of budgets, their changes, commitments and execution."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetCommitment
from cloudmgr.services import codec
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.budgets_execution import BudgetExecution, execution_of
from cloudmgr.services.budgets_import import ImportBudgets, budget_template

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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
command_route(router, "/budget-imports", ImportBudgets, {"file_id": "FILE-00000001"}, status=201)


@router.get(
    "/budget-imports/template.xlsx",
    operation_id="get_budget_template",
    summary="Workbook for a year's budgets",
    response_class=Response,
    responses={200: {"content": {XLSX: {"schema": {"type": "string"}}}}, **responses(401)},
)
def get_budget_template(edge: EdgeOf, secret: SecretOf) -> Response:
    """The columns of an import as an empty workbook with one row as an example."""
    with edge.reading(secret):
        pass
    return download("预算指标导入模板.xlsx", XLSX, budget_template())


@router.get(
    "/budgets/{id:path}/execution",
    operation_id="get_budget_execution",
    summary="How a budget is used",
    response_model=BudgetExecution,
    responses=responses(401, 404, 422),
)
def budget_execution(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Committed, due, paid and left of a budget and all below it, and the execution rate, which
    counts what is paid, against the part of the year that is over."""
    with edge.reading(secret) as (world, actor, now):
        found = execution_of(world, actor, id, now)
    return codec.dump(found)


get_route(router, "/budgets/{id:path}", Budget)
