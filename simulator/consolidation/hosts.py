"""What one host gives its VMs, and the power it draws. Owns refresh and watts.

Follows VmSchedulerTimeSharedOverSubscription, HostDynamicWorkload.updateVmsProcessing and
PowerModelSpecPower of CloudSim 4.0, operation by operation: the comparisons of `metrics` are
strict on the float64 sums made here.
"""

from __future__ import annotations

import math

from simulator.consolidation.fleet import Fleet, Floats
from simulator.consolidation.metrics import Ledger, note_host, note_vm
from simulator.kernels import compiled

ARRIVING_PART = 0.1  # of its request, until its migration ends
LEAVING_PART = 0.9


@compiled
def refresh(fleet: Fleet, ledger: Ledger, host: int, now: float) -> None:
    """Share the host's MIPS among its VMs at an instant and note what came of it."""
    listed, given, length = fleet.listed[host], fleet.given[host], fleet.length[host]
    demand, home, moving = fleet.demand, fleet.home, fleet.moving
    notes, sums = ledger.vm_note, ledger.vm_sum
    _give(fleet, host)
    used = wanted = 0.0
    for i in range(length):
        vm = listed[i]
        here = home[vm] == host
        if here or not moving[vm]:
            note_vm(notes[vm], sums[vm], now, given[i], demand[vm], moving[vm])
        if here and moving[vm]:
            used += given[i] / LEAVING_PART
        else:
            used += given[i]
        wanted += demand[vm]
    fleet.used_before[host] = fleet.used[host]
    fleet.used[host] = used
    on = length > 0 if ledger.idle_is_on[0] else used > 0.0
    note_host(ledger.host_note[host], ledger.host_sum[host], now, used < wanted, on)


@compiled
def _give(fleet: Fleet, host: int) -> None:
    """Requests in list order; when they exceed the capacity all shrink by one factor."""
    listed, given, length = fleet.listed[host], fleet.given[host], fleet.length[host]
    demand, home, moving = fleet.demand, fleet.home, fleet.moving
    core, capacity = fleet.core_mips[host], fleet.capacity[host]
    free = capacity
    reserved = 0.0
    short = False
    for i in range(length):
        vm = listed[i]
        reserve = min(demand[vm], core)
        given[i] = reserve
        if moving[vm] and home[vm] != host:
            reserve = reserve * ARRIVING_PART
            given[i] = reserve
        elif moving[vm]:
            given[i] = reserve * LEAVING_PART
        reserved += reserve
        short = short or free < reserve
        free -= reserve
    if not short:
        fleet.free[host] = free
        return
    fleet.free[host] = 0.0
    factor = capacity / reserved
    for i in range(length):
        vm = listed[i]
        whole = min(demand[vm], core)
        if moving[vm] and home[vm] != host:
            given[i] = math.floor(whole * ARRIVING_PART * factor)
        elif moving[vm]:
            given[i] = math.floor(whole * factor * LEAVING_PART)
        else:
            given[i] = math.floor(whole * factor)


@compiled
def utilisation(fleet: Fleet, host: int, used: float) -> float:
    """Part of the capacity in use; rounding just above 1 is 1."""
    part = used / fleet.capacity[host]
    return 1.0 if 1.0 < part < 1.01 else part


@compiled
def power_w(watts: Floats, kind: int, part: float) -> float:
    """Watts of a kind of host at a utilisation of 0 to 1, on straight lines between tenths."""
    part = min(part, 1.0)
    low, high = math.floor(part * 10), math.ceil(part * 10)
    slope = (watts[kind, high] - watts[kind, low]) / 10
    return float(watts[kind, low] + slope * (part - low / 10) * 100)
