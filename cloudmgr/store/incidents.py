"""The table of incidents."""

from __future__ import annotations

from cloudmgr.domain.incidents import Incident
from cloudmgr.store.mapper import row_of

IncidentRow = row_of(Incident, index=("provider_id", "pool_id", "state", "opened_at"))
