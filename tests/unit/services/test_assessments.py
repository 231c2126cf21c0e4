"""A provider's cycle from its records to the final score, by command and by time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.assessment import Adjustment, Assessment, AssessmentState
from cloudmgr.domain.lines import LineKind
from cloudmgr.domain.ratios import ratio
from cloudmgr.domain.requests import RequestKind
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import measures
from cloudmgr.services.assessments import (
    AppealAssessment,
    CycleScored,
    PublishAssessment,
    ResolveAppeal,
    ScoreAssessment,
)
from cloudmgr.services.commands import Command
from tests.support.assessments import (
    JANUARY,
    a_rating,
    an_allocation,
    an_incident,
    an_order,
    at,
)
from tests.support.judged import (
    AUTHORITY,
    COUNTY_REVIEWER,
    PROVIDER,
    REVIEWER,
    RIVAL,
    Judged,
    a_batch,
    a_rated_line,
    a_request,
    close_month,
    judged,
)

SCORING = at("02-05 09:00")
ID = "ASM-2026-01-prv"
Hours = dict[str, tuple[tuple[datetime, int], ...]]


class FakeUsage:
    """Stands for the lake's rollups: what they answer is set by the test."""

    def __init__(self) -> None:
        self.hours: dict[str, Hours] = {}
        self.covered: dict[str, dict[str, tuple[int, int]]] = {}

    def pool_hourly_cpu(self, world: Any, month: Month) -> Hours:
        return self.hours.get(str(month), {})

    def coverage(self, world: Any, month: Month) -> dict[str, tuple[int, int]]:
        return self.covered.get(str(month), {})


@pytest.fixture
def usage(monkeypatch: pytest.MonkeyPatch) -> FakeUsage:
    fake = FakeUsage()
    fake.hours["2026-01"] = {
        "pool": ((at("01-10 10:00"), 10_000),),
        "elsewhere": ((at("01-10 10:00"), 90_000),),
    }
    fake.covered["2026-01"] = {"AL-1": (9_495, 10_000), "AL-elsewhere": (0, 10_000)}
    monkeypatch.setattr(measures, "usage", fake)
    return fake


@pytest.fixture
def node(usage: FakeUsage) -> Judged:
    """A month that scores 71.13 by the shipped scheme; see the test that works it out."""
    node = judged()
    node.walk(
        a_request(id="REQ-1", kind=RequestKind.MIGRATE_IN),
        a_request(id="REQ-2"),
        a_request(id="REQ-3"),
        *(
            an_order(
                id=f"WO-{number}",
                request_id=f"REQ-{number}",
                accepted="01-05 10:00",
                done=done,
            )
            for number, done in ((1, "01-09 10:00"), (2, "01-09 10:00"), (3, "01-13 10:00"))
        ),
        an_incident(acknowledged="01-10 10:20", restored="01-10 10:20"),
    )
    node.keep(
        a_rating(stars=5),
        a_batch(id="B-1", sent=1000, quarantined=0, days=("2026-01-31", "2026-02-01")),
        a_batch(id="B-2", sent=1000, quarantined=900, days=("2026-02-01",)),
        a_rated_line(id="RL-1", price="80", billed="800.00"),
        a_rated_line(id="RL-2", price="0", billed="0.00", kind=LineKind.TRIAL),
        a_rated_line(id="RL-3", price="1", billed="-500.00", kind=LineKind.ADJUSTMENT),
        a_rated_line(id="RL-5", price="1", billed="500.00", kind=LineKind.ADJUSTMENT),
        a_rated_line(id="RL-4", price="100", billed="9000.00", month="2026-02"),
    )
    close_month(node)
    return node


def scored(node: Judged, actor: Actor = REVIEWER) -> CycleScored:
    found: CycleScored = node.do(ScoreAssessment(cycle="2026-01"), actor, SCORING)
    return found


def published(node: Judged) -> Assessment:
    scored(node)
    found: Assessment = node.do(PublishAssessment(assessment_id=ID), AUTHORITY, at("02-06 09:00"))
    return found


def code(node: Judged, command: Command, actor: Actor, now: datetime = SCORING) -> str:
    with pytest.raises(CloudmgrError) as refused:
        node.do(command, actor, now)
    return refused.value.code


def test_a_providers_month_is_scored_from_its_records(node: Judged) -> None:
    # onboarding 15: migrations 1/1 = 100, accepted at once 3/3 = 100               -> 15
    # service 25: on time 1/2 = 0 x 35; answered 3/3, acknowledged 1/1,
    #             restored 1/1, critical 0 = 100 x 65                                -> 16.25
    # efficiency 20: 20 of 100 vCPU = 0 x 40; p95 10 of 100 cores = 25 x 60          -> 3
    # operation 25: 20 of 446.4 minutes = 100 x 35; 9 495 of 10 000 = 50 x 25;
    #               quarantined 0 = 100 x 10; 5 stars = 100 x 30                     -> 21.875
    # value 15: 0.8 of the ceiling = 100                                             -> 15
    #                                                                       71.125 -> 71.13
    result = scored(node)
    assert [(line.provider_id, line.score) for line in result.providers] == [
        ("prv", Decimal("71.13"))
    ]
    found = node.look(Assessment, ID)
    assert (found.state, found.score) == (AssessmentState.SCORED, Decimal("71.13"))
    assert [each.points for each in found.dimensions] == [
        15,
        Fraction("16.25"),
        3,
        Fraction("21.875"),
        15,
    ]
    assert sum(item.weight for item in found.items) == 100
    assert node.events[-1].subject == "cycle/2026-01"


def test_what_departments_leave_idle_is_shown_without_weight(node: Judged) -> None:
    scored(node)
    items = {item.indicator_id: item for item in node.look(Assessment, ID).items}
    idle = items["allocation_mean_use"]
    assert idle.measured.value == Fraction(1, 2)
    assert (idle.weight, idle.points) == (0, 0)


def test_another_trace_gives_another_score(node: Judged, usage: FakeUsage) -> None:
    first = scored(node).providers[0].score
    usage.hours["2026-01"] = {"pool": ((at("01-10 10:00"), 12_000),)}
    second = scored(node).providers[0].score
    # 12 of 100 cores: 30 instead of 25 points of 100, at 60 % of 20.
    assert (first, second) == (Decimal("71.13"), Decimal("71.73"))
    assert [version.score for version in node.look(Assessment, ID).history] == [first, second]


def test_scoring_twice_without_change_gives_the_same_card(node: Judged) -> None:
    scored(node)
    first = node.look(Assessment, ID)
    scored(node, AUTHORITY)
    second = node.look(Assessment, ID)
    assert second.items == first.items
    assert [version.user_id for version in second.history] == ["officer", "chief"]


def test_only_providers_with_something_running_are_scored(node: Judged) -> None:
    node.keep(
        an_allocation(id="AL-later", start="02-01 00:00", pool_id="pool-2", provider_id="other")
    )
    assert [line.provider_id for line in scored(node).providers] == ["prv"]


def test_a_provider_of_whom_little_is_known_is_scored_by_that(usage: FakeUsage) -> None:
    node = judged()
    close_month(node)
    usage.hours.clear()
    usage.covered.clear()
    scored(node)
    found = node.look(Assessment, ID)
    # No orders, readings, bills or ratings: allocated 0.2 = 0 at weight 20, no critical incident
    # = 100 at 25, no minute lost = 100 at 25; together 50 of 70.
    assert found.score == Decimal("71.43")
    assert {item.indicator_id for item in found.items if item.weight} == {
        "critical_incidents",
        "allocated_share",
        "availability_minutes",
    }


def test_an_open_month_is_not_scored(usage: FakeUsage) -> None:
    node = judged()
    assert code(node, ScoreAssessment(cycle="2026-01"), REVIEWER) == "cycle_not_closed"


def test_a_quarter_waits_for_its_last_month_and_starts_with_its_first(usage: FakeUsage) -> None:
    node = judged(cycle_months=3)
    close_month(node)
    close_month(node, JANUARY.plus(1))
    with pytest.raises(CloudmgrError, match="close first: 2026-03"):
        node.do(ScoreAssessment(cycle="2026-01"), REVIEWER, at("04-08 09:00"))
    close_month(node, JANUARY.plus(2))
    node.do(ScoreAssessment(cycle="2026-01"), REVIEWER, at("04-08 09:00"))
    assert node.look(Assessment, ID).months == ("2026-01", "2026-02", "2026-03")
    assert code(node, ScoreAssessment(cycle="2026-02"), REVIEWER) == "bad_period"


def test_a_cycle_before_any_policy_is_not_scored(node: Judged) -> None:
    assert code(node, ScoreAssessment(cycle="2025-12"), REVIEWER) == "bad_value"


def test_readings_that_never_came_are_missing_in_the_lake_itself() -> None:
    node = judged()
    close_month(node)
    scored(node)
    items = {item.indicator_id: item for item in node.look(Assessment, ID).items}
    # 10 allocations of 31 days, a sample every 5 minutes.
    assert items["metering_coverage"].measured.denominator == 10 * 31 * 288
    assert items["metering_coverage"].measured.value == 0
    assert items["pool_peak_use"].measured.value is None


def test_scoring_belongs_to_the_citys_offices(node: Judged) -> None:
    command = ScoreAssessment(cycle="2026-01")
    assert code(node, command, PROVIDER) == "forbidden"
    assert code(node, command, COUNTY_REVIEWER) == "forbidden"
    assert code(node, PublishAssessment(assessment_id=ID), REVIEWER) == "forbidden"


def test_a_published_score_becomes_final_after_publicity_and_appeal_time(node: Judged) -> None:
    found = published(node)
    until = add_workdays(at("02-06 09:00"), 10)
    assert found.appeal_until == until
    assert node.wait_until(until - timedelta(seconds=1)) == 0
    assert node.wait_until(until) == 1
    final = node.look(Assessment, ID)
    assert (final.state, final.final_at) == (AssessmentState.FINAL, until)
    assert final.score == Decimal("71.13")
    assert [message.topic for message in node.messages] == [
        "assessment_published",
        "assessment_final",
    ]


def test_a_granted_appeal_changes_the_score_and_keeps_both_versions(node: Judged) -> None:
    published(node)
    appealed = node.do(
        AppealAssessment(assessment_id=ID, text="WO-3 waited for the department"),
        PROVIDER,
        at("02-10 09:00"),
    )
    assert appealed.state is AssessmentState.APPEALED
    set_right = Adjustment(
        indicator_id="provisioning_on_time", value=ratio(1), reason="WO-3 does not count"
    )
    final = node.do(
        ResolveAppeal(assessment_id=ID, accepted=True, opinion="granted", adjustments=(set_right,)),
        AUTHORITY,
        at("02-12 09:00"),
    )
    # 35 of 100 at weight 25 more: 71.125 + 8.75 = 79.875 -> 79.88
    assert (final.state, final.score) == (AssessmentState.FINAL, Decimal("79.88"))
    assert [version.score for version in final.history] == [Decimal("71.13"), Decimal("79.88")]
    assert node.wait_until(at("03-31 00:00")) == 0


def test_a_refused_appeal_ends_with_the_published_score(node: Judged) -> None:
    published(node)
    node.do(AppealAssessment(assessment_id=ID, text="too low"), PROVIDER, at("02-10 09:00"))
    final = node.do(
        ResolveAppeal(assessment_id=ID, accepted=False, opinion="the records are right"),
        AUTHORITY,
        at("02-12 09:00"),
    )
    assert (final.state, final.score) == (AssessmentState.FINAL, Decimal("71.13"))


def test_an_appeal_nobody_decided_is_brought_to_mind_and_stays_open(node: Judged) -> None:
    published(node)
    node.do(AppealAssessment(assessment_id=ID, text="too low"), PROVIDER, at("02-10 09:00"))
    node.wait_until(at("03-31 00:00"))
    assert node.look(Assessment, ID).state is AssessmentState.APPEALED
    assert node.messages[-1].topic == "appeal_undecided"
    final = node.do(
        ResolveAppeal(assessment_id=ID, accepted=False, opinion="late, but right"),
        AUTHORITY,
        at("04-01 09:00"),
    )
    assert final.state is AssessmentState.FINAL


def test_an_appeal_comes_from_the_provider_itself_and_in_time(node: Judged) -> None:
    until = published(node).appeal_until
    assert until is not None
    objection = AppealAssessment(assessment_id=ID, text="too low")
    assert code(node, objection, RIVAL, at("02-10 09:00")) == "not_found"
    assert code(node, objection, AUTHORITY, at("02-10 09:00")) == "forbidden"
    assert code(node, objection, PROVIDER, until) == "appeal_over"


def test_an_appeal_is_granted_with_values_and_refused_without(node: Judged) -> None:
    published(node)
    node.do(AppealAssessment(assessment_id=ID, text="too low"), PROVIDER, at("02-10 09:00"))
    granted = ResolveAppeal(assessment_id=ID, accepted=True, opinion="granted")
    silent = ResolveAppeal(assessment_id=ID, accepted=False, opinion=" ")
    county = Actor("county-chief", (Grant(Role.AUTHORITY, "county", "county", True),))
    assert code(node, granted, AUTHORITY) == "bad_value"
    assert code(node, silent, AUTHORITY) == "bad_value"
    assert code(node, granted, county) == "forbidden"


def test_a_published_score_is_not_scored_again(node: Judged) -> None:
    published(node)
    assert code(node, ScoreAssessment(cycle="2026-01"), REVIEWER) == "illegal_transition"


def test_a_batch_without_good_rows_counts_in_the_month_it_came(node: Judged) -> None:
    node.keep(a_batch(id="B-3", sent=1000, quarantined=1000, received="01-31 23:59"))
    node.keep(a_batch(id="B-4", sent=1000, quarantined=1000, received="02-01 00:00"))
    scored(node)
    items = {item.indicator_id: item for item in node.look(Assessment, ID).items}
    assert items["metering_quarantine"].measured.value == Fraction(1000, 2000)


def test_incidents_of_other_months_do_not_touch_this_one(node: Judged) -> None:
    node.walk(
        an_incident(id="INC-2", opened="02-01 00:00", restored="02-01 09:00"),
        an_incident(id="INC-3", opened="02-02 00:00"),
    )
    scored(node)
    items = {item.indicator_id: item for item in node.look(Assessment, ID).items}
    assert items["availability_minutes"].measured.numerator == 20
    assert items["incident_restoration"].measured.denominator == 1
