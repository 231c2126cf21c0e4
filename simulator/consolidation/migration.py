"""Who moves at a tick: relief of overloaded hosts, then emptying of those with little to do.

Owns one tick's decisions; the moves themselves are made by `run`. Source:
PowerVmAllocationPolicyMigrationAbstract.optimizeAllocation of CloudSim 4.0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.consolidation.fleet import NOWHERE, Fleet, Floats, Ints, arrives
from simulator.consolidation.hosts import power_w, utilisation
from simulator.consolidation.order import sort_by_descending
from simulator.consolidation.overload import Tally, count_up, overloaded
from simulator.consolidation.placement import Rules, find_host, open_hosts, try_on
from simulator.consolidation.selection import select
from simulator.kernels import compiled


class Moves(NamedTuple):
    """Decided moves in order, `number[0]` of them."""

    vm: Ints
    target: Ints
    number: Ints


@compiled
def decide(
    fleet: Fleet,
    tally: Tally,
    rules: Rules,
    known: int,
    chance: Ints,
    moves: Moves,
) -> None:
    """Fill `moves` for this tick; the lists are left as a trial leaves them: arriving VMs first,
    then residents, each in their old order."""
    hosts = len(fleet.capacity)
    moves.number[0] = 0
    stale = np.zeros(hosts)
    stale_w = np.zeros(hosts)
    closed = np.zeros(hosts, dtype=np.bool_)
    gone = np.zeros(len(fleet.mips), dtype=np.bool_)
    for host in range(hosts):
        stale[host] = utilisation(fleet, host, fleet.used[host])
        stale_w[host] = power_w(fleet.watts, fleet.kind[host], stale[host])
        count_up(fleet, tally, host, gone)
        closed[host] = overloaded(fleet, tally, host, rules.policy, rules.parameter)
    taken = _relieve(fleet, tally, rules, known, chance, closed, gone)
    candidates = open_hosts(fleet, closed)
    sort_by_descending(fleet.demand, taken)
    for vm in taken:
        target = find_host(fleet, tally, rules, vm, candidates, closed, stale_w)
        if target != NOWHERE:
            _decide_one(fleet, tally, moves, vm, target)
            if fleet.length[target] == 1:
                candidates = open_hosts(fleet, closed)
    _empty(fleet, tally, rules, stale, stale_w, closed, moves)
    for host in range(hosts):
        fleet.length[host] -= tally.added[host]
        _arriving_first(fleet, host)


@compiled
def _relieve(
    fleet: Fleet,
    tally: Tally,
    rules: Rules,
    known: int,
    chance: Ints,
    overloaded_hosts: NDArray[np.bool_],
    gone: NDArray[np.bool_],
) -> Ints:
    """VMs taken off overloaded hosts, one by one until each host is relieved or bare."""
    taken = np.empty(len(fleet.mips), dtype=np.int64)
    n = 0
    for host in range(len(overloaded_hosts)):
        if not overloaded_hosts[host]:
            continue
        still = True
        while still:
            vm = select(fleet, host, gone, known, rules.selection, chance)
            if vm < 0:
                break
            taken[n] = vm
            n += 1
            gone[vm] = True
            count_up(fleet, tally, host, gone)
            still = overloaded(fleet, tally, host, rules.policy, rules.parameter)
    return taken[:n]


@compiled
def _empty(
    fleet: Fleet,
    tally: Tally,
    rules: Rules,
    stale: Floats,
    stale_w: Floats,
    overloaded_hosts: NDArray[np.bool_],
    moves: Moves,
) -> None:
    """Move all VMs off one host after the other, least used first, where all find a place."""
    hosts = len(stale)
    no_target = overloaded_hosts.copy()
    no_source = overloaded_hosts.copy()
    for host in range(hosts):
        off = fleet.length[host] == tally.added[host] if rules.physical else stale[host] == 0.0
        if off:
            no_target[host] = no_source[host] = True
        if rules.physical and tally.added[host] > 0:
            no_source[host] = True  # a VM moves once in a tick
    candidates = open_hosts(fleet, no_target)
    while True:
        source = _least_used(fleet, stale, no_source, rules.physical)
        if source == NOWHERE:
            return
        no_source[source] = no_target[source] = True
        leaving = _residents(fleet, source)
        first = moves.number[0]
        sort_by_descending(fleet.demand, leaving)
        for vm in leaving:
            target = find_host(fleet, tally, rules, vm, candidates, no_target, stale_w)
            if target == NOWHERE:
                _undo(fleet, tally, moves, first)
                break
            _decide_one(fleet, tally, moves, vm, target)
        for i in range(first, moves.number[0]):
            no_source[moves.target[i]] = True


@compiled
def _least_used(fleet: Fleet, stale: Floats, no_source: NDArray[np.bool_], idle_too: bool) -> int:
    """The host of least use below 1 that may be emptied, the first of equals."""
    chosen = NOWHERE
    least = 1.0
    for host in range(len(stale)):
        if no_source[host] or stale[host] >= least or (stale[host] == 0.0 and not idle_too):
            continue
        if _may_be_emptied(fleet, host):
            least = stale[host]
            chosen = host
    return chosen


@compiled
def _may_be_emptied(fleet: Fleet, host: int) -> bool:
    """Whether its list meets a VM at rest before an arriving one."""
    for i in range(fleet.length[host]):
        vm = fleet.listed[host, i]
        if not fleet.moving[vm]:
            return True
        if arrives(fleet, host, vm):
            return False
    return False


@compiled
def _residents(fleet: Fleet, host: int) -> Ints:
    """The VMs at rest on a host in list order."""
    found = np.empty(fleet.length[host], dtype=np.int64)
    n = 0
    for i in range(fleet.length[host]):
        vm = fleet.listed[host, i]
        if not fleet.moving[vm]:
            found[n] = vm
            n += 1
    return found[:n]


@compiled
def _decide_one(fleet: Fleet, tally: Tally, moves: Moves, vm: int, target: int) -> None:
    moves.vm[moves.number[0]] = vm
    moves.target[moves.number[0]] = target
    moves.number[0] += 1
    try_on(fleet, tally, target, vm)


@compiled
def _undo(fleet: Fleet, tally: Tally, moves: Moves, first: int) -> None:
    """Take back the trial placements from move `first` on."""
    for i in range(moves.number[0] - 1, first - 1, -1):
        host = moves.target[i]
        _recount(fleet, tally, host, tally.added[host] - 1)
    moves.number[0] = first


@compiled
def _recount(fleet: Fleet, tally: Tally, host: int, added: int) -> None:
    """The tally of a host that keeps only the first `added` of its trial VMs."""
    nobody = np.zeros(len(fleet.mips), dtype=np.bool_)
    first = fleet.length[host] - tally.added[host]
    fleet.length[host] = first
    count_up(fleet, tally, host, nobody)
    for i in range(first, first + added):
        try_on(fleet, tally, host, fleet.listed[host, i])


@compiled
def _arriving_first(fleet: Fleet, host: int) -> None:
    """Reorder a list: arriving VMs, then residents, each in their old order."""
    n = fleet.length[host]
    old = fleet.listed[host, :n].copy()
    at = 0
    for turn in range(2):
        for vm in old:
            if arrives(fleet, host, vm) == (turn == 0):
                fleet.listed[host, at] = vm
                at += 1
