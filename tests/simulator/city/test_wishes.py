"""What departments ask for in a month, and what stands in their requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest

from catalog.load import find_version
from catalog.period import Month, shanghai
from catalog.skus import PricingModel
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.applications import Application, Zone
from cloudmgr.domain.requests import RequestKind, RequestLine, check_lines
from cloudmgr.domain.workdays import is_workday
from simulator.city.lines import GROWTH, SHRINKING, new_lines, target_lines
from simulator.city.stage import Chance
from simulator.city.wishes import LAST_DAY, WISHES_A_MONTH, Wish, wishes_of
from tests.support.money import a_segment, an_allocation
from tests.support.plays import the_city

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
CREATING = [kind for kind in RequestKind if kind.creates]
SKUS = {sku.id: sku for sku in find_version(the_city().catalog_id).skus}


def wishes(month: Month = JANUARY, seed: int = 1) -> tuple[Wish, ...]:
    return wishes_of(the_city(), month, Chance(seed, "wishes"))


def system(**wanted: object) -> Application:
    """The first of the city's systems that is as wanted."""
    return next(
        each
        for each in the_city().applications
        if all(getattr(each, name) == value for name, value in wanted.items())
    )


def running(sku_id: str, *, id: str = "ALC-1", quantity: int = 1) -> Allocation:
    return an_allocation(a_segment("2025-12-01", quantity, sku_id), id=id)


def chances(count: int = 60) -> list[Chance]:
    return [Chance(seed, "lines") for seed in range(count)]


def changed(allocation: Allocation) -> set[tuple[str, int]]:
    """Every size and quantity that chance makes of a change."""
    found = set()
    for chance in chances():
        (line,) = target_lines(RequestKind.CHANGE, [allocation], (), chance)
        found.add((line.sku_id, line.quantity))
    return found


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_month_has_its_number_of_wishes_with_every_kind_among_them(
    month: Month, seed: int
) -> None:
    found = wishes(month, seed)
    assert len(found) == WISHES_A_MONTH >= 120
    assert {wish.kind for wish in found} == set(RequestKind)


def test_wishes_come_in_office_hours_of_working_days_before_the_month_s_last_days() -> None:
    for wish in wishes(FEBRUARY):  # which has the Spring Festival in it
        at = shanghai(wish.at)
        assert Month.of(wish.at) == FEBRUARY
        assert is_workday(at.date())
        assert at.day <= LAST_DAY
        assert time(9) <= at.time() <= time(17, 15)


def test_wishes_are_numbered_in_the_order_of_their_instants() -> None:
    found = wishes()
    assert [wish.number for wish in found] == list(range(1, len(found) + 1))
    assert [wish.at for wish in found] == sorted(wish.at for wish in found)


def test_a_department_asks_for_its_own_systems() -> None:
    assert all(wish.department_id == wish.application.department_id for wish in wishes())


def test_the_video_network_stays_where_it_is() -> None:
    relocated = [
        wish for seed in range(20) for wish in wishes(seed=seed) if wish.kind == "relocate"
    ]
    assert relocated
    assert all(wish.application.zone is not Zone.VIDEO for wish in relocated)


def test_the_seed_alone_decides_the_wishes() -> None:
    assert wishes() == wishes()
    assert wishes(seed=2) != wishes()


@pytest.mark.parametrize("kind", CREATING)
def test_what_is_asked_for_anew_is_a_machine_that_is_sold_with_what_belongs_to_it(
    kind: RequestKind,
) -> None:
    for chance in chances():
        lines = new_lines(kind, system(zone=Zone.INTERNET), chance)
        check_lines(kind, lines)
        assert lines[0].sku_id.startswith("vm-")
        for line in lines:
            metered = SKUS[line.sku_id].model is PricingModel.METERED
            assert bool(line.estimate_units) == metered
        assert ("migration-service" in [line.sku_id for line in lines]) == (
            kind is RequestKind.MIGRATE_IN
        )


@pytest.mark.parametrize(("xinchuang", "stacks"), [(True, {"kunpeng", "hygon"}), (False, {"x86"})])
def test_systems_that_must_run_on_domestic_stacks_ask_for_them(
    xinchuang: bool, stacks: set[str]
) -> None:
    application = system(xinchuang=xinchuang)
    lines = [new_lines(RequestKind.NEW, application, chance)[0] for chance in chances()]
    assert {line.sku_id.split("-")[1] for line in lines} == stacks


@pytest.mark.parametrize("kind", [RequestKind.TEMPORARY, RequestKind.EMERGENCY])
def test_what_is_needed_for_a_while_is_small(kind: RequestKind) -> None:
    for chance in chances():
        lines = new_lines(kind, system(zone=Zone.INTERNET), chance)
        assert lines[0].sku_id.endswith("-4c8g")
        assert len(lines) <= 2


def test_a_change_takes_the_next_size_up_or_down() -> None:
    machine = running("vm-x86-4c8g", quantity=2)
    assert changed(machine) == {("vm-x86-8c16g", 2), ("vm-x86-2c4g", 2)}
    assert changed(running("vm-kunpeng-1c2g")) == {("vm-kunpeng-2c4g", 1)}  # none is smaller


def test_a_disk_grows_by_half_or_shrinks_to_half_but_not_to_nothing() -> None:
    assert changed(running("block-ssd", quantity=100)) == {("block-ssd", 150), ("block-ssd", 50)}
    assert changed(running("block-ssd")) == {("block-ssd", 1)}


def test_sizes_up_and_down_are_each_other_s_inverse_and_sold_on_every_stack() -> None:
    assert {GROWTH[SHRINKING[size]] for size in SHRINKING} == set(SHRINKING)
    for size in GROWTH.keys() | SHRINKING.keys():
        for stack in ("x86", "kunpeng", "hygon"):
            assert f"vm-{stack}-{size}" in SKUS


@pytest.mark.parametrize(
    ("kind", "sku_id"),
    [
        (RequestKind.RELOCATE, "block-ssd"),
        (RequestKind.CHANGE, "egress-internet"),
        (RequestKind.RELEASE, "migration-service"),
    ],
)
def test_nothing_is_asked_where_nothing_fits_the_kind(kind: RequestKind, sku_id: str) -> None:
    assert target_lines(kind, [running(sku_id)], (), Chance(1, "lines")) == ()
    assert target_lines(kind, [], (), Chance(1, "lines")) == ()


def test_what_another_request_works_on_is_left_alone() -> None:
    one, two = running("vm-x86-4c8g", id="ALC-1"), running("vm-x86-4c8g", id="ALC-2")
    for chance in chances():
        (line,) = target_lines(RequestKind.RELEASE, [one, two], {"ALC-1"}, chance)
        assert line.allocation_id == "ALC-2"


@pytest.mark.parametrize("state", [each for each in AllocationState if each != "active"])
def test_only_what_is_active_is_worked_on(state: AllocationState) -> None:
    resting = replace(running("vm-x86-4c8g"), state=state)
    assert target_lines(RequestKind.RELEASE, [resting], (), Chance(1, "lines")) == ()


def test_a_renewal_takes_two_at_a_time_and_keeps_what_they_are() -> None:
    held = [running(sku, id=f"ALC-{n}", quantity=n) for n, sku in enumerate(("a", "b", "c"), 1)]
    lines = target_lines(RequestKind.RENEW, held, (), Chance(1, "lines"))
    assert lines == tuple(
        RequestLine(line=n, sku_id=sku, quantity=n, allocation_id=f"ALC-{n}", term_months=12)
        for n, sku in ((1, "a"), (2, "b"))
    )
