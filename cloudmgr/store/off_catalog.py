"""Table of agreements outside the catalog."""

from __future__ import annotations

from cloudmgr.domain.off_catalog import OffCatalogItem
from cloudmgr.store.mapper import row_of

OffCatalogItemRow = row_of(OffCatalogItem, index=("state", "application_id", "provider_id"))
