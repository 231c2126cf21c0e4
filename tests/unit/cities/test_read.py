"""A broken file is refused with the file, the line or item, and the field."""

from __future__ import annotations

import re

import pytest

from catalog.errors import Invalid
from cloudmgr.cities.read import find_city, read_city
from tests.unit.cities.conftest import Break

ROWS = [
    ("applications.csv", ",d01,3,no,internet,5,", ",d99,3,no,internet,5,",
     "applications.csv line 2 (A01), field department: there is no department 'd99'"),
    ("applications.csv", ",d01,3,no,internet,5,", ",d01,3,no,internet,7,",
     "applications.csv line 2 (A01), field dr_level: levels are 1 to 6"),
    ("applications.csv", "A02,", "A01,", "applications.csv line 3 (A01), field id: A01 is defined"),
    ("organisations.csv", "d02,department,", "d02,ministry,",
     "organisations.csv line 3 (d02), field kind: 'ministry' is not one of"),
    ("workloads.csv", "A03,office_hours,", "A03,office_ours,",
     "workloads.csv line 4 (A03), field archetype: 'office_ours' is not one of"),
    ("workloads.csv", "A03,office_hours,medium,kunpeng-a,2026-12-31\n", "",
     "workloads.csv: application A03 has no row"),
    ("workloads.csv", "kunpeng-a,2027-12-31", "kunpeng-a,2027-13-31",
     "workloads.csv line 2 (A01), field term_end: it is not a day"),
    ("inventories.csv", "kunpeng-a,VCPU,1536,", "kunpeng-a,VCPU,many,",
     "inventories.csv line 2 (kunpeng-a), field total: 'many' is not a whole number"),
    ("inventories.csv", "kunpeng-a,VCPU,1536,224,", "kunpeng-a,VCPU,1536,9999,",
     "inventories.csv line 2 (kunpeng-a), field reserved: more is reserved"),
    ("budgets.csv", "finance,,2026,21300000.00", "finance,,2026,21300000.005",
     "budgets.csv line 2 (finance), field approved:"),
    ("budgets.csv", "payer,department", "payer,unit", "budgets.csv line 1: the columns must be"),
    ("pools.toml", 'stack = "hygon"', 'stack = "sparc"',
     "pools.toml (pool 2: hygon-a), field stack: there is no stack 'sparc'"),
    ("pools.toml", 'mlps = 3', 'mpls = 3',
     "pools.toml (pool 1: kunpeng-a), field mpls: is unknown"),
    ("contracts.toml", 'percent = "93.5"', 'percent = "100.5"',
     "contracts.toml (contract 1: HT-2025-01), field percent: a quote is above 0 % and never"),
    ("contracts.toml", 'percent = "93.5"', 'percent = 93.5',
     "contracts.toml (contract 1: HT-2025-01), field percent: 93.5 must be written as a string"),
    ("contracts.toml", 'total = "36000000.00"', 'total = "3600000.00"',
     "contracts.toml (contract 1: HT-2025-01), field settled: nothing of the total is left"),
    ("opening.toml", 'zones = ["internet"]', 'zones = ["ether"]',
     "opening.toml (rule 1: web), field zones: 'ether' is not a valid Zone"),
    ("policy.toml", "trial_days = 30", "trial_days = -1",
     "policy.toml, clocks, field trial_days: -1 is not a whole number"),
    ("policy.toml", "trial_days = 30", "trail_days = 30", "field trail_days: is unknown"),
    ("quotas.toml", "VCPU = 32\n", "VCPU = 3.2\n", "quotas.toml, departments, floor, field VCPU"),
    ("city.toml", "cut_over = 2026-01-01", "cut_over = 2026-99-01", "city.toml: cannot be read"),
]  # fmt: skip


def test_the_shipped_city_is_read_without_fault() -> None:
    assert find_city("reference").id == "reference"


@pytest.mark.parametrize(("file", "old", "new", "said"), ROWS)
def test_a_broken_row_is_refused_with_its_place(
    broken: Break, file: str, old: str, new: str, said: str
) -> None:
    with pytest.raises(Invalid, match=re.escape(said)) as refused:
        read_city(broken(file, old, new))
    assert refused.value.code == "bad_city"
    assert file in refused.value.details["where"]
