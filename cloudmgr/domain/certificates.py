"""Certificates that run out: cloud security assessment (云计算服务安全评估), MLPS report (等保测评)
and cryptography assessment (密评), of pools and of applications. Owns validity and warning.

What an expired one stops is `placement` and the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class CertificateKind(StrEnum):
    CLOUD_SECURITY = "cloud_security"
    MLPS_REPORT = "mlps_report"
    CRYPTOGRAPHY = "cryptography"


class SubjectKind(StrEnum):
    """What a certificate is of."""

    POOL = "pool"
    APPLICATION = "application"


KINDS_OF: dict[SubjectKind, tuple[CertificateKind, ...]] = {
    SubjectKind.POOL: tuple(CertificateKind),
    SubjectKind.APPLICATION: (CertificateKind.MLPS_REPORT, CertificateKind.CRYPTOGRAPHY),
}
"""A platform is assessed as a cloud service, a system on it is not."""


class CertificateState(StrEnum):
    ISSUED = "issued"
    REVOKED = "revoked"


class Validity(StrEnum):
    """How a certificate stands at a moment."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Value):
    """证书、测评报告 of a pool (then with its provider) or of an application (with its
    department), in force in [valid_from, expires_at)."""

    kind: CertificateKind
    subject_kind: SubjectKind
    subject_id: str
    number: str
    issuer: str
    valid_from: datetime
    expires_at: datetime
    provider_id: str | None = None
    department_id: str | None = None
    mlps_level: int | None = None
    file_id: str | None = None
    registered_by: str = ""
    registered_at: datetime | None = None
    revocation: str = ""
    state: CertificateState = CertificateState.ISSUED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Certificate",
        {
            CertificateState.ISSUED: ("有效登记", (CertificateState.REVOKED,)),
            CertificateState.REVOKED: ("已撤销", ()),
        },
    )

    def in_force(self, now: datetime) -> bool:
        return self.state is CertificateState.ISSUED and self.valid_from <= now < self.expires_at


def check_certificate(certificate: Certificate) -> None:
    """Raise `bad_value` for a kind its subject cannot have, no number, or a term that is none."""
    if certificate.kind not in KINDS_OF[certificate.subject_kind]:
        raise bad_value(
            "kind", f"a {certificate.subject_kind} has no {certificate.kind} certificate"
        )
    if not certificate.number.strip() or not certificate.issuer.strip():
        raise bad_value("number", "a certificate has a number and an issuer")
    if certificate.expires_at <= certificate.valid_from:
        raise bad_value("expires_at", "a certificate ends after it begins")
    level = certificate.mlps_level
    if (certificate.kind is CertificateKind.MLPS_REPORT) != (level is not None):
        raise bad_value("mlps_level", "an MLPS report, and no other paper, names the level tested")
    if level is not None and not 1 <= level <= 5:
        raise bad_value("mlps_level", "protection levels are 1 to 5")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStanding:
    """How one subject stands with one kind: by the certificate that holds longest, if any."""

    subject_kind: SubjectKind
    subject_id: str
    kind: CertificateKind
    validity: Validity
    certificate_id: str | None = None
    number: str = ""
    expires_at: datetime | None = None
    days_left: int | None = None
    provider_id: str | None = None
    department_id: str | None = None


def standing_of(
    subject_kind: SubjectKind,
    subject_id: str,
    kind: CertificateKind,
    certificates: Iterable[Certificate],
    now: datetime,
    warning_days: int,
    *,
    provider_id: str | None = None,
    department_id: str | None = None,
) -> CertificateStanding:
    """The standing at `now`; `certificates` may be those of everybody.

    A revoked paper counts only where nothing else is there to show.
    """
    own = [
        each
        for each in certificates
        if each.subject_kind is subject_kind and each.subject_id == subject_id and each.kind is kind
    ]
    begun = [each for each in own if each.valid_from <= now]
    best = max(
        begun,
        key=lambda each: (each.state is CertificateState.ISSUED, each.expires_at, each.id),
        default=None,
    )
    return CertificateStanding(
        subject_kind=subject_kind,
        subject_id=subject_id,
        kind=kind,
        validity=Validity.MISSING if best is None else _validity(best, now, warning_days),
        certificate_id=best.id if best else None,
        number=best.number if best else "",
        expires_at=best.expires_at if best else None,
        days_left=(best.expires_at - now).days if best else None,
        provider_id=provider_id,
        department_id=department_id,
    )


def _validity(certificate: Certificate, now: datetime, warning_days: int) -> Validity:
    if certificate.state is CertificateState.REVOKED:
        return Validity.REVOKED
    if certificate.expires_at <= now:
        return Validity.EXPIRED
    if certificate.expires_at <= now + timedelta(days=warning_days):
        return Validity.EXPIRING
    return Validity.VALID


def holds(certificates: Iterable[Certificate], kind: CertificateKind, now: datetime) -> bool:
    """Whether one of the certificates is of the kind and in force."""
    return any(each.kind is kind and each.in_force(now) for each in certificates)
