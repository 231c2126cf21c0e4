"""Sites and resource pools: life, kind, level of management. Capacity lives in `capacity`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.quantity import ResourceAmount
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.pools_makeup import Component
from cloudmgr.domain.values import Value


class SiteRole(StrEnum):
    PRIMARY = "primary"
    SAME_CITY = "same_city"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Value):
    """A data centre; coordinates in microdegrees (WGS 84), for separation rules.

    `pue_hundredths` is the yearly PUE (150 is 1.50), None where nobody has said it. A site of a
    partner city (`partner_city`) is used under a backup agreement.
    """

    name_zh: str
    name_en: str
    region_id: str
    role: SiteRole
    latitude_microdegrees: int
    longitude_microdegrees: int
    racks: int = 0
    racks_used: int = 0
    pue_hundredths: int | None = None
    partner_city: str = ""


def check_site(site: Site) -> None:
    """Raise `bad_value` for coordinates off the earth, or racks and a PUE that cannot be."""
    if not -90_000_000 <= site.latitude_microdegrees <= 90_000_000:
        raise bad_value("latitude_microdegrees", "a latitude is -90 to 90 million microdegrees")
    if not -180_000_000 <= site.longitude_microdegrees <= 180_000_000:
        raise bad_value("longitude_microdegrees", "a longitude is -180 to 180 million microdegrees")
    if not 0 <= site.racks_used <= site.racks:
        raise bad_value("racks_used", f"{site.racks_used} of {site.racks} racks cannot be in use")
    if site.pue_hundredths is not None and not 100 <= site.pue_hundredths <= 500:
        raise bad_value("pue_hundredths", "a PUE is 1.00 to 5.00; write 1.50 as 150")


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
    """资源池: one provider, one site, one technology stack (`x86`, `kunpeng`, `hygon`).

    A pool that cannot become domestic carries `expansion_limits`, above which its totals may not
    be raised, and the exit date `exit_at` by which it is empty.
    """

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
    makeup: tuple[Component, ...] = ()
    can_become_domestic: bool = True
    expansion_limits: tuple[ResourceAmount, ...] = ()
    state_reason: str = ""
    state_since: datetime | None = None
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
