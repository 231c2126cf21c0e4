"""Routes of statements, their lines and credit notes."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.billing import CreditNote, Statement
from cloudmgr.domain.lines import RatedLine
from cloudmgr.services.statements import ConfirmStatement, ObjectToStatement, ResolveObjection

router = APIRouter(tags=["statements"])

list_route(router, "/statements", Statement, "month", "department_id", "payer_id", "state")
get_route(router, "/statements/{id:path}", Statement)
list_route(
    router,
    "/lines",
    RatedLine,
    "month",
    "statement_id",
    "department_id",
    "provider_id",
    "allocation_id",
    "sku_id",
)
get_route(router, "/lines/{id:path}", RatedLine)
list_route(router, "/credit-notes", CreditNote, "statement_id", "department_id", "month")
command_route(router, "/statements/{statement_id:path}/confirmation", ConfirmStatement, {})
command_route(
    router,
    "/statements/{statement_id:path}/objection",
    ObjectToStatement,
    {"line_ids": ["RL-2026-01/ALC-00000001/001"], "reason": "该资源月中已停用,请核减"},
)
command_route(
    router,
    "/statements/{statement_id:path}/resolution",
    ResolveObjection,
    {
        "decision": "credit",
        "reason": "核减一半",
        "credits": [{"line_id": "RL-2026-01/ALC-00000001/001", "amount": "82.00"}],
    },
)
