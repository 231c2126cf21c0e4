"""The table of what each pool has, per resource class."""

from __future__ import annotations

from cloudmgr.domain.capacity import Inventory
from cloudmgr.store.mapper import row_of

InventoryRow = row_of(Inventory, index=("pool_id",))
