"""What is measured: energy, violations, degradation by migration, shutdowns.

Owns the ledger and the formulae. Follows Helper.getSlaTimePerActiveHost, getSlaMetrics and
getTimesBeforeHostShutdown of CloudSim 4.0's power examples: a note stands until the next one of
a later instant, and of several notes of one instant the last counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.kernels import compiled

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NEVER = -1.0
TIME = 0
ON, SHORT, WAS_ON = 1, 2, 3
ACTIVE_S, SHORT_S, SHUTDOWNS = 0, 1, 2
GIVEN, WANTED, MOVING = 1, 2, 3
WANTED_MIPS_S, LOST_MIPS_S = 0, 1
J_PER_KWH = 3_600_000.0


class Ledger(NamedTuple):
    """Running sums of h hosts and v VMs, and each one's latest note."""

    idle_is_on: Flags  # (1) whether a host with idle VMs only is on
    energy_j: Floats  # (1)
    host_note: Floats  # (h, 4) TIME, ON, SHORT and WAS_ON, flags as 0 and 1
    host_sum: Floats  # (h, 3) ACTIVE_S, SHORT_S, SHUTDOWNS
    vm_note: Floats  # (v, 4) TIME, GIVEN, WANTED, MOVING
    vm_sum: Floats  # (v, 2) WANTED_MIPS_S and LOST_MIPS_S while migrating


class Measures(NamedTuple):
    """The experiment's figures; parts are of 1."""

    energy_kwh: float
    slatah: float
    pdm: float
    host_shutdowns: int


def new_ledger(hosts: int, vms: int, *, idle_is_on: bool) -> Ledger:
    """Nothing noted yet; a host counts as on before its first note."""
    host_note, vm_note = np.zeros((hosts, 4)), np.zeros((vms, 4))
    host_note[:, TIME] = vm_note[:, TIME] = NEVER
    host_note[:, WAS_ON] = 1.0
    return Ledger(
        idle_is_on=np.array([idle_is_on]),
        energy_j=np.zeros(1),
        host_note=host_note,
        host_sum=np.zeros((hosts, 3)),
        vm_note=vm_note,
        vm_sum=np.zeros((vms, 2)),
    )


@compiled
def note_host(note: Floats, sums: Floats, now: float, short: bool, on: bool) -> None:
    """A host at an instant: whether it gives less than is wanted, and whether it is on."""
    before = note[TIME]
    if before != NEVER and now > before:
        if note[ON]:
            sums[ACTIVE_S] += now - before
            if note[SHORT]:
                sums[SHORT_S] += now - before
        elif note[WAS_ON]:
            sums[SHUTDOWNS] += 1
        note[WAS_ON] = note[ON]
    note[TIME] = now
    note[ON] = on
    note[SHORT] = short


@compiled
def note_vm(
    note: Floats, sums: Floats, now: float, given: float, wanted: float, moving: bool
) -> None:
    """A VM on its home at an instant, MIPS given and wanted."""
    before = note[TIME]
    if before != NEVER and now > before:
        sums[WANTED_MIPS_S] += note[WANTED] * (now - before)
        if note[MOVING] and note[GIVEN] < note[WANTED]:
            sums[LOST_MIPS_S] += (note[WANTED] - note[GIVEN]) * (now - before)
    note[TIME] = now
    note[GIVEN] = given
    note[WANTED] = wanted
    note[MOVING] = moving


def measure(ledger: Ledger) -> Measures:
    """The figures once the day is over.

    SLATAH = time with less given than wanted / active time, over hosts; PDM = MIPS-seconds lost
    by migrating VMs / MIPS-seconds wanted. A shutdown is a change from on to off. The time after
    the last note is not counted.
    """
    note = ledger.host_note
    off_last = (note[:, TIME] != NEVER) & (note[:, ON] == 0) & (note[:, WAS_ON] == 1)
    active_s, short_s, shutdowns = (float(total) for total in ledger.host_sum.sum(axis=0))
    wanted, lost = (float(total) for total in ledger.vm_sum.sum(axis=0))
    return Measures(
        energy_kwh=float(ledger.energy_j[0]) / J_PER_KWH,
        slatah=short_s / active_s if active_s else 0.0,
        pdm=lost / wanted if wanted else 0.0,
        host_shutdowns=int(shutdowns) + int(off_last.sum()),
    )
