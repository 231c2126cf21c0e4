"""Tables of sites and resource pools."""

from __future__ import annotations

from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.store.mapper import row_of

SiteRow = row_of(Site)
ResourcePoolRow = row_of(ResourcePool, index=("provider_id", "state"))
