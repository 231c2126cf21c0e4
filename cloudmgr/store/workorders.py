"""The table of work orders."""

from __future__ import annotations

from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.store.mapper import row_of

WorkOrderRow = row_of(WorkOrder, index=("request_id", "pool_id", "provider_id", "state"))
