"""Incidents: their life, and the minutes they take from an allocation."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.period import Period
from cloudmgr.domain.incidents import (
    Incident,
    IncidentState,
    Severity,
    acknowledge,
    affected_minutes,
    availability,
    close,
    restore,
)
from tests.support.assessments import JANUARY, an_incident, at

MONTH = JANUARY.period


def minutes(*incidents: Incident, allocation_id: str = "AL-1", period: Period = MONTH) -> int:
    return affected_minutes(incidents, allocation_id, period)


def test_an_incident_is_acknowledged_restored_and_closed_in_that_order() -> None:
    incident = acknowledge(an_incident(), at("01-10 10:05"))
    incident = restore(incident, at("01-10 11:00"), "a fan")
    incident = close(incident, at("01-11 09:00"), "seen")
    assert incident.state is IncidentState.CLOSED
    assert (incident.cause, incident.conclusion) == ("a fan", "seen")


def test_an_incident_is_not_restored_before_anyone_took_notice() -> None:
    with pytest.raises(CloudmgrError) as refused:
        restore(an_incident(), at("01-10 11:00"), "by itself")
    assert refused.value.code == "illegal_transition"


def test_time_does_not_run_backwards_in_an_incident() -> None:
    with pytest.raises(CloudmgrError, match="cannot go on before"):
        acknowledge(an_incident(opened="01-10 10:00"), at("01-10 09:59"))


def test_minutes_count_from_open_to_restored() -> None:
    assert minutes(an_incident(opened="01-10 10:00", restored="01-10 11:30")) == 90


def test_incidents_of_other_allocations_do_not_count() -> None:
    assert minutes(an_incident(restored="01-10 11:30"), allocation_id="AL-2") == 0


def test_overlapping_incidents_count_once() -> None:
    first = an_incident(id="INC-1", opened="01-10 10:00", restored="01-10 11:00")
    second = an_incident(id="INC-2", opened="01-10 10:30", restored="01-10 11:20")
    inside = an_incident(id="INC-3", opened="01-10 10:10", restored="01-10 10:20")
    assert minutes(second, inside, first) == 80


def test_an_incident_that_is_not_restored_counts_to_the_end_of_the_month() -> None:
    assert minutes(an_incident(opened="01-31 23:00")) == 60


def test_only_the_part_inside_the_month_counts() -> None:
    over_the_turn = an_incident(opened="01-31 23:50", restored="02-01 00:30")
    assert minutes(over_the_turn) == 10
    assert minutes(over_the_turn, period=JANUARY.next().period) == 30


def test_availability_is_the_share_of_the_served_time_without_interruption() -> None:
    ten_hours = Period(at("01-10 00:00"), at("01-10 10:00"))
    struck = an_incident(opened="01-10 01:00", restored="01-10 02:00")
    assert availability((struck,), "AL-1", ten_hours) == Fraction(9, 10)


SPANS = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 31), st.integers(0, 3000)), min_size=1, max_size=8
)


@given(SPANS)
def test_the_union_is_what_counting_minute_by_minute_gives(spans: list[tuple[int, int]]) -> None:
    start, month_minutes = MONTH.start, MONTH.seconds // 60
    incidents = [
        Incident(
            id=f"INC-{number}",
            provider_id="prv",
            pool_id="pool",
            allocation_ids=("AL-1",),
            severity=Severity.MINOR,
            description="",
            reported_by="",
            opened_at=start + timedelta(minutes=begin),
            restored_at=start + timedelta(minutes=begin + length),
        )
        for number, (begin, length) in enumerate(spans)
    ]
    struck = {m for begin, length in spans for m in range(begin, begin + length)}
    assert minutes(*incidents) == len([minute for minute in struck if minute < month_minutes])
