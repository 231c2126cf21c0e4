"""What one host gives and draws, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.consolidation.fleet import Fleet, append, new_fleet, set_demand
from simulator.consolidation.hosts import power_w, refresh
from simulator.consolidation.metrics import GIVEN, Ledger, new_ledger

G4_CAPACITY = 3720.0


def fleet_of(percent: list[int], *, host: int = 0) -> tuple[Fleet, Ledger]:
    """VMs of 2500, 2000, 1000 and 500 MIPS by quarter, all at rest on one host at second 0."""
    shares = np.repeat(np.array(percent, dtype=np.int64)[:, None], 288, axis=1)
    fleet = new_fleet(shares, hosts=2)
    for vm in range(len(percent)):
        append(fleet, host, vm)
        fleet.home[vm] = host
    set_demand(fleet, 0.0)
    return fleet, new_ledger(2, len(percent), idle_is_on=False)


@pytest.mark.parametrize(
    ("kind", "part", "watts"),
    [
        (0, 0.0, 86.0),
        (0, 1.0, 117.0),
        (0, 0.05, 87.7),
        (0, 0.95, 115.5),
        (1, 0.5, 116.0),
        (1, 0.125, 98.0),
    ],
)
def test_power_lies_on_straight_lines_between_the_tenths(
    kind: int, part: float, watts: float
) -> None:
    fleet, _ = fleet_of([0])
    assert power_w(fleet.watts, kind, part) == pytest.approx(watts)


def test_demand_is_on_straight_lines_between_samples_and_stays_at_the_last() -> None:
    percent = np.zeros((1, 288), dtype=np.int64)
    percent[0, :3] = (10, 40, 20)
    percent[0, 287] = 80
    fleet = new_fleet(percent, hosts=1)
    for second, share in ((0, 0.1), (150, 0.25), (300, 0.4), (525, 0.25), (86250, 0.8)):
        set_demand(fleet, float(second))
        assert fleet.share[0] == pytest.approx(share)
        assert fleet.demand[0] == pytest.approx(2500 * share)


def test_everyone_gets_what_he_asks_for_while_it_lasts() -> None:
    fleet, ledger = fleet_of([40, 50, 0, 10])  # 1000, 1000, 0 and 50 MIPS
    refresh(fleet, ledger, 0, 300.1)
    assert fleet.given[0, :4].tolist() == [1000.0, 1000.0, 0.0, 50.0]
    assert fleet.used[0] == 2050.0
    assert fleet.free[0] == G4_CAPACITY - 2050.0


def test_a_request_is_capped_at_one_core() -> None:
    fleet, ledger = fleet_of([100])  # 2500 MIPS on cores of 1860
    refresh(fleet, ledger, 0, 300.1)
    assert fleet.given[0, 0] == 1860.0


def test_in_shortage_all_shrink_by_one_factor_to_whole_mips() -> None:
    fleet, ledger = fleet_of([60, 90, 80, 80])  # 1500, 1800, 800, 400: 4500 on 3720
    refresh(fleet, ledger, 0, 300.1)
    factor = G4_CAPACITY / 4500
    assert fleet.given[0, :4].tolist() == [
        float(int(mips * factor)) for mips in (1500, 1800, 800, 400)
    ]
    assert fleet.free[0] == 0.0


def test_a_leaving_vm_loses_a_tenth_and_an_arriving_one_gets_a_tenth() -> None:
    fleet, ledger = fleet_of([40, 50, 0, 10])
    fleet.moving[0] = fleet.moving[1] = True
    fleet.home[1] = 1  # VM 1 is at home on the other host and on its way to this one
    refresh(fleet, ledger, 0, 300.1)
    assert fleet.given[0, :4].tolist() == pytest.approx([900.0, 100.0, 0.0, 50.0])
    assert fleet.used[0] == pytest.approx(1000 + 100 + 50), "the leaving VM's loss is not unused"
    assert fleet.free[0] == pytest.approx(G4_CAPACITY - 1000 - 100 - 50)
    assert ledger.vm_note[0, GIVEN] == pytest.approx(900.0)
    assert ledger.vm_note[1, GIVEN] == 0.0, "its home notes an arriving VM, not its target"


def test_migrating_vms_shrink_too() -> None:
    fleet, ledger = fleet_of([60, 90, 80, 80])
    fleet.moving[0] = fleet.moving[1] = True
    fleet.home[1] = 1
    fleet.demand[3] = 1800.0
    refresh(fleet, ledger, 0, 300.1)
    factor = G4_CAPACITY / (1500 + 180 + 800 + 1800)
    assert fleet.given[0, :4].tolist() == [
        float(int(mips * factor)) for mips in (1350, 180, 800, 1800)
    ]
