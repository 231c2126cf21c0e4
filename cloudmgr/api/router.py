"""All routes of `/api/v1`, one module per noun."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api import (
    allocations,
    applications,
    assessments,
    audit,
    budgets,
    catalogs,
    contracts,
    files,
    incidents,
    journal,
    overview,
    parties,
    periods,
    pools,
    proposals,
    quotas,
    quotes,
    rehearsal,
    requests,
    sessions,
    settlements,
    statements,
    usage,
    workorders,
)

api = APIRouter(prefix="/api/v1")
for noun in (
    sessions,
    rehearsal,
    parties,
    files,
    contracts,
    catalogs,
    proposals,
    quotes,
    applications,
    quotas,
    budgets,
    requests,
    workorders,
    allocations,
    pools,
    usage,
    incidents,
    periods,
    statements,
    assessments,
    settlements,
    journal,
    overview,
    audit,
):
    api.include_router(noun.router)
