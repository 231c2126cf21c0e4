"""The stage: the script's time on the node's clock, desks, and chance that is nobody else's."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime

import pytest
import simpy

from catalog.errors import Conflict
from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import Region
from cloudmgr.services.clock import MoveClock
from simulator.city.stage import TICK, Chance, Stage
from tests.support.money import at
from tests.support.stages import WritingDriver, a_stage

ANY = MoveClock(now=at("01-05"))


def moment_of(stage: Stage, event: simpy.Event) -> datetime:
    stage.env.run(event)
    return stage.now


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("01-05 09:00", "01-05 09:00"),
        ("01-05 09:01", "01-05 09:15"),
        ("01-05 09:15", "01-05 09:15"),
        ("01-05 23:59", "01-06 00:00"),
    ],
)
def test_every_instant_is_rounded_up_to_the_tick(asked: str, given: str) -> None:
    stage = a_stage()
    assert moment_of(stage, stage.until(at(asked))) == at(given)


def test_what_is_past_happens_at_once() -> None:
    stage = a_stage()
    moment_of(stage, stage.until(at("01-05 09:00")))
    assert moment_of(stage, stage.until(at("01-04 09:00"))) == at("01-05 09:00")


def test_desk_time_passes_in_office_hours_only() -> None:
    """Friday 16:30 + 90 minutes: one hour until 17:30, the rest from Monday 9:00."""
    stage = a_stage()
    moment_of(stage, stage.until(at("01-09 16:30")))
    assert moment_of(stage, stage.working(90)) == at("01-12 09:30")


def test_the_office_opens_on_the_next_working_day() -> None:
    stage = a_stage()  # New Year's day of 2026 and the two after it are holidays
    assert moment_of(stage, stage.office_opens()) == at("01-04 09:00")


def test_people_at_one_desk_do_one_thing_at_a_time() -> None:
    stage = a_stage()
    done: list[datetime] = []

    def task() -> Generator[simpy.Event, None, None]:
        with stage.desk("signing", 2).request() as turn:
            yield turn
            yield stage.working(60)
            done.append(stage.now)

    moment_of(stage, stage.until(at("01-05 09:00")))
    for _ in range(3):
        stage.env.process(task())
    stage.env.run()
    assert done == [at("01-05 10:00"), at("01-05 10:00"), at("01-05 11:00")]


def test_the_clock_moves_once_for_all_who_act_at_the_same_time() -> None:
    driver = WritingDriver()
    stage = a_stage(driver)
    stage.perform("someone", ANY)
    assert driver.clock == []  # the node stands at the cut-over already
    moment_of(stage, stage.until(stage.now + TICK))
    stage.perform("someone", ANY)
    stage.find("someone", Region)
    assert driver.clock == [stage.origin + TICK]
    assert stage.commands == len(driver.given) == 2


def test_a_refusal_is_an_answer_where_the_script_tries() -> None:
    refusal = Conflict("quota_exceeded", "ask for less")
    stage = a_stage(WritingDriver(refusal=refusal))
    assert stage.tried("someone", ANY) == (None, refusal)
    with pytest.raises(Conflict):
        stage.perform("someone", ANY)


def test_offices_of_the_city_are_not_those_of_a_county() -> None:
    stage = a_stage()
    of_city = stage.people(Role.TECHNICAL_REVIEWER)
    homes = {p.login: stage.city.organisation(p.organisation_id) for p in stage.city.people}
    assert of_city
    assert all(stage.is_city(homes[login]) for login in of_city)
    assert stage.login(Role.TECHNICAL_REVIEWER, index=len(of_city)) == of_city[0]


def draws(chance: Chance, count: int = 50) -> list[int]:
    return [chance.between(0, 999) for _ in range(count)]


def test_one_stream_of_chance_does_not_hear_another() -> None:
    alone = draws(Chance(1, "wishes"))
    first, other = Chance(1, "wishes"), Chance(1, "incidents")
    mixed = []
    for _ in range(50):
        draws(other, 3)
        mixed.append(first.between(0, 999))
    assert mixed == alone


def test_names_and_seeds_make_streams_differ() -> None:
    same = draws(Chance(1, "wishes"))
    assert draws(Chance(1, "wishes")) == same
    assert draws(Chance(2, "wishes")) != same
    assert draws(Chance(1, "wishes-2026-02")) != same


def test_chances_of_none_and_all_are_certain() -> None:
    chance = Chance(1, "certain")
    assert not any(chance.happens(0) for _ in range(200))
    assert all(chance.happens(100) for _ in range(200))


def test_weights_count_and_a_weight_of_nothing_is_never_drawn() -> None:
    chance = Chance(1, "weights")
    drawn = [chance.weighted((("often", 90), ("never", 0), ("rarely", 10))) for _ in range(1000)]
    assert "never" not in drawn
    assert 50 < drawn.count("rarely") < 150


def test_both_ends_of_a_range_are_drawn() -> None:
    chance = Chance(1, "range")
    assert {chance.between(3, 5) for _ in range(100)} == {3, 4, 5}
