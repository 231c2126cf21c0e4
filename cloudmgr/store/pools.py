"""Tables of sites and resource pools, their tests and reports, and the waves of a retirement."""

from __future__ import annotations

from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.pools_connection import PoolAlarm, PoolConnection
from cloudmgr.domain.pools_life import ConformanceReport, MigrationWave, PoolReport
from cloudmgr.domain.pools_orders import PoolOrder
from cloudmgr.store.mapper import row_of

SiteRow = row_of(Site)
ResourcePoolRow = row_of(ResourcePool, index=("provider_id", "state"))
ConformanceReportRow = row_of(ConformanceReport, index=("pool_id",))
MigrationWaveRow = row_of(MigrationWave, index=("pool_id",))
PoolConnectionRow = row_of(PoolConnection)
PoolAlarmRow = row_of(PoolAlarm, index=("pool_id",))
PoolOrderRow = row_of(PoolOrder, index=("request_id", "work_order_id", ("pool_id", "state")))
PoolReportRow = row_of(PoolReport, index=("pool_id", "provider_id"))
