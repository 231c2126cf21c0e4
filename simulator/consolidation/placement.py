"""Where VMs go: the first placement, and power-aware best fit for those that move.

Owns what is feasible and the choice among hosts. Source: Beloglazov and Buyya 2012, algorithm 2;
PowerVmAllocationPolicyMigrationAbstract.findHostForVm of CloudSim 4.0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.consolidation.fleet import HOST_MEMORY_MB, NOWHERE, Fleet, Floats, Ints, append
from simulator.consolidation.hosts import power_w
from simulator.consolidation.overload import DVFS, Tally, count_in, overloaded_with
from simulator.kernels import compiled


class Rules(NamedTuple):
    """What a run is told: policy and selection by number, and whether the mode is physical."""

    policy: int
    parameter: float
    selection: int
    physical: bool


@compiled
def place_first(fleet: Fleet, rules: Rules) -> int:
    """Put every VM somewhere in order, on its full MIPS and memory; the first that does not fit
    is returned, NOWHERE when all do.

    Without consolidation the first feasible host takes it, otherwise the one whose power rises
    least above that of an idle host.
    """
    hosts = len(fleet.capacity)
    free = fleet.capacity.copy()
    memory_mb = np.full(hosts, HOST_MEMORY_MB)
    for vm in range(len(fleet.mips)):
        mips = fleet.mips[vm]
        chosen = NOWHERE
        least = np.inf
        for host in range(hosts):
            if fleet.core_mips[host] < mips or free[host] < mips:
                continue
            if memory_mb[host] < fleet.ram_mb[vm]:
                continue
            if rules.policy <= DVFS:
                chosen = host
                break
            part = (fleet.capacity[host] - free[host] + mips) / fleet.capacity[host]
            kind = fleet.kind[host]
            rise = power_w(fleet.watts, kind, part) - power_w(fleet.watts, kind, 0.0)
            if rise < least:
                least = rise
                chosen = host
        if chosen == NOWHERE:
            return vm
        free[chosen] -= mips
        memory_mb[chosen] -= fleet.ram_mb[vm]
        append(fleet, chosen, vm)
        fleet.home[vm] = chosen
    return NOWHERE


@compiled
def open_hosts(fleet: Fleet, closed: NDArray[np.bool_]) -> Ints:
    """Hosts worth a look: open ones that list a VM, and of the empty ones, which are all alike,
    the first of each kind."""
    found = np.empty(len(closed), dtype=np.int64)
    empty_seen = np.zeros(len(fleet.watts), dtype=np.bool_)
    n = 0
    for host in range(len(closed)):
        if closed[host]:
            continue
        if fleet.length[host] == 0:
            if empty_seen[fleet.kind[host]]:
                continue
            empty_seen[fleet.kind[host]] = True
        found[n] = host
        n += 1
    return found[:n]


@compiled
def find_host(
    fleet: Fleet,
    tally: Tally,
    rules: Rules,
    vm: int,
    candidates: Ints,
    closed: NDArray[np.bool_],
    stale_w: Floats,
) -> int:
    """The candidate not closed since whose power rises least above `stale_w` by taking a VM;
    NOWHERE if none.

    Feasible: one core and the free MIPS hold its demand, in physical mode the memory holds it
    too, and unless nothing runs there it is not overloaded with it. The first of equals wins.
    """
    watts, kind, core_mips, capacity = fleet.watts, fleet.kind, fleet.core_mips, fleet.capacity
    planned, free, ram_mb = tally.planned, tally.free, tally.ram_mb
    demand, most_mb = fleet.demand[vm], HOST_MEMORY_MB
    if rules.physical:
        most_mb -= fleet.ram_mb[vm]
    chosen = NOWHERE
    least = np.inf
    for host in candidates:
        if closed[host] or core_mips[host] < demand or free[host] < demand:
            continue
        if rules.physical and ram_mb[host] > most_mb:
            continue
        part = (planned[host] + demand) / capacity[host]
        rise = power_w(watts, kind[host], part) - stale_w[host]
        if rise >= least:
            continue
        if planned[host] != 0.0 and overloaded_with(
            fleet, tally, host, vm, rules.policy, rules.parameter
        ):
            continue
        least = rise
        chosen = host
    return chosen


@compiled
def try_on(fleet: Fleet, tally: Tally, host: int, vm: int) -> None:
    """List a VM on a host for trial; it counts there as a resident."""
    append(fleet, host, vm)
    tally.added[host] += 1
    tally.planned[host] += fleet.demand[vm]
    tally.free[host] -= fleet.demand[vm]
    count_in(fleet, tally, host, vm)
