"""What a pool tells by its interface becomes records as if its provider had entered it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.quantity import ResourceClass
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.incidents import Incident, IncidentState, Severity
from cloudmgr.domain.pools_connection import PoolAlarm
from cloudmgr.domain.pools_interface import (
    ClassCapacity,
    OccurrenceKind,
    PoolInventory,
    PoolOccurrence,
)
from cloudmgr.services.pools_connection import take_inventory, take_occurrences
from tests.support.assessments import at
from tests.support.requests import a_line, running
from tests.support.worlds import Town, a_town

BEGAN = at("02-02 08:00")


@pytest.fixture
def town() -> Town:
    town = a_town()
    running(town)
    town.wait("02-02 12:00")
    return town


def an_incident(**changed: object) -> PoolOccurrence:
    told = PoolOccurrence(
        id="INC/7",
        kind=OccurrenceKind.INCIDENT,
        severity=Severity.MAJOR,
        description="a rack without power",
        resource_ids=(),
        opened_at=BEGAN,
        changed_at=BEGAN,
    )
    return replace(told, **changed)  # type: ignore[arg-type]


def told(town: Town, *occurrences: PoolOccurrence) -> int:
    with town.transaction() as world:
        return take_occurrences(world, "x86", occurrences, town.now)


def test_an_incident_is_reported_once_and_restored_when_the_pool_says_so(town: Town) -> None:
    assert told(town, an_incident()) == 1
    assert told(town, an_incident()) == 0
    (incident,) = town.all(Incident)
    assert (incident.state, incident.external_id) == (IncidentState.OPEN, "INC/7")
    assert incident.opened_at == BEGAN
    assert len(incident.allocation_ids) == 1
    restored = BEGAN + timedelta(minutes=90)
    over = an_incident(restored_at=restored, changed_at=restored)
    assert told(town, over) == 1
    assert told(town, over) == 0
    (incident,) = town.all(Incident)
    assert incident.state is IncidentState.RESTORED
    assert incident.restored_at == restored, "minutes are counted as the pool told them"


def test_an_incident_names_what_it_touches_by_the_pools_own_ids(town: Town) -> None:
    other = running(town, a_line())
    told(town, an_incident(resource_ids=(other.provider_resource_id, "unknown")))
    assert not town.all(Incident), "it began before that one ran"
    town.wait("02-03 12:00")
    later = town.now - timedelta(hours=1)
    told(town, an_incident(resource_ids=(other.provider_resource_id,), opened_at=later))
    (incident,) = town.all(Incident)
    assert incident.allocation_ids == (other.id,)


def test_an_incident_that_touches_nothing_of_ours_costs_nobody_minutes(town: Town) -> None:
    assert told(town, an_incident(resource_ids=("somebody else's",))) == 0
    assert not town.all(Incident)


def test_an_alarm_is_kept_and_no_incident(town: Town) -> None:
    alarm = an_incident(kind=OccurrenceKind.ALARM)
    assert told(town, alarm) == 1
    assert told(town, alarm) == 0
    assert told(town, replace(alarm, restored_at=BEGAN)) == 1
    (kept,) = town.all(PoolAlarm)
    assert kept.restored_at == BEGAN
    assert not town.all(Incident)
    assert [each.topic for each in town.messages].count("pool_alarm") == 1


def test_reported_figures_replace_totals_and_leave_the_citys_over_commit(town: Town) -> None:
    before = town.look(Inventory, inventory_id("x86", ResourceClass.VCPU))
    town.change(before, allocation_ratio_percent=150)
    report = PoolInventory(
        at=town.now,
        classes=(
            ClassCapacity(
                resource_class=ResourceClass.VCPU,
                total_units=before.total + 20,
                reserved_units=4,
                allocated_units=0,
            ),
        ),
    )
    with town.transaction() as world:
        assert take_inventory(world, "x86", report, town.now) == 1
        assert take_inventory(world, "x86", report, town.now) == 0
    after = town.look(Inventory, before.id)
    assert (after.total, after.reserved) == (before.total + 20, 4)
    assert after.allocation_ratio_percent == 150
    assert after.allocated == before.allocated
