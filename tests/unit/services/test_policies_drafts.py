"""Policy versions: drafted, co-signed by finance, published from a midnight, by three people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.period import Month
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.policy_drafts import PolicyDraft, PolicyDraftState, policy_changes
from cloudmgr.services.policies import policy_now
from cloudmgr.services.policies_drafts import (
    CoSignPolicy,
    DraftPolicy,
    DropPolicy,
    EditPolicy,
    PublishPolicy,
    ReturnPolicy,
)
from cloudmgr.services.rating import month_policy
from cloudmgr.services.reading import page
from tests.support.assessments import at
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def a_draft(**changes: Any) -> DraftPolicy:
    wanted = changes or {"clocks": {"review_workdays": 3}}
    return DraftPolicy(title="slower", reason="reform", changes=wanted)


def co_signed(town: Town, command: DraftPolicy) -> PolicyDraft:
    draft = town.give(command, "desk.a")
    signed: PolicyDraft = town.give(CoSignPolicy(draft_id=draft.id), "treasury.a")
    return signed


def publication(draft: PolicyDraft, *, begins: str = "02-01 00:00") -> PublishPolicy:
    return PublishPolicy(
        draft_id=draft.id, document_number="test 7", effective_from=at(begins), kind="sample"
    )


def review_workdays(town: Town, moment: str) -> int:
    with town.reading() as world:
        return policy_now(world, at(moment)).clocks.review_workdays


def test_it_is_drafted_co_signed_published_and_holds_from_its_midnight(town: Town) -> None:
    done = town.give(publication(co_signed(town, a_draft())), "bureau.a")
    policy = town.look(Policy, done.policy_id)
    assert (policy.document_number, policy.kind) == ("test 7", "sample")
    assert review_workdays(town, "01-31 23:59") == 2
    assert review_workdays(town, "02-01 00:00") == 3
    town.wait("02-01 00:00")
    assert [each.at for each in town.messages if each.topic == "policy_in_force"] == [
        at("02-01 00:00")
    ]


def test_a_month_is_rated_by_the_version_of_its_last_instant(town: Town) -> None:
    town.give(publication(co_signed(town, a_draft(proration="whole_month"))), "bureau.a")
    with town.reading() as world:
        assert month_policy(world, Month(2026, 1)).proration == "day"
        assert month_policy(world, Month(2026, 2)).proration == "whole_month"


def test_what_differs_is_told_by_its_place(town: Town) -> None:
    draft = town.give(a_draft(clocks={"review_workdays": 3}, proration="second"), "desk.a")
    before = town.look(Policy, draft.base_policy_id)
    told = {each.field: (each.before, each.after) for each in policy_changes(before, draft.terms)}
    assert told == {"proration": ("day", "second"), "clocks.review_workdays": ("2", "3")}


def test_nobody_signs_what_he_wrote_or_signed(town: Town) -> None:
    draft = town.give(a_draft(), "bureau.a")
    edit = EditPolicy(draft_id=draft.id, title="t", reason="r", changes={"proration": "second"})
    town.give(edit, "bureau.b")
    assert town.code(publication(draft), "centre.a") == "forbidden"
    assert town.code(CoSignPolicy(draft_id=draft.id), "bureau.a") == "forbidden"
    town.give(CoSignPolicy(draft_id=draft.id), "treasury.a")
    for author in ("bureau.a", "bureau.b"):
        assert town.code(publication(draft), author) == "same_person"


def test_nothing_is_published_without_finance(town: Town) -> None:
    draft = town.give(a_draft(), "desk.a")
    assert town.code(publication(draft), "bureau.a") == "illegal_transition"
    town.give(CoSignPolicy(draft_id=draft.id), "treasury.a")
    town.give(ReturnPolicy(draft_id=draft.id, reason="recount"), "bureau.a")
    assert town.look(PolicyDraft, draft.id).co_signer_id == ""
    assert town.code(publication(draft), "bureau.a") == "illegal_transition"


def test_a_draft_whose_base_was_overtaken_is_written_anew(town: Town) -> None:
    slow = co_signed(town, a_draft())
    town.give(publication(co_signed(town, a_draft(proration="second"))), "bureau.a")
    late = publication(slow, begins="03-01 00:00")
    assert town.code(late, "bureau.a") == "base_overtaken"
    town.give(ReturnPolicy(draft_id=slow.id, reason="overtaken"), "desk.a")
    edit = EditPolicy(draft_id=slow.id, title="t", reason="r", changes=a_draft().changes)
    draft = town.give(edit, "desk.a")
    assert draft.terms.proration == "second", "what was published before stays"


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"document_number": "mine"},
        {"clocks": {"revue_workdays": 3}},
        {"clocks": {"review_workdays": -1}},
        {"chain": []},
        {"settlement_cycle_months": 5},
        {"payers": [{"region_id": "moon", "payer_id": None}]},
        {"payers": [{"region_id": "city", "payer_id": "nobody"}]},
        {"payers": [{"region_id": "city", "payer_id": "treasury", "share": "1"}]},
        {"proration": "day"},
    ],
)
def test_rules_that_no_policy_can_have_are_refused(town: Town, changes: dict[str, Any]) -> None:
    assert town.code(a_draft(**changes), "desk.a") == "bad_value"


@pytest.mark.parametrize("begins", ["01-05 00:00", "02-01 00:01"])
def test_it_begins_at_a_future_midnight(town: Town, begins: str) -> None:
    command = publication(co_signed(town, a_draft()), begins=begins)
    assert town.code(command, "bureau.a") == "not_midnight"


def test_drafts_are_the_offices_and_versions_everybodys(town: Town) -> None:
    draft = town.give(a_draft(), "desk.a")
    with town.reading() as world:
        for login in ("health.user", "prv.engineer", "county-health.reviewer"):
            assert not page(world, town.actor(login), PolicyDraft).items
            assert page(world, town.actor(login), Policy).items
        assert page(world, town.actor("treasury.a"), PolicyDraft).items
    dropped = town.give(DropPolicy(draft_id=draft.id, reason="no need"), "desk.b")
    assert dropped.state is PolicyDraftState.DROPPED
    assert town.code(CoSignPolicy(draft_id=draft.id), "treasury.a") == "illegal_transition"
    again = replace(a_draft(), title=" ")
    assert town.code(again, "desk.a") == "bad_value"
