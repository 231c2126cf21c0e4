"""Tables of what each pool has, per resource class, and of what was stated of it before."""

from __future__ import annotations

from cloudmgr.domain.capacity import Inventory, InventoryRecord
from cloudmgr.store.mapper import row_of

InventoryRow = row_of(Inventory, index=("pool_id",))
InventoryRecordRow = row_of(InventoryRecord, index=("pool_id", "provider_id"))
