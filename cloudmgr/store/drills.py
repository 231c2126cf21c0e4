"""The table of drills."""

from __future__ import annotations

from cloudmgr.domain.drills import Drill
from cloudmgr.store.mapper import row_of

DrillRow = row_of(Drill, index=("application_id", "department_id", "state"))
