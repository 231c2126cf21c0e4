"""The overload tests on pasts short enough to reckon by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from simulator.consolidation.fleet import HISTORY, Fleet, append, new_fleet
from simulator.consolidation.order import sort, sort_by_descending
from simulator.consolidation.overload import (
    IQR,
    LR,
    MAD,
    THR,
    Tally,
    count_up,
    median_deviation,
    new_tally,
    overloaded,
    overloaded_with,
    quartile_range,
)

CAPACITY = 3720.0
MIPS = 2500.0


def host_with(past: Sequence[float], now: float) -> tuple[Fleet, Tally]:
    """One VM on host 0 whose utilisation of that host was `past`, newest first, and is `now`."""
    fleet = new_fleet(np.zeros((2, 288), dtype=np.int64), hosts=2)
    append(fleet, 0, 0)
    fleet.home[0] = 0
    fleet.history[0, : len(past)] = np.array(past) * CAPACITY / MIPS
    fleet.demand[0] = now * CAPACITY
    tally = new_tally(2)
    count_up(fleet, tally, 0, np.zeros(2, dtype=np.bool_))
    return fleet, tally


def judged(past: Sequence[float], now: float, policy: int, parameter: float) -> bool:
    fleet, tally = host_with(past, now)
    return bool(overloaded(fleet, tally, 0, policy, parameter))


def test_thr_is_above_its_threshold_not_at_it() -> None:
    assert not judged([], 0.5, THR, 0.5)
    assert judged([], 0.5001, THR, 0.5)


@pytest.mark.parametrize(("policy", "enough"), [(IQR, 12), (MAD, 12), (LR, 10)])
def test_while_the_past_is_short_the_threshold_is_seven_tenths(policy: int, enough: int) -> None:
    short, long = [0.5] * (enough - 1), [0.5] * enough
    assert judged(short, 0.71, policy, 1.0)
    assert not judged(short, 0.69, policy, 1.0)
    assert not judged(long, 0.71, policy, 1.0)


def test_zeros_at_the_old_end_are_no_past() -> None:
    assert judged([0.5] * 11 + [0.0] * 10, 0.71, IQR, 1.0)
    assert not judged([0.5] * 11 + [0.0] * 10 + [0.5], 0.49, IQR, 1.0)


def test_quartiles_are_taken_at_rounded_positions() -> None:
    """n = 12: round(3.25) - 1 = 2 and round(9.75) - 1 = 9; n = 13: 3.5 rounds up to 4."""
    assert quartile_range(np.arange(12.0)) == 9 - 2
    assert quartile_range(np.arange(13.0)) == 10 - 3


def test_iqr_lowers_the_threshold_by_the_spread_of_the_past() -> None:
    past = [0.1 + 0.02 * k for k in range(12)]  # Q3 - Q1 = 7 x 0.02
    threshold = 1 - 1.5 * 0.14
    assert judged(past, threshold + 0.001, IQR, 1.5)
    assert not judged(past, threshold - 0.001, IQR, 1.5)


def test_the_median_of_an_even_number_lies_between_two() -> None:
    assert median_deviation(np.array([1.0, 2.0, 4.0, 8.0])) == 1.5  # |3 - x| = 1, 1, 2, 5
    assert median_deviation(np.array([1.0, 1.0, 2.0, 4.0, 9.0])) == 1.0


def test_mad_lowers_the_threshold_by_the_median_deviation() -> None:
    past = [0.2, 0.4] * 6  # median 0.3, every deviation 0.1
    assert judged(past, 0.751, MAD, 2.5)
    assert not judged(past, 0.749, MAD, 2.5)


def test_lr_asks_where_the_line_of_the_last_ten_leads() -> None:
    """0.40, 0.44, ... 0.76 rises by 0.04 a step: 0.80 at the next, and 0.80 x 1.25 reaches 1."""
    newest_first = [0.76 - 0.04 * k for k in range(10)]
    assert not judged([*newest_first, 0.9, 0.9], 0.76, LR, 1.2499)
    assert judged([*newest_first, 0.9, 0.9], 0.76, LR, 1.2501)


@pytest.mark.parametrize("policy", [THR, IQR, MAD, LR])
def test_one_more_vm_is_judged_as_if_it_stood_at_the_end_of_the_list(policy: int) -> None:
    chance = np.random.default_rng(7)
    for _ in range(200):
        fleet, tally = host_with(
            chance.uniform(0, 0.6, HISTORY).tolist(), float(chance.uniform(0, 0.6))
        )
        fleet.history[1] = chance.uniform(0, 1, HISTORY)
        fleet.demand[1] = chance.uniform(0, 2000)
        before = overloaded_with(fleet, tally, 0, 1, policy, 0.8)
        append(fleet, 0, 1)
        count_up(fleet, tally, 0, np.zeros(2, dtype=np.bool_))
        assert before == overloaded(fleet, tally, 0, policy, 0.8)


def test_sorting_is_ascending_and_by_key_it_is_stable() -> None:
    values = np.array([3.0, 1.0, 2.0, 1.0])
    sort(values)
    assert values.tolist() == [1.0, 1.0, 2.0, 3.0]
    items = np.array([4, 0, 2, 1, 3], dtype=np.int64)
    sort_by_descending(np.array([1.0, 5.0, 1.0, 5.0, 1.0]), items)
    assert items.tolist() == [1, 3, 4, 0, 2]
