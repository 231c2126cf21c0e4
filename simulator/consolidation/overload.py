"""When a host is overloaded: a fixed threshold, or one learned from its recent past.

Owns the tests THR, IQR, MAD and LR and the tallies they read. Sources: Beloglazov and Buyya
2012, sections 4.1 to 4.4; PowerVmAllocationPolicyMigrationStaticThreshold, ...InterQuartileRange,
...MedianAbsoluteDeviation, ...LocalRegression and MathUtil of CloudSim 4.0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.consolidation.fleet import HISTORY, MB_PER_S, Fleet, Floats, Ints, arrives
from simulator.consolidation.order import sort
from simulator.kernels import compiled
from simulator.traces.base import SAMPLE_S

NPA, DVFS, THR, IQR, MAD, LR = range(6)
POLICIES = ("npa", "dvfs", "thr", "iqr", "mad", "lr")
PARAMETERS = {THR: 0.8, IQR: 1.5, MAD: 2.5, LR: 1.2}  # where none is given
FALLBACK_THRESHOLD = 0.7  # while the past is too short to learn from
LEAST_PAST = 12
REGRESSED = 10


class Tally(NamedTuple):
    """Sums over the VMs a host lists, with those a trial placement adds (h hosts)."""

    planned: Floats  # (h) MIPS given, arriving VMs as if they were here
    free: Floats  # (h) MIPS
    wanted: Floats  # (h) uncapped demand
    past: Floats  # (h, 30) utilisation at ticks, newest first
    ram_mb: Floats  # (h) of all listed
    largest_mb: Floats  # (h) RAM of the largest listed VM
    added: Ints  # (h) VMs the trial has appended to the list


def new_tally(hosts: int) -> Tally:
    return Tally(
        planned=np.zeros(hosts),
        free=np.zeros(hosts),
        wanted=np.zeros(hosts),
        past=np.zeros((hosts, HISTORY)),
        ram_mb=np.zeros(hosts),
        largest_mb=np.zeros(hosts),
        added=np.zeros(hosts, dtype=np.int64),
    )


@compiled
def count_up(fleet: Fleet, tally: Tally, host: int, gone: NDArray[np.bool_]) -> None:
    """Fill a host's tally from its list and last refresh, VMs marked `gone` left out."""
    tally.planned[host] = tally.wanted[host] = 0.0
    tally.ram_mb[host] = tally.largest_mb[host] = 0.0
    tally.past[host, :] = 0.0
    tally.free[host] = fleet.free[host]
    tally.added[host] = 0
    for i in range(fleet.length[host]):
        vm = fleet.listed[host, i]
        if gone[vm]:
            continue
        given = fleet.given[host, i]
        if arrives(fleet, host, vm):
            tally.planned[host] += given * 0.9 / 0.1
        tally.planned[host] += given
        count_in(fleet, tally, host, vm)


@compiled
def count_in(fleet: Fleet, tally: Tally, host: int, vm: int) -> None:
    """Add one VM's demand, past and memory at the end of a host's sums."""
    tally.wanted[host] += fleet.demand[vm]
    tally.ram_mb[host] += fleet.ram_mb[vm]
    tally.largest_mb[host] = max(tally.largest_mb[host], fleet.ram_mb[vm])
    past, history = tally.past[host], fleet.history[vm]
    mips, capacity = fleet.mips[vm], fleet.capacity[host]
    for i in range(HISTORY):
        past[i] += history[i] * mips / capacity


@compiled
def overloaded(fleet: Fleet, tally: Tally, host: int, policy: int, parameter: float) -> bool:
    """Whether a host, as tallied, is overloaded."""
    return _judge(
        tally.wanted[host] / fleet.capacity[host],
        tally.past[host],
        tally.largest_mb[host],
        policy,
        parameter,
    )


@compiled
def overloaded_with(
    fleet: Fleet, tally: Tally, host: int, vm: int, policy: int, parameter: float
) -> bool:
    """Whether it would be with one more VM at the end of its list."""
    capacity = fleet.capacity[host]
    part = (tally.wanted[host] + fleet.demand[vm]) / capacity
    if policy == THR:
        return bool(part > parameter)
    before, history, mips = tally.past[host], fleet.history[vm], fleet.mips[vm]
    past = np.empty(HISTORY)
    for i in range(HISTORY):
        past[i] = before[i] + history[i] * mips / capacity
    largest_mb = max(tally.largest_mb[host], fleet.ram_mb[vm])
    return _judge(part, past, largest_mb, policy, parameter)


@compiled
def _judge(part: float, past: Floats, largest_mb: float, policy: int, parameter: float) -> bool:
    if policy == THR:
        return part > parameter
    known = _known(past)
    if policy == LR:
        if known < REGRESSED:
            return part > FALLBACK_THRESHOLD
        ahead = math.ceil(largest_mb / MB_PER_S / SAMPLE_S)
        return parameter * _predicted(past, REGRESSED + ahead) >= 1.0
    if known < LEAST_PAST:
        return part > FALLBACK_THRESHOLD
    ordered = past[:known].copy()
    sort(ordered)
    if policy == IQR:
        return part > 1.0 - parameter * quartile_range(ordered)
    return part > 1.0 - parameter * median_deviation(ordered)


@compiled
def _known(past: Floats) -> int:
    """How many values there are once the zeros at the old end are cut off."""
    known = len(past)
    while known > 1 and past[known - 1] == 0.0:
        known -= 1
    return known


@compiled
def quartile_range(ordered: Floats) -> float:
    """Q3 - Q1 at the positions round(0.25 (n + 1)) - 1 and round(0.75 (n + 1)) - 1, half up."""
    n = len(ordered)
    low = math.floor(0.25 * (n + 1) + 0.5) - 1
    high = math.floor(0.75 * (n + 1) + 0.5) - 1
    return float(ordered[high] - ordered[low])


@compiled
def median_deviation(ordered: Floats) -> float:
    """The median distance from the median."""
    middle = _median(ordered)
    distances = np.empty(len(ordered))
    for i in range(len(ordered)):
        distances[i] = abs(middle - ordered[i])
    sort(distances)
    return _median(distances)


@compiled
def _median(ordered: Floats) -> float:
    n = len(ordered)
    low = ordered[(n - 1) // 2]
    return float(low + 0.5 * (ordered[n // 2] - low))


@compiled
def _predicted(past: Floats, at: float) -> float:
    """Ordinary least squares through the newest ten values at x = 1 ... 10, oldest first.

    Updated value by value as SimpleRegression of commons-math does, to end on the same bits.
    """
    mean_x = mean_y = sum_xx = sum_xy = sum_x = sum_y = 0.0
    for n in range(REGRESSED):
        x, y = n + 1.0, past[REGRESSED - 1 - n]
        if n == 0:
            mean_x, mean_y = x, y
        else:
            part = n / (1.0 + n)
            dx, dy = x - mean_x, y - mean_y
            sum_xx += dx * dx * part
            sum_xy += dx * dy * part
            mean_x += dx / (1.0 + n)
            mean_y += dy / (1.0 + n)
        sum_x += x
        sum_y += y
    slope = sum_xy / sum_xx
    return float((sum_y - slope * sum_x) / REGRESSED + slope * at)
