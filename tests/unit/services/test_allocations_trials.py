"""Longer trials: one extension, asked by the department and decided by a technical reviewer."""

from __future__ import annotations

from datetime import datetime

import pytest

from cloudmgr.domain.allocations import Allocation, AllocationState, SegmentMode
from cloudmgr.domain.allocations_trials import TrialExtension, TrialExtensionState
from cloudmgr.services.allocations import (
    AskTrialExtension,
    DecideTrialExtension,
)
from tests.support.assessments import at
from tests.support.requests import (
    running,
)
from tests.support.worlds import Town, a_town

CHARGED, STOPPED, TRIAL = SegmentMode.CHARGED, SegmentMode.STOPPED, SegmentMode.TRIAL
USER = "health.user"


@pytest.fixture
def town() -> Town:
    return a_town()


def now_is(town: Town, allocation: Allocation) -> Allocation:
    found: Allocation = town.look(Allocation, allocation.id)
    return found


def ask(town: Town, allocation: Allocation) -> TrialExtension:
    command = AskTrialExtension(allocation_id=allocation.id, reason="the load test is to come")
    asked: TrialExtension = town.give(command, USER)
    return asked


def decide(town: Town, asked: TrialExtension, approved: bool = True) -> TrialExtension:
    command = DecideTrialExtension(extension_id=asked.id, approved=approved, opinion="said")
    decided: TrialExtension = town.give(command, "centre.a")
    return decided


def days_of_trial(town: Town, allocation: Allocation) -> datetime | None:
    return now_is(town, allocation).trial_until


def test_an_approved_extension_moves_the_end_of_the_trial_once(town: Town) -> None:
    allocation = running(town)
    assert days_of_trial(town, allocation) == at("02-04 00:00")
    asked = ask(town, allocation)
    assert days_of_trial(town, allocation) == at("02-04 00:00"), "asking changes nothing"
    assert decide(town, asked).state is TrialExtensionState.APPROVED
    assert days_of_trial(town, allocation) == at("03-06 00:00")
    command = AskTrialExtension(allocation_id=allocation.id, reason="again")
    assert town.code(command, USER) == "trial_extended_already"
    town.wait("03-05 00:00")
    assert now_is(town, allocation).state is AllocationState.TRIAL
    town.wait("03-06 00:00")
    last = now_is(town, allocation).segments[-1]
    assert (last.start, last.mode) == (at("03-06 00:00"), CHARGED)


def test_a_refused_extension_may_be_asked_again_and_two_never_wait(town: Town) -> None:
    allocation = running(town)
    asked = ask(town, allocation)
    again = AskTrialExtension(allocation_id=allocation.id, reason="again")
    assert town.code(again, USER) == "trial_extension_waiting"
    decide(town, asked, approved=False)
    assert days_of_trial(town, allocation) == at("02-04 00:00")
    decide(town, ask(town, allocation))
    assert days_of_trial(town, allocation) == at("03-06 00:00")


def test_a_trial_that_is_over_is_not_made_longer(town: Town) -> None:
    allocation = running(town)
    asked = ask(town, allocation)
    town.wait("02-05 00:00")
    command = DecideTrialExtension(extension_id=asked.id, approved=True)
    assert town.code(command, "centre.a") == "illegal_transition"
    assert decide(town, asked, approved=False).state is TrialExtensionState.REFUSED
    again = AskTrialExtension(allocation_id=allocation.id, reason="again")
    assert town.code(again, USER) == "illegal_transition"
