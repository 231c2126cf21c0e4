"""Tables of the monthly resource lists and their lines."""

from __future__ import annotations

from cloudmgr.domain.resource_lists import ResourceList, ResourceListLine
from cloudmgr.store.mapper import row_of

ResourceListRow = row_of(ResourceList)
ResourceListLineRow = row_of(ResourceListLine, index=("list_id", "provider_id", "pool_id"))
