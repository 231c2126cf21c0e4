"""What ids in paths and bodies name: the list of the API in which such a thing stands.

Owns the names only; which things there are a test asks of its city.
"""

from __future__ import annotations

import re
from typing import Any

from tests.support.api import Api, application

LISTS = {
    "allocation_id": "allocations",
    "allocation_ids": "allocations",
    "application_id": "applications",
    "application_ids": "applications",
    "assessment_id": "assessments",
    "attachment_id": "attachments",
    "budget_id": "budgets",
    "certificate_id": "certificates",
    "contract_id": "contracts",
    "delegate_id": "people",
    "delivery_id": "webhook-deliveries",
    "delegation_id": "delegations",
    "department_id": "organisations",
    "department_ids": "organisations",
    "draft_id": "policy-drafts",
    "drill_id": "drills",
    "file_id": "files",
    "finding_id": "drift-findings",
    "from_department_id": "organisations",
    "incident_id": "incidents",
    "into_department_id": "organisations",
    "job_id": "jobs",
    "line_ids": "lines",
    "list_id": "resource-lists",
    "machine_room_id": "machine-rooms",
    "message_id": "outbox-messages",
    "notification_id": "notifications",
    "network_id": "networks",
    "opening_id": "openings",
    "organisation_id": "organisations",
    "payee_id": "organisations",
    "payer_id": "organisations",
    "pool_id": "pools",
    "pool_order_id": "pool-orders",
    "primary_id": "allocations",
    "proposal_id": "proposals",
    "provider_id": "organisations",
    "quote_id": "quotes",
    "region_id": "regions",
    "reorganisation_id": "reorganisations",
    "replica_id": "continuity/replicas",
    "request_id": "requests",
    "scope_id": "quotas",
    "settlement_id": "settlements",
    "site_id": "sites",
    "statement_id": "statements",
    "subject_id": "applications",
    "to_department_id": "organisations",
    "token_id": "tokens",
    "user_id": "people",
    "webhook_id": "webhooks",
    "wave_id": "migration-waves",
    "work_order_id": "work-orders",
}
"""The name of an id -> the list that has it."""

ELSEWHERE = {
    "/pools/{pool_id}/pause": "pool-connections",
    "/evidence-bundles/requests/{id}": "requests",
    "/evidence-bundles/settlements/{id}": "settlements",
    "/catalog-versions/{id}/export": "catalogs",
    "/catalog-versions/{a}/": "catalogs",
    "/opening-lines/{line_id}/": "opening-lines",
    "/sessions/": None,
}
"""Beginnings of paths whose ids are those of another list."""


def list_of(path: str, name: str) -> str | None:
    """The list, under /api/v1, of what `{name}` in a path is; None where it names no record."""
    plain = path.removeprefix("/api/v1")
    for start, found in ELSEWHERE.items():
        if plain.startswith(start):
            return found
    if name in LISTS:
        return LISTS[name]
    before = plain.partition(f"/{{{name}}}")[0].strip("/")
    known = application().openapi()["paths"]
    return before if "get" in known.get(f"/api/v1/{before}", {}) else None


def names_in(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def ids_of(api: Api, list_path: str, reader: str) -> tuple[str, ...]:
    """Ids of what somebody sees in a list; of the first page."""
    field = "scope_id" if list_path == "quotas" else "id"
    answer = api.get(list_path, reader, limit=500)
    body = answer.json() if answer.headers["content-type"] == "application/json" else None
    found: list[dict[str, Any]] = body.get("items", []) if isinstance(body, dict) else []
    return tuple(dict.fromkeys(str(item[field]) for item in found))
