"""Whole days small enough to reckon by hand, and what the modes and refusals do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from catalog.errors import Invalid
from simulator.consolidation.cli import app
from simulator.consolidation.fleet import Ints, append, new_fleet
from simulator.consolidation.metrics import new_ledger
from simulator.consolidation.migration import Moves
from simulator.consolidation.run import Outcome, run_day, wake
from tests.simulator.traces.builders import planetlab_day

TICKED_S = 85_800.0  # between the first tick at 300.1 and the last at 86100.1


def day(*percent: int) -> Ints:
    """VMs that ask for the same all day."""
    return np.repeat(np.array(percent, dtype=np.int64)[:, None], 288, axis=1)


def test_one_vm_draws_its_hosts_power_between_the_first_tick_and_the_last() -> None:
    """A single VM is of 2500 MIPS and fits a G5 core only: half of it is 1250 / 5320 of a G5."""
    part = 1250 / 5320
    watts = 101 + (105 - 101) * (part - 0.2) * 10
    outcome = run_day(day(50), policy="dvfs", hosts=2)
    assert outcome.measures.energy_kwh == pytest.approx(watts * TICKED_S / 3.6e6)
    assert outcome.measures.host_shutdowns == 1, "the G4 is never used"


def test_without_power_awareness_every_host_draws_all_it_can_all_the_time() -> None:
    outcome = run_day(day(50), policy="npa", hosts=4)
    assert outcome.measures.energy_kwh == pytest.approx(2 * (117 + 135) * 86_100.1 / 3.6e6)


def test_physically_the_whole_day_counts_and_an_idle_vm_keeps_its_host_on() -> None:
    idle = run_day(day(0), policy="dvfs", mode="physical", hosts=2)
    assert idle.measures.energy_kwh == pytest.approx(93.7 * 86_400 / 3.6e6)
    assert run_day(day(0), policy="dvfs", hosts=2).measures.energy_kwh == 0.0


def spread() -> Ints:
    """Four VMs of 2500, 2000, 1000 and 500 MIPS: on full MIPS they need two hosts, on their
    demand of a tenth one would do."""
    return day(10, 10, 10, 10)


def test_what_fits_on_one_host_is_moved_to_one_and_the_other_is_switched_off() -> None:
    dvfs = run_day(spread(), policy="dvfs", hosts=2)
    thr = run_day(spread(), policy="thr", hosts=2)
    assert dvfs.migrations == 0
    assert 1 <= thr.migrations <= 3
    assert thr.measures.energy_kwh < 0.6 * dvfs.measures.energy_kwh
    assert thr.measures.host_shutdowns == 1
    assert thr.measures.pdm > 0


def test_physically_memory_forbids_that_move() -> None:
    """870 + 1740 + 1740 + 613 MB are more than one host's 4096."""
    thr = run_day(spread(), policy="thr", mode="physical", hosts=2)
    assert thr.measures.host_shutdowns == 0


def test_waking_a_host_takes_two_minutes_at_full_power_once_for_all_who_come() -> None:
    fleet, ledger = new_fleet(day(50, 50, 50), hosts=3), new_ledger(3, 3, idle_is_on=True)
    append(fleet, 2, 0)
    vms, targets = np.arange(3), np.array([1, 1, 2])
    begins = np.full(3, 300.1)
    wake(fleet, ledger, Moves(vm=vms, target=targets, number=np.array([3])), begins)
    assert begins.tolist() == pytest.approx([420.1, 420.1, 300.1])
    assert ledger.energy_j[0] == 120 * 135.0, "host 1 is a G5; host 2 is on already"


@settings(max_examples=15)
@given(
    percent=st.lists(st.integers(0, 100), min_size=1, max_size=24),
    policy=st.sampled_from(["npa", "dvfs", "thr", "iqr", "mad", "lr"]),
    selection=st.sampled_from(["mmt", "random", "maxcorr"]),
    mode=st.sampled_from(["cloudsim", "physical"]),
    seed=st.integers(0, 2**32),
)
def test_any_day_keeps_within_what_hosts_can_draw_and_repeats(
    percent: list[int], policy: str, selection: str, mode: str, seed: int
) -> None:
    wave = np.abs(np.arange(288) % 60 - 30)
    shares = (np.array(percent, dtype=np.int64)[:, None] * (wave + 10)) // 40

    def play() -> Outcome:
        return run_day(shares, policy=policy, selection=selection, mode=mode, seed=seed, hosts=24)

    outcome = play()
    measures = outcome.measures
    full_kwh = 12 * (117 + 135) * 86_400 / 3.6e6
    waking_kwh = outcome.migrations * 120 * 135 / 3.6e6
    assert 0 <= measures.energy_kwh <= full_kwh + waking_kwh + 1e-9
    assert 0 <= measures.slatah <= 1
    assert 0 <= measures.pdm <= 0.1 + 1e-9 or measures.slatah > 0
    assert play() == outcome


def test_compiled_and_plain_python_give_the_same(tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from simulator.consolidation.run import run_day\n"
        "percent = np.random.default_rng(1).integers(0, 100, (12, 288))\n"
        "for policy in ('thr', 'iqr', 'mad', 'lr'):\n"
        "    for selection in ('mmt', 'random', 'maxcorr'):\n"
        "        print(run_day(percent, policy=policy, selection=selection, hosts=10))\n"
    )

    def said(**environment: str) -> str:
        command = (sys.executable, "-c", code)
        where = {**os.environ, **environment}
        return subprocess.run(command, env=where, capture_output=True, text=True, check=True).stdout

    assert said(NUMBA_DISABLE_JIT="1") == said()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"policy": "best"}, "npa, dvfs, thr"),
        ({"policy": "thr", "selection": "any"}, "maxcorr"),
        ({"policy": "thr", "mode": "real"}, "physical"),
        ({"policy": "dvfs", "parameter": 0.5}, "no parameter"),
        ({"policy": "thr", "parameter": 0.0}, "above 0"),
        ({"policy": "thr", "parameter": float("nan")}, "above 0"),
    ],
)
def test_what_the_experiment_does_not_know_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        run_day(day(50), **asked)  # type: ignore[arg-type]
    assert refused.value.code == "bad_experiment"


def test_more_vms_than_the_hosts_hold_are_refused() -> None:
    with pytest.raises(Invalid, match="VM 3 of 9 finds no host"):
        run_day(day(*[50] * 9), policy="thr", hosts=2)  # two of 2500 MIPS fill the G5's cores


def test_the_command_prints_the_agreed_keys(tmp_path: Path) -> None:
    folder = planetlab_day(tmp_path / "20300105")
    asked = ["planetlab", "--traces", str(folder), "--policy", "thr", "--json"]
    said = json.loads(CliRunner().invoke(app, asked).stdout)
    keys = "energy_kwh migrations slatah_pct pdm_pct slav_pct host_shutdowns vms wall_s"
    assert set(keys.split()) <= set(said)
    assert said["vms"] == 2


def test_a_refusal_is_a_code_and_a_sentence(tmp_path: Path) -> None:
    asked = ["planetlab", "--traces", str(tmp_path / "none"), "--policy", "thr", "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "trace_not_found"
