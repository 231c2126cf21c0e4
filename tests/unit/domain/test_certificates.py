"""Certificates: who can have which, and how they stand before and after their end."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.certificates import (
    Certificate,
    CertificateKind,
    CertificateState,
    SubjectKind,
    Validity,
    check_certificate,
    holds,
    standing_of,
)
from tests.support.assessments import at

KIND = CertificateKind


def a_certificate(**changed: Any) -> Certificate:
    fields: dict[str, Any] = {
        "id": "CERT-1",
        "kind": KIND.CLOUD_SECURITY,
        "subject_kind": SubjectKind.POOL,
        "subject_id": "x86",
        "number": "test 1",
        "issuer": "somebody",
        "valid_from": at("01-01 00:00"),
        "expires_at": at("06-01 00:00"),
    }
    return Certificate(**(fields | changed))


@pytest.mark.parametrize(
    "how",
    [
        {"subject_kind": SubjectKind.APPLICATION},
        {"number": " "},
        {"issuer": ""},
        {"expires_at": at("01-01 00:00")},
        {"mlps_level": 3},
        {"kind": KIND.MLPS_REPORT},
        {"kind": KIND.MLPS_REPORT, "mlps_level": 6},
    ],
)
def test_a_paper_that_cannot_be_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(CloudmgrError):
        check_certificate(a_certificate(**how))


def test_an_application_is_tested_for_its_level_and_its_cryptography() -> None:
    of = {"subject_kind": SubjectKind.APPLICATION}
    check_certificate(a_certificate(**of, kind=KIND.MLPS_REPORT, mlps_level=3))
    check_certificate(a_certificate(**of, kind=KIND.CRYPTOGRAPHY))


def validity(now: str, *papers: Certificate) -> Validity:
    return standing_of(SubjectKind.POOL, "x86", KIND.CLOUD_SECURITY, papers, at(now), 30).validity


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("01-01 00:00", Validity.VALID),
        ("05-01 23:59", Validity.VALID),
        ("05-02 00:00", Validity.EXPIRING),
        ("05-31 23:59", Validity.EXPIRING),
        ("06-01 00:00", Validity.EXPIRED),
    ],
)
def test_a_certificate_is_warned_of_within_the_days_and_ends_at_its_instant(
    now: str, expected: Validity
) -> None:
    assert validity(now, a_certificate()) is expected
    assert holds([a_certificate()], KIND.CLOUD_SECURITY, at(now)) is (expected != Validity.EXPIRED)


def test_the_paper_that_holds_longest_counts_once_it_has_begun() -> None:
    renewed = a_certificate(id="CERT-2", valid_from=at("05-15 00:00"), expires_at=at("12-31 00:00"))
    assert validity("05-14 00:00", a_certificate(), renewed) is Validity.EXPIRING
    assert validity("05-15 00:00", a_certificate(), renewed) is Validity.VALID


def test_a_revoked_paper_does_not_hold_and_hides_behind_any_other() -> None:
    revoked = a_certificate(state=CertificateState.REVOKED, expires_at=at("12-31 00:00"))
    assert validity("02-01 00:00", revoked) is Validity.REVOKED
    assert validity("02-01 00:00", revoked, a_certificate(id="CERT-2")) is Validity.VALID
    assert not holds([revoked], KIND.CLOUD_SECURITY, at("02-01 00:00"))


def test_another_pools_and_another_kinds_paper_is_no_help() -> None:
    others = [
        a_certificate(subject_id="kunpeng"),
        a_certificate(kind=KIND.CRYPTOGRAPHY),
        a_certificate(kind=KIND.MLPS_REPORT, mlps_level=3, subject_kind=SubjectKind.APPLICATION),
    ]
    assert validity("02-01 00:00", *others) is Validity.MISSING
