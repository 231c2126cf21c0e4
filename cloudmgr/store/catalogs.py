"""Tables of published catalog versions and of what each holds."""

from __future__ import annotations

from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog
from cloudmgr.store.mapper import row_of

PublishedCatalogRow = row_of(PublishedCatalog, index=("effective_from",))
CatalogContentRow = row_of(CatalogContent)
