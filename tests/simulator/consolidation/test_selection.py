"""Which VM leaves an overloaded host first."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.consolidation.fleet import Fleet, append, new_fleet
from simulator.consolidation.selection import MAXCORR, MMT, RANDOM, explained_part, seeded, select

KNOWN = 20


def host_of_four() -> Fleet:
    """VMs of 870, 1740, 1740 and 613 MB on host 0."""
    fleet = new_fleet(np.zeros((4, 288), dtype=np.int64), hosts=1)
    for vm in range(4):
        append(fleet, 0, vm)
        fleet.home[vm] = 0
    return fleet


def chosen(
    fleet: Fleet, selection: int, *, gone: tuple[int, ...] = (), known: int = KNOWN, seed: int = 1
) -> int:
    left = np.zeros(4, dtype=np.bool_)
    left[list(gone)] = True
    return int(select(fleet, 0, left, known, selection, seeded(seed)))


def test_the_least_memory_goes_first_and_of_equals_the_first_listed() -> None:
    fleet = host_of_four()
    order = [chosen(fleet, MMT, gone=gone) for gone in ((), (3,), (3, 0), (3, 0, 1))]
    assert order == [3, 0, 1, 2]


def test_migrating_vms_are_left_alone_and_none_left_is_none() -> None:
    fleet = host_of_four()
    fleet.moving[3] = True
    assert chosen(fleet, MMT) == 0
    assert chosen(fleet, MMT, gone=(0, 1, 2)) == -1


def test_random_choice_reaches_everyone_and_repeats_with_its_seed() -> None:
    fleet = host_of_four()
    drawn = [chosen(fleet, RANDOM, seed=seed) for seed in range(100)]
    assert set(drawn) == {0, 1, 2, 3}
    assert drawn == [chosen(fleet, RANDOM, seed=seed) for seed in range(100)]


def test_the_vm_the_others_explain_best_goes_first() -> None:
    fleet = host_of_four()
    chance = np.random.default_rng(3)
    fleet.history[:, :KNOWN] = chance.uniform(0, 1, (4, KNOWN))
    fleet.history[2, :KNOWN] = (
        fleet.history[0, :KNOWN] + fleet.history[1, :KNOWN] + chance.uniform(0, 0.01, KNOWN)
    )
    fleet.history[0, :KNOWN] += chance.uniform(0, 0.3, KNOWN)
    assert chosen(fleet, MAXCORR) == 2


@pytest.mark.parametrize("known", [0, 3])
def test_without_enough_past_maximum_correlation_falls_back_on_memory(known: int) -> None:
    assert chosen(host_of_four(), MAXCORR, known=known) == 3


def test_a_vm_alone_goes_whatever_its_past() -> None:
    assert chosen(host_of_four(), MAXCORR, gone=(0, 1, 3)) == 2


def test_the_explained_part_is_that_of_numpys_least_squares() -> None:
    chance = np.random.default_rng(5)
    for regressors in (1, 2, 7):
        design = np.vstack([np.ones(KNOWN), chance.uniform(0, 1, (regressors, KNOWN))])
        values = chance.uniform(0, 1, KNOWN)
        fit = np.linalg.lstsq(design.T, values, rcond=None)[0]
        rest = ((values - design.T @ fit) ** 2).sum()
        spread = ((values - values.mean()) ** 2).sum()
        found = explained_part(design.copy(), values.copy())
        assert found == pytest.approx(1 - rest / spread)


def test_a_regressor_of_nothing_but_zeros_spans_nothing() -> None:
    design = np.vstack([np.ones(KNOWN), np.zeros(KNOWN)])
    assert explained_part(design, np.arange(float(KNOWN))) == -1.0
