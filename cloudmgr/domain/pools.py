"""Sites and resource pools: life, kind, level of management. Capacity lives in `capacity`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.applications import Zone
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class SiteRole(StrEnum):
    PRIMARY = "primary"
    SAME_CITY = "same_city"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Value):
    """A data centre; coordinates in microdegrees (WGS 84), for separation rules."""

    name_zh: str
    name_en: str
    region_id: str
    role: SiteRole
    latitude_microdegrees: int
    longitude_microdegrees: int


class PoolKind(StrEnum):
    GENERAL = "general"
    XINCHUANG = "xinchuang"
    INDUSTRY = "industry"
    SECURITY = "security"
    CRYPTOGRAPHY = "cryptography"
    BACKUP = "backup"
    EDGE = "edge"


class ManagementLevel(StrEnum):
    """纳管级别: 报送级, 监测级, 调度级."""

    REPORTING = "reporting"
    MONITORING = "monitoring"
    SCHEDULING = "scheduling"


class PoolState(StrEnum):
    REGISTERED = "registered"
    ONBOARDED = "onboarded"
    RESTRICTED = "restricted"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePool(Value):
    """资源池: one provider, one site, one technology stack (`x86`, `kunpeng`, `hygon`)."""

    name_zh: str
    name_en: str
    provider_id: str
    site_id: str
    kind: PoolKind
    stack: str
    zones: tuple[Zone, ...]
    mlps_level: int
    management_level: ManagementLevel
    department_ids: tuple[str, ...] = ()
    state: PoolState = PoolState.REGISTERED
    exit_at: datetime | None = None
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "ResourcePool",
        {
            PoolState.REGISTERED: ("已登记", (PoolState.ONBOARDED,)),
            PoolState.ONBOARDED: ("已纳管", (PoolState.RESTRICTED, PoolState.RETIRING)),
            PoolState.RESTRICTED: ("限制扩容", (PoolState.ONBOARDED, PoolState.RETIRING)),
            PoolState.RETIRING: ("退出中", (PoolState.RETIRED,)),
            PoolState.RETIRED: ("已退出", ()),
        },
        PoolState.REGISTERED,
        PoolState.ONBOARDED,
        PoolState.RESTRICTED,
    )

    @property
    def xinchuang(self) -> bool:
        return self.stack != "x86"
