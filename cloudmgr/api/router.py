"""All routes of `/api/v1`, one module per noun."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api import (
    allocations,
    applications,
    assessments,
    attachments,
    audit,
    budgets,
    catalogs,
    contracts,
    delegations,
    files,
    incidents,
    journal,
    overview,
    parties,
    parties_people,
    periods,
    pools,
    proposals,
    quotas,
    quotes,
    rehearsal,
    requests,
    sessions,
    sessions_tokens,
    settlements,
    statements,
    usage,
    workorders,
)

api = APIRouter(prefix="/api/v1")
for noun in (
    sessions,
    sessions_tokens,
    rehearsal,
    parties,
    parties_people,
    files,
    contracts,
    catalogs,
    proposals,
    quotes,
    applications,
    quotas,
    budgets,
    requests,
    attachments,
    delegations,
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
