"""Capacity of a pool: what is offered, and hold -> post -> free."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.capacity import InventoryRecord, free, hold, mean_capacity, post, unhold
from tests.support.assessments import JANUARY, at
from tests.support.supply import VCPU, an_inventory


def test_over_commit_offers_more_and_rounds_down() -> None:
    assert an_inventory(total=3, allocation_ratio_percent=150).offered == 4
    assert an_inventory(total=3).offered == 3


def test_free_is_what_nobody_keeps_holds_or_uses() -> None:
    pool = an_inventory(total=100, reserved=10, held=20, allocated=30)
    assert pool.free == 40
    assert pool.allocated_share == Fraction(30, 100)
    assert an_inventory(total=0).allocated_share == 0


def test_more_than_is_free_is_refused_with_both_numbers() -> None:
    pool = an_inventory(total=10, held=4)
    assert hold(pool, 6).free == 0
    with pytest.raises(CloudmgrError) as refused:
        hold(pool, 7)
    assert refused.value.code == "capacity_exceeded"
    assert refused.value.details["free"] == 6
    assert refused.value.details["asked"] == 7


def test_a_pool_that_lost_capacity_has_nothing_free_but_refuses_nothing_that_takes_nothing() -> (
    None
):
    shrunk = an_inventory(total=10, allocated=12)
    assert hold(shrunk, 0) == shrunk
    with pytest.raises(CloudmgrError) as refused:
        hold(shrunk, 1)
    assert refused.value.details["free"] == 0


@given(steps=st.lists(st.tuples(st.sampled_from("hpuf"), st.integers(0, 40)), max_size=30))
def test_whatever_happens_the_parts_add_up_to_the_whole(steps: list[tuple[str, int]]) -> None:
    pool = an_inventory(total=100, reserved=5)
    for step, units in steps:
        if step == "h" and units <= pool.free:
            pool = hold(pool, units)
        elif step == "p":
            pool = post(pool, min(units, pool.held))
        elif step == "u":
            pool = unhold(pool, min(units, pool.held))
        elif step == "f":
            pool = free(pool, min(units, pool.allocated))
        assert pool.reserved + pool.held + pool.allocated + pool.free == pool.offered
        assert min(pool.held, pool.allocated, pool.free) >= 0


def stated(when: str, total: int, ratio: int = 100) -> InventoryRecord:
    return InventoryRecord(
        id=f"INV-{when}",
        pool_id="x86",
        provider_id="prv",
        resource_class=VCPU,
        total=total,
        reserved=0,
        allocation_ratio_percent=ratio,
        stated_at=at(when),
        stated_by="",
    )


def test_a_month_is_judged_by_what_stood_there_weighted_by_its_days() -> None:
    # 10 of 31 days with 100 units, 21 with 410; what came in February does not count.
    history = [
        stated("01-11 00:00", 410, 200),
        stated("01-01 00:00", 100),
        stated("02-02 00:00", 9),
    ]
    mean = mean_capacity(an_inventory(total=9), history, JANUARY.period)
    assert mean.total == Fraction(10 * 100 + 21 * 410, 31)
    assert mean.offered == Fraction(10 * 100 + 21 * 820, 31)


def test_before_the_first_record_there_was_nothing_and_without_any_it_was_always_so() -> None:
    late = mean_capacity(an_inventory(total=9), [stated("02-01 00:00", 9)], JANUARY.period)
    assert not late.total
    assert not late.offered
    always = mean_capacity(an_inventory(total=9, allocation_ratio_percent=150), [], JANUARY.period)
    assert [always.total, always.offered] == [Fraction(9), Fraction(13)]
