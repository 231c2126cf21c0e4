"""The ledger of systems: entered, kept up to date, moved by migrations, retired when idle."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone, status_at
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.applications import (
    ChangeApplicationStatus,
    RegisterApplication,
    RetireApplication,
    UpdateApplication,
    not_on_cloud,
)
from cloudmgr.services.requests import WithdrawRequest
from tests.support.requests import approved, completed, confirmed, delivered, dispatched, running
from tests.support.worlds import Town, a_town, an_application

S = DeploymentStatus


@pytest.fixture
def town() -> Town:
    town = a_town()
    town.change(town.look(Application, "health-app"), filing_proof="proof")
    return town


def entry(**how: Any) -> RegisterApplication:
    fields: dict[str, Any] = {
        "code": "B-1",
        "name_zh": "系统",
        "name_en": "System",
        "department_id": "health",
        "mlps_level": 2,
        "zone": Zone.EXTRANET,
        "dr_level": 2,
        "dr_mode": DrMode.LOCAL_BACKUP,
        "xinchuang": False,
        "important": False,
    }
    return RegisterApplication(**(fields | how))


def update(id: str, **how: Any) -> UpdateApplication:
    fields = {
        name: getattr(entry(), name)
        for name in UpdateApplication.__dataclass_fields__
        if name != "application_id"
    }
    return UpdateApplication(application_id=id, **(fields | how))


def state(town: Town) -> DeploymentStatus:
    found: Application = town.look(Application, "health-app")
    return found.state


def test_a_code_is_one_systems_in_the_whole_city(town: Town) -> None:
    town.give(entry(), "health.user")
    assert town.code(entry(department_id="transport"), "transport.user") == "already_exists"
    assert town.code(update("health-app", code="B-1"), "health.user") == "already_exists"


def test_what_is_known_is_said_anew(town: Town) -> None:
    made = town.give(entry(responsible_person="王芳", wave="第一批"), "health.user")
    changed = town.give(
        update(made.id, code="B-2", off_cloud_reason="等待改造", deadline=date(2026, 6, 30)),
        "centre.a",
    )
    assert (changed.code, changed.off_cloud_reason) == ("B-2", "等待改造")
    assert (changed.responsible_person, changed.wave) == ("", "")
    assert changed.department_id == "health"


@pytest.mark.parametrize(
    "how", [{"code": " "}, {"mlps_level": 9}, {"exempt_until": date(2027, 1, 1)}]
)
def test_what_cannot_be_said_is_refused(town: Town, how: dict[str, Any]) -> None:
    assert town.code(update("health-app", **how), "health.user") == "bad_value"
    assert town.code(entry(**how), "health.user") == "bad_value"


@pytest.mark.parametrize(
    "command",
    [
        update("health-app"),
        ChangeApplicationStatus(application_id="health-app", to=S.OFF_CLOUD),
        RetireApplication(application_id="health-app", reason="old"),
    ],
)
def test_a_foreign_ledger_is_not_there(town: Town, command: Any) -> None:
    assert town.code(command, "transport.user") == "not_found"
    assert town.code(command, "treasury.a") == "forbidden"


def test_a_migration_carries_the_system_to_the_cloud(town: Town) -> None:
    request = approved(town, kind=RequestKind.MIGRATE_IN)
    assert state(town) is S.PLANNED
    before = town.now
    town.wait("01-06 09:00")
    dispatched(town, request)
    assert state(town) is S.MIGRATING
    assert status_at(town.look(Application, "health-app"), before) is S.PLANNED


def test_it_is_on_the_cloud_when_the_migration_is_completed(town: Town) -> None:
    request = delivered(town, kind=RequestKind.MIGRATE_IN)
    assert state(town) is S.MIGRATING
    confirmed(town, request)
    assert state(town) is S.ON_CLOUD


def test_a_migration_that_is_given_up_leaves_the_system_waiting(town: Town) -> None:
    request = approved(town, kind=RequestKind.MIGRATE_IN)
    town.give(WithdrawRequest(request_id=request.id, reason="later"), "health.user")
    assert state(town) is S.PLANNED


def test_a_new_system_is_on_the_cloud_with_its_first_resources(town: Town) -> None:
    completed(town)
    assert state(town) is S.ON_CLOUD


def test_the_technical_office_says_that_something_is_on_the_cloud(town: Town) -> None:
    command = ChangeApplicationStatus(application_id="health-app", to=S.ON_CLOUD)
    assert town.code(command, "health.user") == "bad_value"
    assert town.give(command, "centre.a").state is S.ON_CLOUD


def test_nothing_leaves_the_cloud_that_still_runs_there(town: Town) -> None:
    allocation = running(town)
    for command in (
        ChangeApplicationStatus(application_id="health-app", to=S.OFF_CLOUD),
        RetireApplication(application_id="health-app", reason="old"),
    ):
        refusal = town.refusal(command, "health.user")
        assert refusal.code == "still_running"
        assert allocation.id in refusal.message


def test_a_retired_system_stays_retired(town: Town) -> None:
    retire = RetireApplication(application_id="health-app", reason="replaced")
    assert town.give(retire, "health.user").state is S.RETIRED
    assert town.code(retire, "health.user") == "illegal_transition"


def outstanding_of(town: Town, login: str, on: date, **how: Any) -> list[tuple[str, bool, bool]]:
    with town.reading() as world:
        lines = not_on_cloud(world, town.actor(login), on, **how)
        return [(each.application_id, each.exempt, each.overdue) for each in lines]


def test_the_list_names_who_should_be_there_and_is_late(town: Town) -> None:
    town.keep(
        an_application(id="late", code="late", deadline=date(2026, 1, 31)),
        an_application(
            id="excused", code="excused", deadline=date(2026, 1, 31),
            exempt_until=date(2026, 6, 30), exemption_document="test 9",
        ),
        an_application(id="secret", code="secret", classified=True),
        an_application(id="high", code="high", mlps_level=4),
        an_application(id="there", code="there", state=S.ON_CLOUD),
        an_application(id="gone", code="gone", state=S.RETIRED),
    )  # fmt: skip
    end = date(2026, 1, 31)
    assert outstanding_of(town, "health.user", end) == [
        ("excused", True, False),
        ("health-app", False, False),
        ("late", False, False),
    ]
    later = date(2026, 2, 1)
    assert outstanding_of(town, "health.user", later, overdue=True) == [("late", False, True)]
    assert outstanding_of(town, "health.user", date(2026, 7, 1), overdue=True) == [
        ("excused", False, True),
        ("late", False, True),
    ]
    assert ("county-health-app", False, False) in outstanding_of(town, "centre.a", end)
    assert outstanding_of(town, "prv.engineer", end) == []
