"""What happens because time passed: in the order of dues, at their instants, whatever the tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Region, RegionLevel
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.domain.timers import Timer, TimerState
from cloudmgr.domain.values import Value
from cloudmgr.services import timers
from cloudmgr.services.clock import MoveClock, run_due
from cloudmgr.services.timers import ON_TIMER, cancel, schedule
from cloudmgr.services.world import World
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    approved,
    completed,
    delivered,
    dispatched,
    orders,
    refused,
    submitted,
)
from tests.support.worlds import MONDAY, Town, a_town

HOUR = timedelta(hours=1)


@pytest.fixture
def town() -> Town:
    return a_town()


def move(to: datetime) -> MoveClock:
    return MoveClock(now=to)


# --- the rehearsal's clock ------------------------------------------------------------------


def test_a_rehearsals_clock_moves_forward_and_runs_what_is_due(town: Town) -> None:
    submitted(town)
    moved = town.give(move(at("01-20 09:00")), "bureau.system")
    # The lead is reminded twice while the signature is late by nobody's fault but his.
    assert (moved.now, moved.dues_run) == (at("01-20 09:00"), 3)
    assert town.look(NodeSettings, NODE_ID).clock == at("01-20 09:00")


def test_the_clock_never_goes_back(town: Town) -> None:
    town.give(move(at("01-20 09:00")), "bureau.system")
    refusal = town.refusal(move(at("01-20 08:59")), "bureau.system")
    assert refusal.code == "clock_backwards"
    assert town.give(move(at("01-20 09:00")), "bureau.system").dues_run == 0


def test_the_clock_of_a_production_node_is_nobodys_to_move(town: Town) -> None:
    town.change(town.look(NodeSettings, NODE_ID), rehearsal=False, clock=None)
    assert town.code(move(at("01-20 09:00")), "bureau.system") == "rehearsal_only"


def test_an_instant_without_a_zone_is_refused_and_one_of_any_zone_is_taken(town: Town) -> None:
    naive = at("01-20 09:00").replace(tzinfo=None)
    assert town.code(move(naive), "bureau.system") == "bad_period"
    moved = town.give(move(datetime.fromisoformat("2026-01-20T09:00:00+08:00")), "bureau.system")
    assert moved.now == at("01-20 09:00")
    assert moved.now.tzinfo is UTC


def test_only_the_citys_system_administrator_moves_the_clock(town: Town) -> None:
    for person in ("bureau.a", "bureau.security", "health.user"):
        assert town.code(move(at("01-20 09:00")), person) == "forbidden"


# --- timers ---------------------------------------------------------------------------------


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, datetime]]:
    """Timers of the kind `probe` are written down when they run."""
    found: list[tuple[str, datetime]] = []

    def probe(world: World, timer: Timer, moment: datetime) -> None:
        found.append((timer.subject_id, moment))

    monkeypatch.setitem(ON_TIMER, "probe", probe)
    return found


def plan(town: Town, *dues: tuple[str, datetime], note: str = "") -> None:
    with town.transaction() as world:
        for subject, due_at in dues:
            schedule(world, "probe", subject, due_at, note)


def test_dues_run_by_instant_and_then_by_their_key(
    town: Town, seen: list[tuple[str, datetime]]
) -> None:
    later, sooner = MONDAY + 2 * HOUR, MONDAY + HOUR
    plan(town, ("b", later), ("c", sooner), ("a", later))
    assert town.wait(MONDAY + 9 * HOUR) == 3
    assert seen == [("c", sooner), ("a", later), ("b", later)]


def test_a_due_runs_at_its_instant_and_not_before(
    town: Town, seen: list[tuple[str, datetime]]
) -> None:
    plan(town, ("a", MONDAY + HOUR))
    assert town.wait(MONDAY + HOUR - timedelta(microseconds=1)) == 0
    assert town.wait(MONDAY + HOUR) == 1
    assert town.wait(MONDAY + 9 * HOUR) == 0, "once"


def test_what_a_due_plans_for_an_instant_passed_already_runs_in_the_same_go(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[str, datetime]] = []

    def chain(world: World, timer: Timer, moment: datetime) -> None:
        found.append((timer.subject_id, moment))
        if timer.subject_id == "first":
            schedule(world, "chain", "second", moment + HOUR)

    monkeypatch.setitem(ON_TIMER, "chain", chain)
    with town.transaction() as world:
        schedule(world, "chain", "first", MONDAY)
        schedule(world, "chain", "third", MONDAY + 2 * HOUR)
    assert town.wait(MONDAY + 9 * HOUR) == 3
    assert [subject for subject, _ in found] == ["first", "second", "third"]


def test_a_due_may_cancel_another_of_the_same_instant(
    town: Town, monkeypatch: pytest.MonkeyPatch, seen: list[tuple[str, datetime]]
) -> None:
    monkeypatch.setitem(ON_TIMER, "killer", lambda world, *_: cancel(world, "probe", "z"))
    plan(town, ("z", MONDAY))
    with town.transaction() as world:
        schedule(world, "killer", "a", MONDAY)
    assert town.wait(MONDAY) == 1
    assert seen == []


def test_a_new_timer_replaces_the_pending_one_of_its_key(
    town: Town, seen: list[tuple[str, datetime]]
) -> None:
    plan(town, ("a", MONDAY + HOUR))
    plan(town, ("a", MONDAY + 2 * HOUR))
    plan(town, ("a", MONDAY + 3 * HOUR), note="another")
    found = {timer.id: timer.state for timer in town.all(Timer)}
    assert found == {
        "a|probe#0001": TimerState.CANCELLED,
        "a|probe#0002": TimerState.PENDING,
        "a|probe|another#0001": TimerState.PENDING,
    }
    town.wait(MONDAY + 9 * HOUR)
    assert [moment for _, moment in seen] == [MONDAY + 2 * HOUR, MONDAY + 3 * HOUR]


def test_cancelling_takes_every_note_of_the_kind_and_nothing_else(
    town: Town, seen: list[tuple[str, datetime]]
) -> None:
    for note in ("", "1", "2"):
        plan(town, ("a", MONDAY), ("b", MONDAY), note=note)
    with town.transaction() as world:
        cancel(world, "probe", "a")
        cancel(world, "probe", "nobody")
    town.wait(MONDAY)
    assert {subject for subject, _ in seen} == {"b"}
    assert len(seen) == 3


def test_every_due_is_audited_at_its_instant(town: Town) -> None:
    request = submitted(town)
    town.wait("02-20 09:00")
    (event,) = (each for each in town.events if each.command == "due_request_overdue")
    assert (event.command, event.subject, event.user_id, event.at) == (
        "due_request_overdue",
        request.id,
        "system",
        at("01-08 00:00"),
    )


def test_a_due_that_fails_moves_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(world: World, timer: Timer, moment: datetime) -> None:
        world.put(Region(id="half", name_zh="", name_en="", level=RegionLevel.CITY))
        advance(timer, TimerState.DONE)
        raise CloudmgrError("broken", "a defect")

    monkeypatch.setitem(ON_TIMER, "probe", broken)
    plan(town, ("a", MONDAY))
    before = town.snapshot()
    with pytest.raises(CloudmgrError, match="broken"):
        town.wait(MONDAY)
    assert town.snapshot() == before


def test_every_kind_of_timer_has_one_handler() -> None:
    with pytest.raises(AssertionError, match="two handlers"):
        timers.on_timer("trial_end")(lambda *_: None)


# --- the tick does not matter ---------------------------------------------------------------


def busy_town() -> Town:
    """Requests in every state that waits for something."""
    town = a_town()
    completed(town, a_line(quantity=2))
    delivered(town, a_line(quantity=1))
    delivered(town, kind=RequestKind.EMERGENCY, department="transport")
    approved(town, a_line(sku_id="vm-kp"))
    submitted(town, department="county-health")
    failed = dispatched(town, approved(town, department="transport"))
    refused(town, orders(town, failed)[0])
    return town


BUSY = busy_town()


def outcome(town: Town) -> dict[str, Any]:
    """All that is left of a time: records without the count of their puts, messages, events."""
    records: dict[type[Value], dict[str, Value]] = {}
    for kind, kept in town.snapshot().items():
        records[kind] = {id: replace(value, version=0) for id, value in kept.items()}
    return {"records": records, "messages": town.messages, "events": town.events}


@given(ticks=st.lists(st.integers(1, 60 * 24 * 60), max_size=12))
def test_one_big_move_of_the_clock_is_many_small_ones(ticks: list[int]) -> None:
    end = MONDAY + timedelta(days=60)
    at_once, slowly = BUSY.twin(), BUSY.twin()
    at_once.wait(end)
    for minutes in sorted(ticks):
        slowly.wait(MONDAY + timedelta(minutes=minutes))
    slowly.wait(end)
    assert outcome(slowly) == outcome(at_once)


def test_the_busy_town_is_busy_and_comes_to_rest() -> None:
    town = BUSY.twin()
    with town.transaction() as world:
        assert run_due(world, MONDAY + timedelta(days=60)) >= 12
    states = {str(each.state) for each in town.all(ResourceRequest)}
    assert states == {"completed", "expired", "cancelled", "ratifying", "unit_signing"}
