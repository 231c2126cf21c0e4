"""Drills: what a record needs, whether the promise was reached, and when the next one is due."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.drills import (
    Drill,
    DrillKind,
    DrillState,
    check_held,
    overdue_drill,
)
from tests.support.assessments import at

NOW = at("06-01 00:00")


def a_drill(**changed: Any) -> Drill:
    fields: dict[str, Any] = {
        "id": "DRILL-1",
        "application_id": "health-app",
        "department_id": "health",
        "kind": DrillKind.SWITCHOVER,
        "scenario": "no power",
        "participants": ("health",),
        "planned_for": at("03-01 09:00"),
        "planned_by": "health.user",
        "promised_rto_minutes": 30,
        "promised_rpo_minutes": 5,
        "held_at": at("03-01 09:00"),
        "reached_rto_minutes": 30,
        "reached_rpo_minutes": 0,
        "state": DrillState.HELD,
    }
    return Drill(**(fields | changed))


def test_a_promise_is_reached_when_both_figures_are_within_it() -> None:
    assert a_drill().reached is True
    assert a_drill(reached_rto_minutes=31).reached is False
    assert a_drill(reached_rpo_minutes=6).reached is False
    assert a_drill(reached_rto_minutes=None).reached is False
    assert a_drill(promised_rto_minutes=None, reached_rto_minutes=None).reached is True
    assert a_drill(state=DrillState.PLANNED).reached is None


@pytest.mark.parametrize(
    "how",
    [
        {"held_at": at("06-01 00:01")},
        {"participants": ()},
        {"reached_rto_minutes": None},
        {"reached_rpo_minutes": -1},
        {"reached_rto_minutes": 31},
    ],
    ids=["to come", "nobody", "not measured", "negative", "missed without a finding"],
)
def test_a_record_is_complete(how: dict[str, Any]) -> None:
    check_held(a_drill(), NOW)
    with pytest.raises(CloudmgrError):
        check_held(a_drill(**how), NOW)


def test_a_miss_is_recorded_with_what_follows_and_a_tabletop_measures_nothing() -> None:
    check_held(a_drill(reached_rto_minutes=31, finding="mounted by hand"), NOW)
    table = {"reached_rto_minutes": None, "reached_rpo_minutes": None}
    check_held(a_drill(kind=DrillKind.TABLETOP, **table), NOW)


def late(*drills: Drill, now: str = "06-01 00:00") -> Any:
    return overdue_drill("health-app", "health", drills, 2, at(now))


def test_the_next_drill_is_due_so_many_months_after_the_last() -> None:
    held = a_drill(held_at=at("03-01 09:00"))
    assert late(held, now="04-30 23:59") is None
    overdue = late(held, now="05-01 00:00")
    assert (overdue.last_held_at, overdue.due_at) == (at("03-01 09:00"), at("05-01 00:00"))
    assert late(held, a_drill(held_at=at("05-01 09:00"))) is None


def test_never_drilled_cancelled_and_talked_through_are_no_drill() -> None:
    assert late().due_at is None
    assert late(a_drill(held_at=at("05-31 09:00"), kind=DrillKind.TABLETOP)).last_held_at is None
    assert late(a_drill(held_at=None, state=DrillState.PLANNED)).last_held_at is None
