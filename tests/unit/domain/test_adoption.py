"""Adoption indicators: exact shares of what the ledgers say, "not set" where they say nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.adoption import (
    AdoptionIndicator,
    AdoptionTarget,
    CloudCost,
    Ledgers,
    check_target,
    figures,
    networks_integrated,
    on_cloud,
    rooms_integrated,
    saving,
    target_at,
)
from cloudmgr.domain.applications import DeploymentStatus, moved_to
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from tests.support.worlds import an_application

S, D = DeploymentStatus, Disposition
ON = date(2026, 6, 30)


def system(id: str, state: DeploymentStatus = S.ON_CLOUD, **how: Any) -> Any:
    return an_application(id=id, code=id, state=state, **how)


def a_room(id: str, **how: Any) -> MachineRoom:
    return MachineRoom(id=id, code=id, name_zh=id, name_en=id, department_id="health", **how)


def a_network(id: str, **how: Any) -> PrivateNetwork:
    return PrivateNetwork(id=id, code=id, name_zh=id, name_en=id, department_id="health", **how)


def a_target(value: str = "0.95", due_on: date = date(2026, 12, 31), **how: Any) -> AdoptionTarget:
    fields: dict[str, Any] = {
        "id": f"t-{due_on}",
        "indicator": AdoptionIndicator.ON_CLOUD,
        "value": Fraction(value),
        "due_on": due_on,
        "document_number": "test",
        "source": "a test",
        "kind": "sample",
    }
    return AdoptionTarget(**(fields | how))


def test_classified_and_retired_systems_are_not_counted() -> None:
    found = on_cloud(
        [
            system("a"),
            system("b", S.MIGRATING),
            system("c", S.OFF_CLOUD, classified=True),
            system("d", S.RETIRED),
        ],
        ON,
    )
    assert (found.value, found.counted_ids, found.other_ids) == (Fraction(1, 2), ("a",), ("b",))


def test_the_share_is_that_of_the_day() -> None:
    july = datetime(2026, 7, 1, 4, tzinfo=UTC)
    moved = moved_to(system("a", S.OFF_CLOUD), S.ON_CLOUD, july)
    later = system("b", registered_at=july)
    assert on_cloud([moved, later], ON).value == 0
    assert on_cloud([moved, later], ON).denominator == "1"
    assert on_cloud([moved, later], date(2026, 7, 1)).value == 1


def test_rooms_count_once_they_are_gone() -> None:
    rooms = [
        a_room("closed", disposition=D.CLOSE, disposed_on=ON),
        a_room("taken", disposition=D.CLOUDIFY, disposed_on=date(2026, 7, 1)),
        a_room("kept", disposition=D.KEEP, disposed_on=ON),
        a_room("secret", classified=True),
        a_room("new", in_use_from=date(2026, 7, 1)),
    ]
    found = rooms_integrated(rooms, ON)
    assert found.value == Fraction(1, 3)
    assert found.other_ids == ("kept", "taken")
    assert rooms_integrated(rooms, date(2026, 7, 1)).value == Fraction(2, 4)


def test_networks_count_once_they_are_integrated() -> None:
    networks = [a_network("a", integrated_on=ON), a_network("b"), a_network("c", classified=True)]
    assert networks_integrated(networks, ON).value == Fraction(1, 2)


def test_the_saving_is_what_the_baseline_no_longer_costs() -> None:
    rooms = [
        a_room(
            "a", baseline_cost=amount("600.00"), disposition=D.CLOSE, disposed_on=date(2026, 1, 1)
        ),
        a_room("b", baseline_cost=amount("300.00"), running_cost=amount("200.00")),
        a_room("c", baseline_cost=amount("100.00")),
    ]
    found = saving(rooms, CloudCost(months=3, billed=amount("100.00")), ON)
    assert found.value == 1 - Fraction(400 + 300, 1000)
    assert found.denominator == "1000.00"


def test_what_is_not_known_is_not_set_and_never_zero() -> None:
    empty = Ledgers(
        applications=(), rooms=(), networks=(), cloud=CloudCost(months=0, billed=Decimal("0.00"))
    )
    for figure in figures(empty, ON, (a_target(),)):
        assert figure.value is None
        assert figure.why
        assert figure.met is None
    room = a_room("a")
    assert "a" in saving([room], CloudCost(months=1, billed=amount("1.00")), ON).why
    known = a_room("a", baseline_cost=amount("1.00"))
    assert saving([known], CloudCost(months=0, billed=amount("0.00")), ON).value is None


def test_the_next_target_due_is_what_counts() -> None:
    targets = [a_target("0.90", date(2025, 12, 31)), a_target("0.95", date(2027, 12, 31))]
    indicator = AdoptionIndicator.ON_CLOUD
    at = {day: target_at(targets, indicator, day) for day in (date(2025, 12, 31), ON)}
    assert at[date(2025, 12, 31)] is targets[0]
    assert at[ON] is targets[1]
    assert target_at(targets, indicator, date(2030, 1, 1)) is targets[1]
    assert target_at(targets, AdoptionIndicator.ROOMS, ON) is None


def test_a_target_is_met_from_its_share_on() -> None:
    ledgers = Ledgers(
        applications=[system("a"), system("b", S.PLANNED)],
        rooms=(),
        networks=(),
        cloud=CloudCost(months=0, billed=Decimal("0.00")),
    )
    for share, met in (("1/2", True), ("0.51", False)):
        first = figures(ledgers, ON, (a_target(share),))[0]
        assert first.met is met


@pytest.mark.parametrize("how", [{"value": "1.1"}, {"source": ""}, {"document_number": " "}])
def test_a_target_is_a_share_with_a_source(how: dict[str, Any]) -> None:
    with pytest.raises(CloudmgrError):
        check_target(a_target(**how))


@given(st.lists(st.sampled_from(list(S)), max_size=8), st.integers(0, 8))
def test_whoever_is_counted_is_counted_once(states: list[DeploymentStatus], cut: int) -> None:
    systems = [system(f"s{number}", state) for number, state in enumerate(states)]
    whole = on_cloud(systems, ON)
    parts = [on_cloud(each, ON) for each in (systems[:cut], systems[cut:])]
    assert int(whole.denominator) == sum(int(each.denominator) for each in parts)
    assert set(whole.counted_ids) == {id for each in parts for id in each.counted_ids}
    assert not set(whole.counted_ids) & set(whole.other_ids)
