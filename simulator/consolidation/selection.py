"""Which VM leaves an overloaded host first. Owns minimum migration time, random choice and
maximum correlation.

Source: Beloglazov and Buyya 2012, section 5; PowerVmSelectionPolicy... of CloudSim 4.0. CloudSim
seeds its random choice from the clock; here it is a seeded minimal standard generator (Park,
Miller and Stockmeyer 1993), whose products stay within 64 bits, so a run repeats.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulator.consolidation.fleet import HISTORY, Fleet, Floats, Ints
from simulator.kernels import compiled

MMT, RANDOM, MAXCORR = range(3)
UNSPANNED = -1.0
_MULTIPLIER, _MODULUS = 48_271, 2_147_483_647
SELECTIONS = ("mmt", "random", "maxcorr")


def seeded(seed: int) -> Ints:
    """The generator's state for any seed of 0 or more."""
    return np.array([1 + seed % (_MODULUS - 1)], dtype=np.int64)


@compiled
def select(
    fleet: Fleet,
    host: int,
    gone: NDArray[np.bool_],
    known: int,
    selection: int,
    chance: Ints,
) -> int:
    """The VM to move away, -1 when none may: migrating VMs and those marked `gone` may not.

    `known` is how many shares each VM's history holds.
    """
    movable = np.empty(fleet.length[host], dtype=np.int64)
    n = 0
    for i in range(fleet.length[host]):
        vm = fleet.listed[host, i]
        if not fleet.moving[vm] and not gone[vm]:
            movable[n] = vm
            n += 1
    if n == 0:
        return -1
    if selection == RANDOM:
        return int(movable[_draw(chance, n)])
    if selection == MAXCORR:
        chosen = _most_correlated(fleet, movable[:n], min(known, HISTORY))
        if chosen >= 0:
            return chosen
    return _smallest(fleet, movable[:n])


@compiled
def _smallest(fleet: Fleet, movable: Ints) -> int:
    """The least memory migrates fastest; the first of equals."""
    chosen = movable[0]
    for vm in movable:
        if fleet.ram_mb[vm] < fleet.ram_mb[chosen]:
            chosen = vm
    return int(chosen)


@compiled
def _draw(chance: Ints, n: int) -> int:
    """A whole number below n; `chance` holds the generator's one word of state."""
    chance[0] = chance[0] * _MULTIPLIER % _MODULUS
    return int(chance[0] % n)


@compiled
def _most_correlated(fleet: Fleet, movable: Ints, known: int) -> int:
    """The VM whose past the others' explain best, -1 when the past does not suffice to say."""
    history = fleet.history
    n = len(movable)
    if n < 2 or known < n:
        return -1
    best = 0.0
    chosen = movable[0]
    design = np.empty((n, known))
    values = np.empty(known)
    for i in range(n):
        column = 1
        for j in range(n):
            for row in range(known):
                if j == i:
                    design[0, row] = 1.0
                    values[row] = history[movable[j], row]
                else:
                    design[column, row] = history[movable[j], row]
            column += j != i
        explained = explained_part(design, values)
        if explained == UNSPANNED:
            return -1
        if explained > best:
            best = explained
            chosen = movable[i]
    return int(chosen)


@compiled
def explained_part(design: Floats, values: Floats) -> float:
    """R squared of least squares of `values` on the rows of `design` (regressors, observations),
    by Householder reflections; UNSPANNED when a regressor repeats others exactly.

    Both arguments are overwritten. Constant values have no variance to explain: 0.
    """
    regressors = len(design)
    spread = _spread(values)
    for k in range(regressors):
        reflector = design[k]
        norm = math.sqrt(_dot(reflector, reflector, k))
        if norm == 0.0:
            return UNSPANNED
        reflector[k] += norm if reflector[k] > 0.0 else -norm
        scale = 2.0 / _dot(reflector, reflector, k)
        for j in range(k + 1, regressors):
            _reflect(design[j], reflector, scale, k)
        _reflect(values, reflector, scale, k)
    if spread == 0.0:
        return 0.0
    return 1.0 - _dot(values, values, regressors) / spread


@compiled
def _spread(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    mean = total / len(values)
    squares = 0.0
    for value in values:
        squares += (value - mean) * (value - mean)
    return squares


@compiled
def _dot(a: Floats, b: Floats, first: int) -> float:
    """Sum of products from row `first` on."""
    total = 0.0
    for i in range(first, len(a)):
        total += a[i] * b[i]
    return total


@compiled
def _reflect(column: Floats, reflector: Floats, scale: float, first: int) -> None:
    part = scale * _dot(column, reflector, first)
    for i in range(first, len(column)):
        column[i] -= part * reflector[i]
