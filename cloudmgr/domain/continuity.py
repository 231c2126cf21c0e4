"""Continuity: which copies of an application must stand where, and what is missing of them.

Owns obligations, declared replicas, agreements with partner cities and the gaps between them.
Where sites stand is `pools`, what was tried out is `drills`; RTO and RPO of a DR level are dated
data of the policy with their source, because the standard leaves them to the sector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode
from cloudmgr.domain.continuity_sites import SAMPLE_SEPARATION, Place, SeparationRules, misplaced
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.pools import Site
from cloudmgr.domain.values import Value


class ReplicaRole(StrEnum):
    """What a copy can do: run in the place of the primary, or be restored from."""

    REPLICA = "replica"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrLevelTerms:
    """The most a DR level allows (GB/T 20988), and where the figures come from; None: not set."""

    level: int
    source: str
    rto_minutes: int | None = None
    rpo_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrModeTerms:
    """What a mode reaches where nothing better was declared for the copy."""

    mode: DrMode
    source: str
    rto_minutes: int
    rpo_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuityRules:
    """What a policy says of continuity; sample parameters (示例参数) where no source is named."""

    levels: tuple[DrLevelTerms, ...] = ()
    modes: tuple[DrModeTerms, ...] = ()
    separation: SeparationRules = SAMPLE_SEPARATION
    remote_backup_from_level: int | None = None
    drill_interval_months: int = 12

    def terms_of(self, level: int) -> DrLevelTerms | None:
        return next((each for each in self.levels if each.level == level), None)

    def mode_terms(self, mode: DrMode) -> DrModeTerms | None:
        return next((each for each in self.modes if each.mode is mode), None)


NO_CONTINUITY_RULES = ContinuityRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A copy an application must have: of a role, at a place as the primary sees it."""

    role: ReplicaRole
    place: Place


def obligations_of(application: Application, rules: ContinuityRules) -> tuple[Obligation, ...]:
    """What an application on the cloud must have; nothing is owed by what is not there yet."""
    if application.state is not DeploymentStatus.ON_CLOUD:
        return ()
    return needs_of(application, rules)


def needs_of(application: Application, rules: ContinuityRules) -> tuple[Obligation, ...]:
    """By the mode, and by the level where the policy asks more."""
    found = []
    if application.dr_mode is DrMode.SAME_CITY_ACTIVE:
        found.append(Obligation(role=ReplicaRole.REPLICA, place=Place.SAME_CITY))
    least = rules.remote_backup_from_level
    if application.dr_mode is DrMode.REMOTE_BACKUP or (
        least is not None and application.dr_level >= least
    ):
        found.append(Obligation(role=ReplicaRole.BACKUP, place=Place.REMOTE))
    return tuple(found)


def place_of(role: ReplicaRole, application: Application, rules: ContinuityRules) -> Place | None:
    """Where a copy of a role has to stand; None where nothing is asked of it. A replica that may
    serve two obligations stands in the same city."""
    fitting = [each.place for each in needs_of(application, rules) if _serves(role, each.role)]
    return fitting[0] if fitting else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica(Value):
    """An allocation declared the copy of another of the same application (the primary).

    RTO and RPO are what is promised for this copy; None takes those of the application's mode.
    """

    primary_id: str
    allocation_id: str
    role: ReplicaRole
    application_id: str
    department_id: str
    declared_by: str
    declared_at: datetime
    rto_minutes: int | None = None
    rpo_minutes: int | None = None
    withdrawn_at: datetime | None = None
    withdrawal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupAgreement(Value):
    """备份合作协议: a partner city's site may hold our backups in [starts_at, ends_at)."""

    number: str
    partner_city: str
    site_id: str
    starts_at: datetime
    ends_at: datetime
    scope: str
    mutual: bool
    file_id: str | None = None
    recorded_by: str = ""

    def in_force(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at


def check_agreement(agreement: BackupAgreement, site: Site) -> None:
    """Raise `bad_value` for a site that is no partner's, or a term that is none."""
    if site.partner_city != agreement.partner_city or not site.partner_city:
        raise bad_value(
            "site_id", f"{site.id} is no site of the partner city {agreement.partner_city!r}"
        )
    if not agreement.number.strip():
        raise bad_value("number", "an agreement has a document number")
    if agreement.ends_at <= agreement.starts_at:
        raise bad_value("ends_at", "an agreement ends after it begins")


def agreed(site: Site, agreements: Iterable[BackupAgreement], now: datetime) -> bool:
    """Whether a site may be used: our own always, a partner's under an agreement in force."""
    return not site.partner_city or any(
        each.site_id == site.id and each.in_force(now) for each in agreements
    )


class GapKind(StrEnum):
    MISSING_REPLICA = "missing_replica"
    SAME_SITE = "same_site"
    TOO_CLOSE = "too_close"
    TOO_FAR = "too_far"
    AGREEMENT_EXPIRED = "agreement_expired"
    RTO_NOT_MET = "rto_not_met"
    RPO_NOT_MET = "rpo_not_met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """容灾缺口: what an application must have and has not, with what to do about it."""

    application_id: str
    department_id: str
    kind: GapKind
    role: ReplicaRole
    place: Place
    replica_id: str | None
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A declared copy that runs, with where it and its primary stand."""

    replica: Replica
    primary_site: Site
    site: Site
    agreed: bool


def gaps_of(
    application: Application, standings: Iterable[Standing], rules: ContinuityRules
) -> tuple[Gap, ...]:
    """What is missing of each obligation. One copy that fulfils it closes all its gaps; where none
    does, what is wrong with each copy is said."""
    copies = tuple(standings)
    return tuple(
        gap
        for obligation in obligations_of(application, rules)
        for gap in _gaps_of(application, obligation, copies, rules)
    )


def _gaps_of(
    application: Application,
    obligation: Obligation,
    standings: tuple[Standing, ...],
    rules: ContinuityRules,
) -> tuple[Gap, ...]:
    fitting = [each for each in standings if _serves(each.replica.role, obligation.role)]
    if not fitting:
        why = f"no running {obligation.role} is declared; declare one, or apply for it"
        return (_gap(application, obligation, GapKind.MISSING_REPLICA, None, why),)
    found: list[Gap] = []
    for standing in fitting:
        faults = tuple(_faults(application, obligation, standing, rules))
        if not faults:
            return ()
        found.extend(
            _gap(application, obligation, kind, standing.replica.id, why) for kind, why in faults
        )
    return tuple(found)


def _serves(has: ReplicaRole, needed: ReplicaRole) -> bool:
    """A running replica is a backup too, a backup is no replica."""
    return has is needed or has is ReplicaRole.REPLICA


def _faults(
    application: Application, obligation: Obligation, standing: Standing, rules: ContinuityRules
) -> Iterator[tuple[GapKind, str]]:
    """What keeps one copy from fulfilling the obligation."""
    wrong = misplaced(standing.primary_site, standing.site, obligation.place, rules.separation)
    if wrong is not None:
        kind, why = wrong
        yield GapKind(kind), why
    if not standing.agreed:
        owner = standing.site.partner_city
        why = f"{standing.site.id} is {owner}'s and no agreement is in force; renew it, or move"
        yield GapKind.AGREEMENT_EXPIRED, why
    level = rules.terms_of(application.dr_level)
    if level is None:
        return
    rto, rpo = promised(application, standing.replica, rules)
    if _exceeds(rto, level.rto_minutes):
        yield GapKind.RTO_NOT_MET, f"back after {rto} minutes, {level.rto_minutes} are allowed"
    if _exceeds(rpo, level.rpo_minutes):
        yield GapKind.RPO_NOT_MET, f"{rpo} minutes of data lost, {level.rpo_minutes} are allowed"


def promised(
    application: Application, replica: Replica | None, rules: ContinuityRules
) -> tuple[int | None, int | None]:
    """RTO and RPO in minutes: the copy's own promise, else the mode's; None is "not set"."""
    mode = rules.mode_terms(application.dr_mode)
    rto = replica.rto_minutes if replica else None
    rpo = replica.rpo_minutes if replica else None
    if mode is not None:
        rto = mode.rto_minutes if rto is None else rto
        rpo = mode.rpo_minutes if rpo is None else rpo
    return rto, rpo


def _exceeds(promise: int | None, allowed: int | None) -> bool:
    return promise is not None and allowed is not None and promise > allowed


def _gap(
    application: Application,
    obligation: Obligation,
    kind: GapKind,
    replica_id: str | None,
    why: str,
) -> Gap:
    return Gap(
        application_id=application.id,
        department_id=application.department_id,
        kind=kind,
        role=obligation.role,
        place=obligation.place,
        replica_id=replica_id,
        finding=why,
    )
