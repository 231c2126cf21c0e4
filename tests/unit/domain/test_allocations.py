"""An allocation's life and the history that its bills read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.errors import CloudmgrError
from catalog.quantity import ResourceAmount
from cloudmgr.domain.allocations import (
    FOREVER,
    Allocation,
    AllocationState,
    Segment,
    SegmentMode,
    begin_charged,
    begin_trial,
    end_trial,
    release,
    resize,
)
from tests.support.assessments import at
from tests.support.supply import VCPU

DELIVERED, UNTIL = at("01-06 10:00"), at("02-05 00:00")
BIG = (ResourceAmount(VCPU, 8),)
MODE = SegmentMode


def reserved(*, delivered: bool = True) -> Allocation:
    return Allocation(
        id="ALC-1",
        request_id="REQ-1",
        department_id="health",
        application_id="health-app",
        pool_id="x86",
        provider_id="prv",
        contract_id="contract-x86",
        sku_id="vm",
        quantity=1,
        resources=(ResourceAmount(VCPU, 2),),
        delivered_at=DELIVERED if delivered else None,
    )


def in_trial() -> Allocation:
    return begin_trial(reserved(), UNTIL, charged=False)


def history(allocation: Allocation) -> list[tuple[str, int, str]]:
    days = [each.start for each in allocation.segments]
    assert days == sorted(set(days)), "segments are in order and never begin together"
    return [
        (f"{each.start:%m-%d %H}", each.quantity, str(each.mode)) for each in allocation.segments
    ]


def test_a_trial_runs_from_the_delivery_and_is_not_charged() -> None:
    trial = in_trial()
    assert (trial.state, trial.trial_until) == (AllocationState.TRIAL, UNTIL)
    assert trial.segments == (Segment(DELIVERED, "vm", 1, MODE.TRIAL),)


def test_a_trial_is_charged_where_the_contract_bills_from_the_delivery() -> None:
    assert begin_trial(reserved(), UNTIL, charged=True).segments[0].mode is MODE.CHARGED


def test_charging_begins_when_the_trial_ends() -> None:
    accepted_at = at("01-20 15:00")
    active = end_trial(in_trial(), accepted_at)
    assert (active.state, active.trial_until) == (AllocationState.ACTIVE, accepted_at)
    assert [each.mode for each in active.segments] == [MODE.TRIAL, MODE.CHARGED]
    assert active.segments[1].start == accepted_at


def test_without_a_trial_charging_begins_with_the_delivery() -> None:
    active = begin_charged(reserved())
    assert active.segments == (Segment(DELIVERED, "vm", 1, MODE.CHARGED),)


def test_what_was_never_delivered_cannot_be_accepted() -> None:
    with pytest.raises(CloudmgrError) as refused:
        end_trial(reserved(delivered=False), DELIVERED)
    assert refused.value.details == {"state": "reserved", "to": "active"}


def test_a_stopped_allocation_is_not_started_by_accepting_a_trial() -> None:
    stopped = replace(reserved(), id="ALC-2", state=AllocationState.STOPPED)
    with pytest.raises(CloudmgrError, match="illegal_transition"):
        end_trial(stopped, DELIVERED)
    with pytest.raises(CloudmgrError, match="illegal_transition"):
        begin_charged(stopped)


def test_a_change_counts_from_its_delivery_on() -> None:
    changed = resize(begin_charged(reserved()), "vm", 4, BIG, at("01-15 12:00"))
    assert history(changed) == [("01-06 02", 1, "charged"), ("01-15 04", 4, "charged")]
    assert (changed.quantity, changed.resources) == (4, BIG)


def test_a_change_inside_the_trial_keeps_it_a_trial() -> None:
    changed = end_trial(resize(in_trial(), "vm", 4, BIG, at("01-15 12:00")), UNTIL)
    assert history(changed) == [
        ("01-06 02", 1, "trial"),
        ("01-15 04", 4, "trial"),
        ("02-04 16", 4, "charged"),
    ]


def test_a_trial_that_ended_before_the_change_was_confirmed_keeps_its_end() -> None:
    """The change was delivered on the 15th, the trial ended on the 20th, then it was confirmed:
    what the change costs between the two is still a trial."""
    ended = end_trial(in_trial(), at("01-20 15:00"))
    changed = resize(ended, "vm", 4, BIG, at("01-15 12:00"))
    assert history(changed) == [
        ("01-06 02", 1, "trial"),
        ("01-15 04", 4, "trial"),
        ("01-20 07", 4, "charged"),
    ]


def test_two_changes_at_one_instant_are_one() -> None:
    once = resize(begin_charged(reserved()), "vm", 4, BIG, at("01-15 12:00"))
    twice = resize(once, "vm-large", 2, BIG, at("01-15 12:00"))
    assert history(twice) == [("01-06 02", 1, "charged"), ("01-15 04", 2, "charged")]


def test_a_release_ends_the_life_and_takes_nothing_more() -> None:
    ended = release(begin_charged(reserved()), at("03-01 09:00"))
    assert (ended.state, ended.resources) == (AllocationState.RELEASED, ())
    assert ended.life is not None
    assert ended.life.contains(at("02-28 23:59"))
    assert not ended.life.contains(at("03-01 09:00"))


def test_readings_may_come_from_the_delivery_on_and_not_before() -> None:
    assert reserved(delivered=False).life is None
    life = reserved().life
    assert life is not None
    assert life.end == FOREVER
    assert not life.contains(DELIVERED - timedelta(microseconds=1))
