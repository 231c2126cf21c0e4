"""One day of the experiment: the clock, the ticks, the migrations. Owns the order of events.

Ticks at 300.1, 600.1 ... 86100.1 s; a migration ends its memory / 62.5 MB/s after its tick. At
every tick and every end of a migration all hosts are refreshed. Source: PowerDatacenter and
PowerDatacenterNonPowerAware of CloudSim 4.0.

The modes differ in this. `cloudsim` deletes a VM for good once its demand is exactly 0, lets
memory bind at the first placement only, counts no energy before the first tick and none after
the last event, and wakes hosts for free and at once. In `physical` idle VMs stay and keep their
host on, memory binds at every placement, the whole day counts, a VM moves at most once in a
tick, and waking a host takes WAKE_S at full power before a migration to it can begin
(示例参数 sample).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.errors import Invalid
from simulator.consolidation.fleet import (
    HOSTS,
    MB_PER_S,
    NOWHERE,
    Fleet,
    Floats,
    Ints,
    append,
    new_fleet,
    remember,
    remove,
    set_demand,
)
from simulator.consolidation.hosts import power_w, refresh, utilisation
from simulator.consolidation.metrics import ON, WAS_ON, Ledger, Measures, measure, new_ledger
from simulator.consolidation.migration import Moves, decide
from simulator.consolidation.overload import DVFS, NPA, PARAMETERS, POLICIES, Tally, new_tally
from simulator.consolidation.placement import Rules, place_first
from simulator.consolidation.selection import SELECTIONS, seeded
from simulator.kernels import compiled
from simulator.traces.base import DAY_SAMPLES, SAMPLE_S

MODES = ("cloudsim", "physical")
WAKE_S = 120.0
FIRST_S = 0.1
DAY_S = DAY_SAMPLES * float(SAMPLE_S)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The experiment's row; migrations are counted when they begin."""

    vms: int
    migrations: int
    measures: Measures


def run_day(
    percent: Ints,
    *,
    policy: str,
    parameter: float | None = None,
    selection: str = "mmt",
    mode: str = "cloudsim",
    seed: int = 1,
    hosts: int = HOSTS,
) -> Outcome:
    """Play one day of (VMs, 288) whole percentages.

    `seed` serves the random selection. Raises `bad_experiment` for a policy, parameter,
    selection or mode that does not exist, and for more VMs than the hosts can take.
    """
    rules = _rules(policy, parameter, selection, mode)
    fleet = new_fleet(percent, hosts=hosts)
    ledger = new_ledger(len(fleet.capacity), len(percent), idle_is_on=rules.physical)
    left_over = place_first(fleet, rules)
    if left_over != NOWHERE:
        raise Invalid(
            "bad_experiment",
            f"VM {left_over + 1} of {len(percent)} finds no host; take a day with fewer VMs",
        )
    most = len(percent) * 2
    moves = Moves(
        vm=np.empty(most, dtype=np.int64),
        target=np.empty(most, dtype=np.int64),
        number=np.zeros(1, dtype=np.int64),
    )
    chance = seeded(seed)
    migrations = _play(fleet, ledger, new_tally(len(fleet.capacity)), rules, chance, moves)
    return Outcome(vms=len(percent), migrations=int(migrations), measures=measure(ledger))


def prepare() -> None:
    """Compile the kernels, or fetch them from the cache, by playing a day of four VMs."""
    run_day(np.full((4, DAY_SAMPLES), 50, dtype=np.int64), policy="thr", hosts=2)


def _rules(policy: str, parameter: float | None, selection: str, mode: str) -> Rules:
    for what, value, known in (
        ("policy", policy, POLICIES),
        ("selection", selection, SELECTIONS),
        ("mode", mode, MODES),
    ):
        if value not in known:
            raise Invalid(
                "bad_experiment", f"{value!r} is not a {what}; use one of {', '.join(known)}"
            )
    number = POLICIES.index(policy)
    if number not in PARAMETERS and parameter is not None:
        raise Invalid("bad_experiment", f"{policy} has no parameter; leave it out")
    if parameter is not None and not 0 < parameter < 1000:
        raise Invalid("bad_experiment", f"the parameter {parameter} must be above 0")
    chosen = PARAMETERS.get(number, 0.0) if parameter is None else parameter
    return Rules(
        policy=number,
        parameter=chosen,
        selection=SELECTIONS.index(selection),
        physical=mode == "physical",
    )


@compiled
def _play(
    fleet: Fleet,
    ledger: Ledger,
    tally: Tally,
    rules: Rules,
    chance: Ints,
    moves: Moves,
) -> int:
    migrations = 0
    now = FIRST_S
    if rules.physical:
        set_demand(fleet, 0.0)
        _refresh_all(fleet, ledger, rules, 0.0, 0.0)
    last = 0.0
    for tick in range(1, DAY_SAMPLES):
        now += SAMPLE_S
        set_demand(fleet, now)
        remember(fleet)
        _refresh_all(fleet, ledger, rules, now, last)
        last = now
        if rules.policy > DVFS:
            decide(fleet, tally, rules, tick, chance, moves)
            migrations += moves.number[0]
            last = _migrate(fleet, ledger, rules, moves, now)
    if rules.physical:
        set_demand(fleet, DAY_S)
        _refresh_all(fleet, ledger, rules, DAY_S, last)
    return migrations


@compiled
def _migrate(fleet: Fleet, ledger: Ledger, rules: Rules, moves: Moves, now: float) -> float:
    """Make the moves decided at a tick; the instant of the last event is returned."""
    number = moves.number[0]
    begins, ends = np.empty(number), np.empty(number)
    begins[:] = now
    if rules.physical:
        wake(fleet, ledger, moves, begins)
    for i in range(number):
        ends[i] = begins[i] + fleet.ram_mb[moves.vm[i]] / MB_PER_S
        if begins[i] == now:
            _begin(fleet, ledger, moves.vm[i], moves.target[i], now)
    last = instant = now
    while True:
        instant = _next(begins, ends, instant)
        if instant == np.inf:
            return last
        set_demand(fleet, instant)
        _refresh_all(fleet, ledger, rules, instant, last)
        for i in range(number):
            if ends[i] == instant:
                _end(fleet, moves.vm[i], moves.target[i])
        for i in range(number):
            if begins[i] == instant:
                _begin(fleet, ledger, moves.vm[i], moves.target[i], instant)
        _refresh_all(fleet, ledger, rules, instant, instant)
        last = instant


@compiled
def _next(begins: Floats, ends: Floats, after: float) -> float:
    """The first instant after one at which a migration begins or ends, infinity if none."""
    soonest = np.inf
    for i in range(len(begins)):
        if after < begins[i] < soonest:
            soonest = begins[i]
        if after < ends[i] < soonest:
            soonest = ends[i]
    return soonest


@compiled
def wake(fleet: Fleet, ledger: Ledger, moves: Moves, begins: Floats) -> None:
    """Put off moves to sleeping hosts until they are awake, and charge the waking once each."""
    woken = np.zeros(len(fleet.capacity), dtype=np.bool_)
    for i in range(len(begins)):
        target = moves.target[i]
        if fleet.length[target] == 0:
            begins[i] += WAKE_S
            if not woken[target]:
                woken[target] = True
                ledger.energy_j[0] += WAKE_S * power_w(fleet.watts, fleet.kind[target], 1.0)


@compiled
def _begin(fleet: Fleet, ledger: Ledger, vm: int, target: int, now: float) -> None:
    fleet.moving[vm] = True
    append(fleet, target, vm)
    refresh(fleet, ledger, target, now)
    refresh(fleet, ledger, fleet.home[vm], now)


@compiled
def _end(fleet: Fleet, vm: int, target: int) -> None:
    remove(fleet, fleet.home[vm], vm)
    remove(fleet, target, vm)
    fleet.moving[vm] = False
    fleet.home[vm] = target
    append(fleet, target, vm)


@compiled
def _refresh_all(fleet: Fleet, ledger: Ledger, rules: Rules, now: float, last: float) -> None:
    """Refresh every host, add the energy since `last`, then delete VMs that want nothing."""
    elapsed = now - last
    energy_j = 0.0
    for host in range(len(fleet.capacity)):
        if rules.policy != NPA and _dormant(fleet, ledger, host):
            continue
        was_on = rules.policy == NPA or ledger.host_note[host, ON] == 1.0
        refresh(fleet, ledger, host, now)
        if was_on and elapsed > 0.0:
            energy_j += _energy_j(fleet, host, rules.policy, elapsed)
    ledger.energy_j[0] += energy_j
    if not rules.physical:
        for host in range(len(fleet.capacity)):
            if fleet.length[host] > 0:
                _delete_idle(fleet, host)


@compiled
def _dormant(fleet: Fleet, ledger: Ledger, host: int) -> bool:
    """Whether it is empty and off, and was so for two notes: another would say nothing new."""
    note = ledger.host_note[host]
    off = note[ON] == 0.0 and note[WAS_ON] == 0.0
    return bool(off and fleet.length[host] == 0 and fleet.used_before[host] == 0.0)


@compiled
def _energy_j(fleet: Fleet, host: int, policy: int, elapsed: float) -> float:
    """Full power without awareness, otherwise the mean of the power before and after."""
    kind = fleet.kind[host]
    if policy == NPA:
        return power_w(fleet.watts, kind, 1.0) * elapsed
    start_w = power_w(fleet.watts, kind, utilisation(fleet, host, fleet.used_before[host]))
    end_w = power_w(fleet.watts, kind, utilisation(fleet, host, fleet.used[host]))
    return (start_w + (end_w - start_w) / 2) * elapsed


@compiled
def _delete_idle(fleet: Fleet, host: int) -> None:
    """The experiment's own quirk: a VM at rest that wants exactly nothing is gone for good."""
    listed, given = fleet.listed[host], fleet.given[host]
    demand, moving = fleet.demand, fleet.moving
    kept = 0
    for i in range(fleet.length[host]):
        vm = listed[i]
        if demand[vm] == 0.0 and not moving[vm]:
            fleet.home[vm] = NOWHERE
        else:
            listed[kept] = vm
            given[kept] = given[i]
            kept += 1
    fleet.length[host] = kept
