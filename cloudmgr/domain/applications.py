"""Business systems (业务系统): what they need of a pool, and since when they are on the cloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from catalog.period import midnight
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
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


@dataclass(frozen=True, slots=True)
class StatusChange:
    """From `at` on (None: from the beginning) the system had this status."""

    at: datetime | None
    state: DeploymentStatus


_S = DeploymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Value):
    """业务系统: what runs, its protection level and what it needs of a pool.

    `wave` and `planned_on` say when it shall move to the cloud. While it is not there:
    `off_cloud_reason`, until when it need not (`exempt_until`, by `exemption_document`), and
    the `deadline` after which it is overdue. `history` is its statuses with their dates, empty
    while it has had one only. `code` is unique in the city.
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("code",)

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
    state: DeploymentStatus
    approval_document: str = ""
    fund_source: str = ""
    security_check_passed: bool = False
    filing_proof: str = ""
    responsible_person: str = ""
    responsible_contact: str = ""
    wave: str = ""
    planned_on: date | None = None
    off_cloud_reason: str = ""
    exemption_document: str = ""
    exempt_until: date | None = None
    deadline: date | None = None
    registered_at: datetime | None = None
    history: tuple[StatusChange, ...] = ()
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Application",
        {
            _S.PLANNED: ("待上云", (_S.MIGRATING, _S.ON_CLOUD, _S.OFF_CLOUD, _S.RETIRED)),
            _S.OFF_CLOUD: ("未上云", (_S.PLANNED, _S.MIGRATING, _S.ON_CLOUD, _S.RETIRED)),
            _S.MIGRATING: ("迁移中", (_S.ON_CLOUD, _S.PLANNED, _S.OFF_CLOUD)),
            _S.ON_CLOUD: ("已上云", (_S.OFF_CLOUD, _S.RETIRED)),
            _S.RETIRED: ("已下线", ()),
        },
        *_S,
    )


HIGHEST_LEVEL_ON_CLOUD = 3
"""Systems of a higher protection level, and classified ones, never enter (DOMAIN.md 5)."""


def check_application(application: Application) -> None:
    """Raise `bad_value` for what cannot be said of a system."""
    for field in ("code", "name_zh"):
        if not getattr(application, field).strip():
            raise bad_value(field, "it has at least one character")
    if not 1 <= application.mlps_level <= 5:
        raise bad_value("mlps_level", "protection levels are 1 to 5")
    if not 1 <= application.dr_level <= 6:
        raise bad_value("dr_level", "disaster recovery levels are 1 to 6 (GB/T 20988)")
    if application.exempt_until is not None and not application.exemption_document.strip():
        raise bad_value("exemption_document", "an exemption names the document that gives it")


def moved_to(application: Application, to: DeploymentStatus, at: datetime) -> Application:
    """In another status from `at` on; raises `illegal_transition`."""
    before = application.history or (StatusChange(None, application.state),)
    return advance(application, to, history=(*before, StatusChange(at, to)))


def status_at(application: Application, moment: datetime) -> DeploymentStatus | None:
    """The status at an instant; None before the system was in the ledger."""
    if application.registered_at is not None and moment < application.registered_at:
        return None
    begun = [each for each in application.history if each.at is None or each.at <= moment]
    if begun:
        return begun[-1].state
    return application.history[0].state if application.history else application.state


def state_on(application: Application, on: date) -> DeploymentStatus | None:
    """The status at the end of a day; None where the system was in no ledger yet."""
    return status_at(application, midnight(on + timedelta(days=1)) - timedelta(microseconds=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """One line of 应上未上清单: a system that should be on the cloud and is not."""

    application_id: str
    code: str
    name_zh: str
    name_en: str
    department_id: str
    state: DeploymentStatus
    wave: str
    planned_on: date | None
    reason: str
    exemption_document: str
    exempt_until: date | None
    deadline: date | None
    exempt: bool
    overdue: bool


def outstanding(application: Application, on: date) -> Outstanding | None:
    """The system's line in the list of a day; None where it is on the cloud, need not be (it is
    classified, or above the level that may enter), or is in no ledger."""
    found, state = application, state_on(application, on)
    if (
        state in (None, DeploymentStatus.ON_CLOUD, DeploymentStatus.RETIRED)
        or found.classified
        or found.mlps_level > HIGHEST_LEVEL_ON_CLOUD
    ):
        return None
    assert state is not None
    exempt = found.exempt_until is not None and on <= found.exempt_until
    return Outstanding(
        application_id=found.id,
        code=found.code,
        name_zh=found.name_zh,
        name_en=found.name_en,
        department_id=found.department_id,
        state=state,
        wave=found.wave,
        planned_on=found.planned_on,
        reason=found.off_cloud_reason,
        exemption_document=found.exemption_document,
        exempt_until=found.exempt_until,
        deadline=found.deadline,
        exempt=exempt,
        overdue=found.deadline is not None and on > found.deadline and not exempt,
    )
