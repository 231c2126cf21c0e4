"""Routes of protected periods."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.protected_periods import ProtectedPeriod
from cloudmgr.services.protected_periods import CancelProtectedPeriod, DeclareProtectedPeriod

router = APIRouter(tags=["protected periods"])

list_route(router, "/protected-periods", ProtectedPeriod, "state")
get_route(router, "/protected-periods/{id}", ProtectedPeriod)
command_route(
    router,
    "/protected-periods",
    DeclareProtectedPeriod,
    {
        "title": "高考保障",
        "document_number": "示数重保〔2026〕2号",
        "reason": "the registration of the exam season",
        "starts_at": "2026-06-01T00:00:00+08:00",
        "ends_at": "2026-06-30T00:00:00+08:00",
        "department_ids": ["d03"],
    },
    status=201,
)
command_route(
    router,
    "/protected-periods/{period_id}/cancellation",
    CancelProtectedPeriod,
    {"reason": "the event was called off"},
)
