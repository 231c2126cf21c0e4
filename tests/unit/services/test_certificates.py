"""Certificates as they are registered, warned of, and asked for when something is placed."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain.applications import DeploymentStatus
from cloudmgr.domain.certificates import CertificateKind, SubjectKind, Validity
from cloudmgr.domain.policy_pools import PoolRules
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.certificates import (
    RegisterCertificate,
    RevokeCertificate,
    due_for_renewal,
)
from tests.support.assessments import at
from tests.support.requests import a_line, approved, running, submitted
from tests.support.sites import rule
from tests.support.worlds import Town, a_town, an_application


@pytest.fixture
def town() -> Town:
    return a_town()


def a_paper(**changed: Any) -> RegisterCertificate:
    fields: dict[str, Any] = {
        "kind": CertificateKind.CLOUD_SECURITY,
        "subject_kind": SubjectKind.POOL,
        "subject_id": "x86",
        "number": "test 1",
        "issuer": "somebody",
        "valid_from": at("01-01 00:00"),
        "expires_at": at("06-01 00:00"),
    }
    return RegisterCertificate(**(fields | changed))


def an_application_paper(**changed: Any) -> RegisterCertificate:
    of = {
        "kind": CertificateKind.MLPS_REPORT,
        "mlps_level": 2,
        "subject_kind": SubjectKind.APPLICATION,
        "subject_id": "health-app",
    }
    return a_paper(**(of | changed))


def test_a_provider_registers_for_its_pools_and_a_department_for_its_systems(town: Town) -> None:
    assert town.give(a_paper(), "prv.engineer").provider_id == "prv"
    assert town.give(an_application_paper(), "health.user").department_id == "health"
    assert town.give(a_paper(subject_id="kunpeng"), "centre.a").provider_id == "rival"
    assert town.code(a_paper(), "rival.engineer") == "not_found"
    assert town.code(a_paper(), "health.user") == "not_found"
    assert town.code(an_application_paper(), "transport.user") == "not_found"
    assert town.code(a_paper(subject_id="nowhere"), "prv.engineer") == "not_found"
    assert town.code(a_paper(), "county-centre.a") == "forbidden"


def test_evidence_is_a_file_one_can_see(town: Town) -> None:
    assert town.code(a_paper(file_id="FILE-00000001"), "prv.engineer") == "not_found"


def told(town: Town) -> list[tuple[str, str]]:
    return [
        (each.topic, each.at.isoformat()[:10])
        for each in town.messages
        if each.topic.startswith("certificate_")
    ]


def test_its_end_is_told_on_each_day_of_the_policy_and_when_it_comes(town: Town) -> None:
    rule(town, pools=PoolRules(certificate_warning_days=(30, 7)))
    town.give(a_paper(), "prv.engineer")
    town.wait("06-02 00:00")
    # Shanghai's midnights are 16:00 of the day before in UTC.
    assert told(town) == [
        ("certificate_expiring", "2026-05-01"),
        ("certificate_expiring", "2026-05-24"),
        ("certificate_expired", "2026-05-31"),
    ]


def test_a_renewed_certificate_is_not_warned_of_again(town: Town) -> None:
    rule(town, pools=PoolRules(certificate_warning_days=(30,)))
    town.give(a_paper(), "prv.engineer")
    town.give(a_paper(number="test 2", expires_at=at("12-31 00:00")), "prv.engineer")
    town.wait("06-02 00:00")
    assert told(town) == []


def test_a_revoked_certificate_is_told_once_and_counts_no_more(town: Town) -> None:
    paper = town.give(a_paper(), "prv.engineer")
    revoke = RevokeCertificate(certificate_id=paper.id, reason="withdrawn")
    assert town.code(revoke, "prv.engineer") == "forbidden"
    town.give(revoke, "centre.a")
    town.wait("06-02 00:00")
    assert [topic for topic, _ in told(town)] == ["certificate_revoked"]
    assert town.code(revoke, "centre.a") == "illegal_transition"


def due(town: Town, who: str, days: int | None = None) -> dict[tuple[str, str], Validity]:
    with town.reading() as world:
        found = due_for_renewal(world, town.actor(who), town.now, days)
    return {(each.subject_id, each.kind): each.validity for each in found}


def test_the_list_says_what_is_missing_and_what_ends_soon(town: Town) -> None:
    town.give(a_paper(), "prv.engineer")
    assert ("x86", "cloud_security") not in due(town, "centre.a")
    assert due(town, "centre.a", 365)["x86", "cloud_security"] is Validity.EXPIRING
    town.wait("06-01 00:00")
    found = due(town, "centre.a")
    assert found["x86", "cloud_security"] is Validity.EXPIRED
    assert found["kunpeng", "cloud_security"] is Validity.MISSING


def test_everybody_sees_what_is_theirs(town: Town) -> None:
    application = an_application()
    town.change(application, state=DeploymentStatus.ON_CLOUD)
    assert {id for id, _ in due(town, "prv.engineer")} == {"x86"}
    assert due(town, "health.user") == {("health-app", "mlps_report"): Validity.MISSING}
    assert due(town, "transport.user") == {}, "its system is not on the cloud"
    town.give(an_application_paper(expires_at=at("12-31 00:00")), "health.user")
    assert due(town, "health.user") == {}


def test_nothing_begins_in_a_pool_whose_certificate_has_ended_where_the_policy_asks(
    town: Town,
) -> None:
    rule(town, pools=PoolRules(require_certificate=True))
    with pytest.raises(Exception, match="x86 refused by certificate"):
        submitted(town, a_line())
    town.give(a_paper(), "prv.engineer")
    held = running(town, a_line())
    assert held.pool_id == "x86"
    town.wait("06-01 00:00")
    with pytest.raises(Exception, match="x86 refused by certificate"):
        submitted(town, a_line(), department="transport")
    grown = a_line(sku_id="vm-large", allocation_id=held.id)
    assert approved(town, grown, kind=RequestKind.CHANGE).state == "approved"
