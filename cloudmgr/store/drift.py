"""The table of drift findings."""

from __future__ import annotations

from cloudmgr.domain.drift import DriftFinding
from cloudmgr.store.mapper import row_of

DriftFindingRow = row_of(DriftFinding, index=(("pool_id", "state"), "gone_at"))
