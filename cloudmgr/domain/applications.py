"""Business systems (业务系统) and the needs that decide where they may run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloudmgr.domain.values import Value


class Zone(StrEnum):
    """网络域: where on the government's networks a system lives."""

    INTERNET = "internet"
    EXTRANET = "extranet"
    VIDEO = "video"


class DrMode(StrEnum):
    """容灾方式."""

    LOCAL_BACKUP = "local_backup"
    SAME_CITY_ACTIVE = "same_city_active"
    REMOTE_BACKUP = "remote_backup"


class DeploymentStatus(StrEnum):
    PLANNED = "planned"
    MIGRATING = "migrating"
    ON_CLOUD = "on_cloud"
    OFF_CLOUD = "off_cloud"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Value):
    """业务系统: what runs, its protection level and what it needs of a pool."""

    code: str
    name_zh: str
    name_en: str
    department_id: str
    mlps_level: int
    classified: bool
    zone: Zone
    dr_level: int
    dr_mode: DrMode
    xinchuang: bool
    important: bool
    status: DeploymentStatus
    approval_document: str = ""
    fund_source: str = ""
    security_check_passed: bool = False
    filing_proof: str = ""
