"""Hosts and VMs as arrays: what the experiment starts from and what changes while it runs.

Owns sizes, watts, demand at an instant and each VM's recent history. What a host gives its VMs
is decided in `hosts`, who goes where in `placement`.

MIPS, megabytes, seconds and watts throughout. A VM is listed on its home, and while it migrates
on its target as well: it leaves the one and arrives at the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.kernels import compiled
from simulator.traces.base import DAY_SAMPLES, SAMPLE_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

HOSTS = 800
HOST_CORES = 2
HOST_MEMORY_MB = 4096.0
MB_PER_S = 62.5  # half of a link of 1 Gbit/s carries a migration
CORE_MIPS = (1860.0, 2660.0)  # HP ProLiant ML110 G4 and G5, alternating
WATTS = (  # at 0, 10, ... 100 % (SPECpower_ssj2008)
    (86.0, 89.4, 92.6, 96.0, 99.5, 102.0, 106.0, 108.0, 112.0, 114.0, 117.0),
    (93.7, 97.0, 101.0, 105.0, 110.0, 116.0, 121.0, 125.0, 129.0, 133.0, 135.0),
)
VM_TYPES = ((2500.0, 870.0), (2000.0, 1740.0), (1000.0, 1740.0), (500.0, 613.0))  # MIPS, MB
HISTORY = 30
NOWHERE = -1


class Fleet(NamedTuple):
    """h hosts and v VMs; `listed[h, :length[h]]` are the VMs of a host in their order."""

    kind: Ints  # (h) row of `watts`
    watts: Floats  # (kinds, 11)
    core_mips: Floats  # (h)
    capacity: Floats  # (h) both cores, MIPS
    mips: Floats  # (v)
    ram_mb: Floats  # (v)
    samples: Floats  # (289, v) share of `mips` every 300 s, the last one twice
    share: Floats  # (v) now
    demand: Floats  # (v) MIPS now
    history: Floats  # (v, 30) shares at ticks, newest first; 0 where there is none yet
    home: Ints  # (v) host, NOWHERE once deleted
    moving: Flags  # (v)
    listed: Ints  # (h, most VMs a host ever lists)
    length: Ints  # (h) of its list
    given: Floats  # (h, ...) MIPS each listed VM was given at the last refresh
    free: Floats  # (h) MIPS left at the last refresh
    used: Floats  # (h) sum given, leaving VMs without their loss
    used_before: Floats  # (h) the same at the refresh before


def new_fleet(percent: Ints, *, hosts: int = HOSTS) -> Fleet:
    """A fleet before its first placement; `percent` is (VMs, 288) in whole percent."""
    vms = len(percent)
    each = math.ceil(vms / len(VM_TYPES))
    types = np.array(VM_TYPES)[np.arange(vms) // each]
    shares = np.concatenate([percent, percent[:, -1:]], axis=1) / 100.0
    kind = np.arange(hosts, dtype=np.int64) % len(CORE_MIPS)
    core_mips = np.array(CORE_MIPS)[kind]
    return Fleet(
        kind=kind,
        watts=np.array(WATTS),
        core_mips=core_mips,
        capacity=core_mips * HOST_CORES,
        mips=np.ascontiguousarray(types[:, 0]),
        ram_mb=np.ascontiguousarray(types[:, 1]),
        samples=np.ascontiguousarray(shares.T),
        share=np.zeros(vms),
        demand=np.zeros(vms),
        history=np.zeros((vms, HISTORY)),
        home=np.full(vms, NOWHERE, dtype=np.int64),
        moving=np.zeros(vms, dtype=np.bool_),
        listed=np.full((hosts, vms + 1), NOWHERE, dtype=np.int64),
        length=np.zeros(hosts, dtype=np.int64),
        given=np.zeros((hosts, vms + 1)),
        free=core_mips * HOST_CORES,
        used=np.zeros(hosts),
        used_before=np.zeros(hosts),
    )


@compiled
def set_demand(fleet: Fleet, now: float) -> None:
    """Every VM's share and demand at an instant, on straight lines between samples."""
    before = min(math.floor(now / SAMPLE_S), DAY_SAMPLES)
    after = min(math.ceil(now / SAMPLE_S), DAY_SAMPLES)
    low, high = fleet.samples[before], fleet.samples[after]
    shares, demand, mips = fleet.share, fleet.demand, fleet.mips
    for vm in range(len(mips)):
        share = low[vm]
        if after > before:
            slope = (high[vm] - share) / ((after - before) * float(SAMPLE_S))
            share = share + slope * (now - before * float(SAMPLE_S))
        shares[vm] = share
        demand[vm] = share * mips[vm]


@compiled
def remember(fleet: Fleet) -> None:
    """Put the present share of every VM that is somewhere at the head of its history."""
    history = fleet.history
    for vm in range(len(history)):
        if fleet.home[vm] != NOWHERE:
            for i in range(HISTORY - 1, 0, -1):
                history[vm, i] = history[vm, i - 1]
            history[vm, 0] = fleet.share[vm]


@compiled
def append(fleet: Fleet, host: int, vm: int) -> None:
    fleet.listed[host, fleet.length[host]] = vm
    fleet.length[host] += 1


@compiled
def remove(fleet: Fleet, host: int, vm: int) -> None:
    """Take a VM off a host's list; the others keep their order."""
    listed = fleet.listed[host]
    kept = 0
    for i in range(fleet.length[host]):
        if listed[i] != vm:
            listed[kept] = listed[i]
            kept += 1
    fleet.length[host] = kept


@compiled
def arrives(fleet: Fleet, host: int, vm: int) -> bool:
    """Whether a listed VM is on its way to this host."""
    return bool(fleet.moving[vm]) and fleet.home[vm] != host


@compiled
def memory_listed_mb(fleet: Fleet, host: int) -> float:
    """Memory of all listed VMs, leaving and arriving ones in full."""
    total = 0.0
    for i in range(fleet.length[host]):
        total += fleet.ram_mb[fleet.listed[host, i]]
    return total
