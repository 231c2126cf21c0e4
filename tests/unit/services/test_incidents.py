"""Incidents as commands: who may report, answer, restore and close what."""

from __future__ import annotations

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Actor
from cloudmgr.domain.incidents import Incident, IncidentState, Severity
from cloudmgr.services.commands import Command
from cloudmgr.services.incidents import (
    AcknowledgeIncident,
    CloseIncident,
    ReportIncident,
    RestoreIncident,
)
from tests.support.assessments import an_allocation, at
from tests.support.judged import (
    AUTHORITY,
    CLERK,
    COUNTY_REVIEWER,
    PROVIDER,
    REVIEWER,
    RIVAL,
    Judged,
    judged,
)


@pytest.fixture
def node() -> Judged:
    return judged()


def report(*allocation_ids: str, opened: str | None = None) -> ReportIncident:
    return ReportIncident(
        pool_id="pool",
        severity=Severity.MAJOR,
        description="a switch failed",
        allocation_ids=allocation_ids,
        opened_at=at(opened) if opened else None,
    )


def code(node: Judged, command: Command, actor: Actor, now: str = "01-10 12:00") -> str:
    with pytest.raises(CloudmgrError) as refused:
        node.do(command, actor, at(now))
    return refused.value.code


def test_an_incident_goes_through_its_life_and_every_step_is_audited(node: Judged) -> None:
    opened = node.do(report("AL-2", "AL-1", opened="01-10 10:00"), PROVIDER, at("01-10 10:05"))
    node.do(AcknowledgeIncident(incident_id=opened.id), PROVIDER, at("01-10 10:10"))
    node.do(RestoreIncident(incident_id=opened.id, cause="a fan"), PROVIDER, at("01-10 11:00"))
    node.do(CloseIncident(incident_id=opened.id, conclusion="seen"), REVIEWER, at("01-11 09:00"))
    found = node.look(Incident, opened.id)
    assert found.state is IncidentState.CLOSED
    assert found.allocation_ids == ("AL-1", "AL-2")
    assert (found.opened_at, found.restored_at) == (at("01-10 10:00"), at("01-10 11:00"))
    assert [event.command for event in node.events] == [
        "report_incident",
        "acknowledge_incident",
        "restore_incident",
        "close_incident",
    ]


def test_an_incident_without_a_list_strikes_all_that_runs_in_the_pool(node: Judged) -> None:
    node.keep(
        an_allocation(id="AL-late", start="01-20 00:00"),
        an_allocation(id="AL-elsewhere", pool_id="pool-2"),
    )
    found = node.do(report(), REVIEWER, at("01-10 10:00"))
    assert set(found.allocation_ids) == {f"AL-{number}" for number in range(1, 11)}


def test_an_incident_names_only_what_ran_in_its_pool_when_it_began(node: Judged) -> None:
    node.keep(an_allocation(id="AL-late", start="01-20 00:00"))
    assert code(node, report("AL-1", "AL-late"), PROVIDER) == "bad_value"
    assert code(node, report("AL-99"), PROVIDER) == "bad_value"


def test_an_incident_does_not_begin_in_the_future(node: Judged) -> None:
    assert code(node, report(opened="01-10 12:01"), PROVIDER, "01-10 12:00") == "bad_value"


def test_another_providers_pool_is_not_there(node: Judged) -> None:
    assert code(node, report(), RIVAL) == "not_found"
    opened = node.do(report(), PROVIDER, at("01-10 10:00"))
    assert code(node, AcknowledgeIncident(incident_id=opened.id), RIVAL) == "not_found"
    assert code(node, RestoreIncident(incident_id=opened.id, cause=""), RIVAL) == "not_found"


def test_roles_that_have_no_part_in_incidents_are_refused(node: Judged) -> None:
    assert code(node, report(), CLERK) == "forbidden"
    opened = node.do(report(), PROVIDER, at("01-10 10:00"))
    assert code(node, CloseIncident(incident_id=opened.id), PROVIDER) == "forbidden"
    assert code(node, AcknowledgeIncident(incident_id=opened.id), AUTHORITY) == "forbidden"


def test_a_countys_reviewer_does_not_close_the_citys_incidents(node: Judged) -> None:
    opened = node.do(report(), PROVIDER, at("01-10 10:00"))
    assert code(node, CloseIncident(incident_id=opened.id), COUNTY_REVIEWER) == "forbidden"


def test_an_incident_is_not_closed_before_it_is_restored(node: Judged) -> None:
    opened = node.do(report(), PROVIDER, at("01-10 10:00"))
    assert code(node, CloseIncident(incident_id=opened.id), REVIEWER) == "illegal_transition"
