"""A request that is only looked at: the same figures as a written one, and all its faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudmgr.domain.applications import Application
from cloudmgr.domain.attachments import AttachmentKind, AttachmentRule
from cloudmgr.domain.errors import CloudmgrError
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.requests import RequestKind, RequestLine
from cloudmgr.services.estimates import estimate
from cloudmgr.services.requests_preview import UNSAVED, Preview, Wish, preview
from tests.support.requests import a_line, drafted, running
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def a_wish(*lines: RequestLine, **changed: Any) -> Wish:
    fields: dict[str, Any] = {
        "application_id": "health-app",
        "kind": RequestKind.NEW,
        "lines": lines or (a_line(),),
    }
    return Wish(**(fields | changed))


def looked_at(town: Town, wish: Wish, by: str = "health.user") -> Preview:
    before = town.snapshot()
    with town.reading() as world:
        found = preview(world, wish, town.actor(by), town.now)
    assert town.snapshot() == before, "looking keeps nothing"
    return found


def codes(found: Preview) -> list[str]:
    return [each.code for each in found.refusals]


def test_it_shows_what_a_written_request_would_show(town: Town) -> None:
    lines = (a_line(quantity=25), a_line(line=2, sku_id="vm-kp"))
    found = looked_at(town, a_wish(*lines))
    draft = drafted(town, *lines)
    with town.reading() as world:
        written = estimate(world, draft, town.now)
    assert found.estimate == replace(written, request_id=UNSAVED)
    assert found.admitted
    assert [each.step for each in found.steps] == ["unit", "acceptance", "technical", "finance"]


def test_everything_that_would_refuse_it_is_told_at_once(town: Town) -> None:
    rule = AttachmentRule(attachment=AttachmentKind.PROJECT_APPROVAL)
    town.change(town.look(Policy, "policy"), attachments=(rule,))
    town.change(
        town.look(Application, "health-app"),
        mlps_level=1,
        security_check_passed=False,
        approval_document="",
    )
    nowhere, metered = a_line(sku_id="no-such-sku"), a_line(line=2, sku_id="traffic")
    found = looked_at(town, a_wish(nowhere, metered))
    assert codes(found) == [
        "mlps_too_low",
        "security_check_missing",
        "project_approval_missing",
        "attachment_missing",
        "unknown_sku",
        "bad_value",
    ]
    assert (found.admitted, found.estimate, found.steps) == (False, None, ())
    there = looked_at(town, a_wish(attachments=(AttachmentKind.PROJECT_APPROVAL,)))
    assert "attachment_missing" not in codes(there)


def test_what_is_short_today_is_a_warning_and_no_refusal(town: Town) -> None:
    found = looked_at(town, a_wish(a_line(quantity=60)))
    assert found.admitted
    assert found.estimate is not None
    assert {each.code for each in found.estimate.warnings} >= {"quota_exceeded"}


def test_a_line_that_no_pool_takes_is_refused_as_its_submission_would_be(town: Town) -> None:
    town.change(town.look(Application, "health-app"), xinchuang=True)
    kunpeng = looked_at(town, a_wish(a_line(sku_id="vm-kp")))
    assert kunpeng.admitted is True
    assert codes(looked_at(town, a_wish(a_line(pool_id="x86")))) == ["no_pool"]


def test_lines_that_name_what_is_foreign_are_told_nothing_about_it(town: Town) -> None:
    theirs = running(town, department="transport")
    wish = a_wish(a_line(allocation_id=theirs.id), kind=RequestKind.RENEW)
    assert codes(looked_at(town, wish)) == ["not_found"]


def test_whoever_sees_the_application_may_look_and_nobody_else(town: Town) -> None:
    for login in ("health.user", "health.lead", "centre.a", "treasury.a"):
        assert looked_at(town, a_wish(), login).admitted
    for login in ("transport.user", "prv.engineer", "county-centre.a", "bureau.system"):
        with pytest.raises(CloudmgrError, match="not_found"):
            looked_at(town, a_wish(), login)
