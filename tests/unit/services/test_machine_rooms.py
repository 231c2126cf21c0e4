"""Machine rooms and private networks: entered, kept up to date, gone or integrated on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from catalog.money import amount
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.services.machine_rooms import (
    DisposeMachineRoom,
    RegisterMachineRoom,
    UpdateMachineRoom,
)
from cloudmgr.services.networks import IntegrateNetwork, RegisterNetwork, UpdateNetwork
from cloudmgr.services.reorganisations import MergeOrganisations
from tests.support.worlds import Town, a_town

NAMES: dict[str, Any] = {"name_zh": "机房", "name_en": "Room"}


@pytest.fixture
def town() -> Town:
    return a_town()


def room(**how: Any) -> RegisterMachineRoom:
    return RegisterMachineRoom(**{"code": "R-1", "department_id": "health", **NAMES, **how})


def network(**how: Any) -> RegisterNetwork:
    return RegisterNetwork(**{"code": "N-1", "department_id": "health", **NAMES, **how})


def test_a_room_is_entered_changed_and_closed(town: Town) -> None:
    made = town.give(room(racks=4, baseline_cost=amount("10.00")), "health.user")
    changed = town.give(
        UpdateMachineRoom(machine_room_id=made.id, code="R-2", racks=5, racks_used=5, **NAMES),
        "health.user",
    )
    assert (changed.code, changed.racks, changed.baseline_cost) == ("R-2", 5, None)
    closed = town.give(
        DisposeMachineRoom(
            machine_room_id=made.id,
            disposition=Disposition.CLOSE,
            disposed_on=date(2026, 1, 5),
            document_number="test 1",
        ),
        "centre.a",
    )
    assert not closed.gone_on(date(2026, 1, 4))
    assert closed.gone_on(date(2026, 1, 5))


@pytest.mark.parametrize(
    "how",
    [
        {"racks": 2, "racks_used": 3},
        {"pue_hundredths": 99},
        {"baseline_cost": amount("-1.00")},
        {"code": ""},
        {"department_id": "treasury"},
    ],
)
def test_what_cannot_be_said_of_a_room_is_refused(town: Town, how: dict[str, Any]) -> None:
    assert town.code(room(**how), "centre.a") == "bad_value"


def test_what_is_to_come_is_no_fact(town: Town) -> None:
    made = town.give(room(), "health.user")
    tomorrow = DisposeMachineRoom(
        machine_room_id=made.id,
        disposition=Disposition.CLOSE,
        disposed_on=date(2026, 1, 6),
        document_number="test 1",
    )
    assert town.code(tomorrow, "health.user") == "bad_value"
    net = town.give(network(), "health.user")
    coming = IntegrateNetwork(
        network_id=net.id, integrated_on=date(2026, 1, 6), document_number="test"
    )
    assert town.code(coming, "health.user") == "bad_value"


def test_codes_are_unique_in_the_city(town: Town) -> None:
    town.give(room(), "health.user")
    town.give(network(), "health.user")
    assert town.code(room(department_id="transport"), "transport.user") == "already_exists"
    assert town.code(network(department_id="transport"), "transport.user") == "already_exists"


def test_a_network_is_integrated_on_a_day(town: Town) -> None:
    made = town.give(network(bandwidth_mbps=100), "health.user")
    town.give(UpdateNetwork(network_id=made.id, code="N-1", purpose="video", **NAMES), "centre.a")
    done = town.give(
        IntegrateNetwork(
            network_id=made.id, integrated_on=date(2026, 1, 5), document_number="test"
        ),
        "health.user",
    )
    assert (done.purpose, done.bandwidth_mbps) == ("video", None)
    assert done.integrated(date(2026, 1, 5))
    assert not done.integrated(date(2026, 1, 4))


def test_foreign_ones_are_not_there(town: Town) -> None:
    own_room, own_network = (
        town.give(room(), "health.user"),
        town.give(network(), "health.user"),
    )
    for command in (
        UpdateMachineRoom(machine_room_id=own_room.id, code="R", **NAMES),
        UpdateNetwork(network_id=own_network.id, code="N", **NAMES),
        room(code="R-9"),
    ):
        assert town.code(command, "transport.user") == "not_found"
        assert town.code(command, "prv.engineer") == "forbidden"


def test_they_follow_their_department_into_another(town: Town) -> None:
    own_room, own_network = (
        town.give(room(), "health.user"),
        town.give(network(), "health.user"),
    )
    town.give(
        MergeOrganisations(
            department_ids=("health",),
            into_department_id="transport",
            effective_from=date(2026, 1, 6),
            document_number="test",
        ),
        "bureau.a",
    )
    town.wait("01-06 00:00")
    assert town.look(MachineRoom, own_room.id).department_id == "transport"
    assert town.look(PrivateNetwork, own_network.id).department_id == "transport"
