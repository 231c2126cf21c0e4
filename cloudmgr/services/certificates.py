"""Certificates as commands, the warnings before they run out, and the list of what has to be
renewed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application, DeploymentStatus
from cloudmgr.domain.certificates import (
    KINDS_OF,
    Certificate,
    CertificateKind,
    CertificateStanding,
    CertificateState,
    SubjectKind,
    Validity,
    check_certificate,
    standing_of,
)
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import pool_rules
from cloudmgr.services.reading import read, visible
from cloudmgr.services.world import Message, World, next_id

_ASKED_OF_APPLICATIONS = (CertificateKind.MLPS_REPORT,)
"""Which papers a system on the cloud is missing when it has none; others are listed once they
were there. Systems of level 3 and above need the cryptography assessment too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCertificate(Command):
    """Enter a certificate or test report of a pool or an application, with its evidence."""

    kind: CertificateKind
    subject_kind: SubjectKind
    subject_id: str
    number: str
    issuer: str
    valid_from: datetime
    expires_at: datetime
    mlps_level: int | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCertificate(Command):
    """Take a certificate out of force before its end: withdrawn by its issuer, or wrong."""

    certificate_id: str
    reason: str


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER, Role.DEPARTMENT_USER)
def register_certificate(
    world: World, command: RegisterCertificate, actor: Actor, now: datetime
) -> Certificate:
    """A provider for its pools, a department for its applications; others are not found."""
    provider_id, department_id = _owner(world, command, actor)
    if command.file_id is not None:
        read(world, actor, StoredFile, command.file_id)
    certificate = Certificate(
        id=next_id(world, "CERT"),
        kind=command.kind,
        subject_kind=command.subject_kind,
        subject_id=command.subject_id,
        number=command.number,
        issuer=command.issuer,
        valid_from=utc(command.valid_from),
        expires_at=utc(command.expires_at),
        provider_id=provider_id,
        department_id=department_id,
        mlps_level=command.mlps_level,
        file_id=command.file_id,
        registered_by=actor.user_id,
        registered_at=now,
    )
    check_certificate(certificate)
    watch(world, certificate, now)
    return world.put(certificate)


@handles(Role.TECHNICAL_REVIEWER)
def revoke_certificate(
    world: World, command: RevokeCertificate, actor: Actor, now: datetime
) -> Certificate:
    certificate = world.get(Certificate, command.certificate_id)
    if not command.reason.strip():
        raise bad_value("reason", "say why the certificate is no longer in force")
    timers.cancel(world, "certificate_watch", certificate.id)
    revoked = advance(certificate, CertificateState.REVOKED, revocation=command.reason)
    _tell(world, "certificate_revoked", certificate, now)
    return world.put(revoked)


def watch(world: World, certificate: Certificate, now: datetime) -> None:
    """Have what comes next told in time: a warning some days before the end (by the policy), and
    the end itself."""
    dues = [
        certificate.expires_at - timedelta(days=days)
        for days in (*pool_rules(world, now).certificate_warning_days, 0)
    ]
    if coming := [due for due in dues if due > now]:
        timers.schedule(world, "certificate_watch", certificate.id, min(coming))


@timers.on_timer("certificate_watch")
def warn_of_end(world: World, timer: Timer, at: datetime) -> None:
    certificate = world.get(Certificate, timer.subject_id)
    if _replaced(world, certificate):
        return
    expired = certificate.expires_at <= at
    _tell(world, "certificate_expired" if expired else "certificate_expiring", certificate, at)
    watch(world, certificate, at)


def certified_pools(world: World, now: datetime) -> frozenset[str]:
    """The pools whose cloud security certificate is in force."""
    papers = world.derived(
        "cloud security certificates",
        (Certificate,),
        lambda: world.find(
            Certificate, kind=CertificateKind.CLOUD_SECURITY, subject_kind=SubjectKind.POOL
        ),
    )
    return frozenset(paper.subject_id for paper in papers if paper.in_force(now))


def due_for_renewal(
    world: World, actor: Actor, now: datetime, within_days: int | None = None
) -> tuple[CertificateStanding, ...]:
    """What the actor may see that is missing, revoked, expired or about to: soonest first.

    `within_days` defaults to the earliest warning of the policy.
    """
    days = within_days
    if days is None:
        days = max(pool_rules(world, now).certificate_warning_days, default=0)
    found = [
        standing
        for standing in _standings(world, actor, now, days)
        if standing.validity is not Validity.VALID
    ]
    return tuple(sorted(found, key=_soonest))


def _soonest(standing: CertificateStanding) -> tuple[bool, str, str, str]:
    ends = standing.expires_at.isoformat() if standing.expires_at else ""
    return (standing.expires_at is not None, ends, standing.subject_id, standing.kind)


def _standings(
    world: World, actor: Actor, now: datetime, days: int
) -> Iterator[CertificateStanding]:
    scope: Any = visible(world, actor, Certificate)
    if scope is None:
        return
    papers = world.find(Certificate, **scope)
    for pool in world.find(ResourcePool, **_part(scope, "provider_id")):
        if pool.state is PoolState.RETIRED or "department_id" in scope:
            continue
        for kind in KINDS_OF[SubjectKind.POOL]:
            yield standing_of(
                SubjectKind.POOL, pool.id, kind, papers, now, days, provider_id=pool.provider_id
            )
    if "provider_id" in scope:
        return
    for application in world.find(Application, **_part(scope, "department_id")):
        if application.state is not DeploymentStatus.ON_CLOUD:
            continue
        for kind in KINDS_OF[SubjectKind.APPLICATION]:
            standing = standing_of(
                SubjectKind.APPLICATION,
                application.id,
                kind,
                papers,
                now,
                days,
                department_id=application.department_id,
            )
            if standing.validity is not Validity.MISSING or _asked(application, kind):
                yield standing


def _asked(application: Application, kind: CertificateKind) -> bool:
    return kind in _ASKED_OF_APPLICATIONS or application.mlps_level >= 3


def _part(scope: dict[str, Any], field: str) -> dict[str, Any]:
    return {field: scope[field]} if field in scope else {}


def _owner(
    world: World, command: RegisterCertificate, actor: Actor
) -> tuple[str | None, str | None]:
    """The provider or the department of the subject, if the actor may speak for it."""
    city = actor.has_for_city(Role.TECHNICAL_REVIEWER)
    if command.subject_kind is SubjectKind.POOL:
        pool = world.get(ResourcePool, command.subject_id)
        if not city:
            require_in(actor, pool.provider_id, "ResourcePool", pool.id, Role.PROVIDER)
        return pool.provider_id, None
    application = world.get(Application, command.subject_id)
    owner = application.department_id
    if not city:
        require_in(actor, owner, "Application", application.id, Role.DEPARTMENT_USER)
    return None, owner


def _replaced(world: World, certificate: Certificate) -> bool:
    """Whether a newer paper of the kind holds longer, so that nothing has to be renewed."""
    others = world.find(
        Certificate, subject_id=certificate.subject_id, subject_kind=certificate.subject_kind
    )
    return any(
        other.kind is certificate.kind
        and other.state is CertificateState.ISSUED
        and other.expires_at > certificate.expires_at
        for other in others
    )


def _tell(world: World, topic: str, certificate: Certificate, at: datetime) -> None:
    payload = {
        "kind": str(certificate.kind),
        "subject_id": certificate.subject_id,
        "provider_id": certificate.provider_id,
        "department_id": certificate.department_id,
        "expires_at": certificate.expires_at.isoformat(),
    }
    world.outbox(Message(topic=topic, subject=certificate.id, payload=payload, at=at))
