"""Drills as they are planned, recorded and missed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudmgr.domain.applications import DeploymentStatus, DrMode
from cloudmgr.domain.continuity import ContinuityRules, DrModeTerms
from cloudmgr.domain.drills import Drill, DrillKind, DrillState
from cloudmgr.services.drills import CancelDrill, PlanDrill, RecordDrill, find_overdue
from tests.support.assessments import at
from tests.support.sites import rule
from tests.support.worlds import Town, a_town, an_application


@pytest.fixture
def town() -> Town:
    town = a_town()
    town.change(an_application(), state=DeploymentStatus.ON_CLOUD, dr_mode=DrMode.SAME_CITY_ACTIVE)
    terms = DrModeTerms(mode=DrMode.SAME_CITY_ACTIVE, source="test", rto_minutes=30, rpo_minutes=5)
    rule(town, continuity=ContinuityRules(modes=(terms,), drill_interval_months=2))
    return town


def a_plan(**changed: Any) -> PlanDrill:
    fields: dict[str, Any] = {
        "application_id": "health-app",
        "kind": DrillKind.SWITCHOVER,
        "scenario": "no power",
        "planned_for": at("02-01 09:00"),
    }
    return PlanDrill(**(fields | changed))


def a_record(drill: Drill, **changed: Any) -> RecordDrill:
    fields: dict[str, Any] = {
        "drill_id": drill.id,
        "held_at": at("02-01 09:00"),
        "participants": ("health", "prv"),
        "reached_rto_minutes": 20,
        "reached_rpo_minutes": 1,
    }
    return RecordDrill(**(fields | changed))


def overdue(town: Town, who: str = "centre.a") -> list[str]:
    with town.reading() as world:
        return [each.application_id for each in find_overdue(world, town.actor(who), town.now)]


def test_a_drill_is_held_against_what_was_promised_when_it_was_planned(town: Town) -> None:
    drill = town.give(a_plan(), "health.user")
    assert (drill.promised_rto_minutes, drill.promised_rpo_minutes) == (30, 5)
    assert town.code(a_record(drill), "health.user") == "bad_value", "it was not held yet"
    town.wait("02-02 09:00")
    missed = a_record(drill, reached_rto_minutes=31)
    assert town.code(missed, "health.user") == "bad_value", "no finding"
    held = town.give(replace(missed, finding="mounted by hand"), "health.user")
    assert (held.state, held.reached) == (DrillState.HELD, False)
    assert town.code(missed, "health.user") == "illegal_transition"


def test_a_drill_is_overdue_until_it_is_held_and_again_when_its_time_has_passed(
    town: Town,
) -> None:
    assert overdue(town) == ["health-app"]
    drill = town.give(a_plan(), "centre.a")
    town.wait("02-02 09:00")
    town.give(a_record(drill), "centre.a")
    assert overdue(town) == []
    town.wait("03-31 23:00")
    assert overdue(town) == []
    assert "drill_overdue" not in {each.topic for each in town.messages}
    town.wait("04-01 00:00")
    assert overdue(town) == ["health-app"]
    assert [each.subject for each in town.messages if each.topic == "drill_overdue"] == [
        "health-app"
    ]


def test_a_second_drill_puts_the_next_one_off(town: Town) -> None:
    for day in ("02-01 09:00", "03-01 09:00"):
        drill = town.give(a_plan(planned_for=at(day)), "centre.a")
        town.wait(day)
        town.give(a_record(drill, held_at=at(day)), "centre.a")
    town.wait("04-30 23:00")
    assert "drill_overdue" not in {each.topic for each in town.messages}
    town.wait("05-01 00:00")
    assert "drill_overdue" in {each.topic for each in town.messages}


def test_talking_it_through_is_no_proof(town: Town) -> None:
    drill = town.give(a_plan(kind=DrillKind.TABLETOP), "health.user")
    town.wait("02-02 09:00")
    talk = a_record(drill, reached_rto_minutes=None, reached_rpo_minutes=None)
    town.give(talk, "health.user")
    assert overdue(town) == ["health-app"]


def test_a_drill_that_is_cancelled_stays_due(town: Town) -> None:
    drill = town.give(a_plan(), "health.user")
    cancel = CancelDrill(drill_id=drill.id, reason="protected period")
    assert town.code(replace(cancel, reason=""), "health.user") == "bad_value"
    assert town.give(cancel, "health.user").state is DrillState.CANCELLED
    assert overdue(town) == ["health-app"]


def test_others_drills_are_not_found(town: Town) -> None:
    assert town.code(a_plan(), "transport.user") == "not_found"
    assert town.code(a_plan(), "prv.engineer") == "forbidden"
    drill = town.give(a_plan(), "health.user")
    town.wait("02-02 09:00")
    assert town.code(a_record(drill), "transport.user") == "not_found"
    assert overdue(town, "transport.user") == []
    assert overdue(town, "health.user") == ["health-app"]


def test_a_plan_is_for_a_day_to_come_and_says_what_fails(town: Town) -> None:
    assert town.code(a_plan(planned_for=at("01-01 00:00")), "health.user") == "bad_value"
    assert town.code(a_plan(scenario=" "), "health.user") == "bad_value"
