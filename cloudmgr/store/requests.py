"""The table of resource requests."""

from __future__ import annotations

from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.store.mapper import row_of

ResourceRequestRow = row_of(
    ResourceRequest,
    index=("state", "department_id", "region_id", "application_id", "created_at"),
)
