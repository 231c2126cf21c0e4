"""Ledgers come and go as spreadsheets: all rows or none, faults by row and column, round trips."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from openpyxl import load_workbook

from catalog.errors import CloudmgrError
from cloudmgr.domain.applications import Application, DeploymentStatus
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.files import UploadFile
from cloudmgr.services.ledgers import (
    MAX_ROWS,
    ImportApplications,
    ImportMachineRooms,
    ImportNetworks,
    ImportOrganisations,
)
from cloudmgr.services.ledgers_sheets import SHEETS, exported, ledger_template
from cloudmgr.sheets.reading import read_rows
from cloudmgr.sheets.writing import Sheet, write_book
from tests.support.requests import running
from tests.support.worlds import Town, a_town

Row = Mapping[str, Any]
COMMANDS = {
    "organisation": ImportOrganisations,
    "application": ImportApplications,
    "machine_room": ImportMachineRooms,
    "network": ImportNetworks,
}
UNIT, CREDIT = "900001", "91350100M000100Y43"


@pytest.fixture
def town() -> Town:
    return a_town()


def sent(town: Town, data: bytes, by: str = "centre.a", name: str = "ledger.xlsx") -> str:
    file_id: str = town.give(UploadFile(name=name, data=data), by).id
    return file_id


def book(ledger: str, rows: Iterable[Row]) -> bytes:
    return write_book([Sheet("台账", SHEETS[ledger].columns, rows)])


def brought(town: Town, ledger: str, *rows: Row, by: str = "centre.a", **how: Any) -> Any:
    file_id = sent(town, book(ledger, rows), by)
    return town.give(COMMANDS[ledger](file_id=file_id, **how), by)


def faults(town: Town, ledger: str, *rows: Row, by: str = "centre.a") -> list[tuple[int, str]]:
    with pytest.raises(CloudmgrError) as refused:
        brought(town, ledger, *rows, by=by)
    assert refused.value.code == "bad_rows"
    found: Any = refused.value.details["faults"]
    return [(each["row"], each["column"]) for each in found]


def a_system(**how: Any) -> dict[str, Any]:
    return {
        "code": "B-1",
        "name_zh": "系统",
        "department": "health",
        "mlps_level": 2,
        "zone": "政务外网区",
        "dr_level": 2,
        "dr_mode": "本地备份",
        "xinchuang": True,
        "important": False,
        **how,
    }


def a_room(**how: Any) -> dict[str, Any]:
    return {"code": "R-1", "name_zh": "机房", "department": "health", **how}


def an_organisation(**how: Any) -> dict[str, Any]:
    return {
        "kind": "用云单位",
        "name_zh": "新局",
        "name_en": "New",
        "region": "city",
        "budget_unit_code": UNIT,
        **how,
    }


def by_code(town: Town, kind: type[Any], code: str) -> Any:
    (found,) = town.all(kind, code=code)
    return found


def test_systems_are_entered_and_later_updated_by_their_code(town: Town) -> None:
    made = brought(town, "application", a_system(state="已上云"), a_system(code="B-2"))
    assert (made.created, made.changed, made.unchanged) == (2, 0, 0)
    first = by_code(town, Application, "B-1")
    assert (first.state, first.xinchuang, first.classified) == (
        DeploymentStatus.ON_CLOUD,
        True,
        False,
    )
    again = brought(
        town, "application", a_system(state="未上云", wave="第一批"), a_system(code="B-2")
    )
    assert (again.created, again.changed, again.unchanged) == (0, 1, 1)
    changed = by_code(town, Application, "B-1")
    assert (changed.id, changed.state, changed.wave) == (
        first.id,
        DeploymentStatus.OFF_CLOUD,
        "第一批",
    )


def test_a_check_tells_and_changes_nothing(town: Town) -> None:
    before = {kind: dict(records) for kind, records in town.snapshot().items()}
    told = brought(town, "application", a_system(), check_only=True)
    assert (told.created, told.checked_only) == (1, True)
    assert town.snapshot()[Application] == before[Application]


def test_one_fault_holds_back_every_row(town: Town) -> None:
    found = faults(
        town,
        "application",
        a_system(),
        a_system(code="B-2", mlps_level=9),
        a_system(code="B-3", department="nobody"),
        a_system(code="B-1"),
        a_system(code="B-4", zone="月球"),
    )
    assert found == [(3, "等保级别"), (4, "用云单位"), (5, "编码"), (6, "网络域")]
    assert not town.all(Application, code="B-1")


def test_a_department_keeps_its_own_ledger_only(town: Town) -> None:
    assert brought(town, "application", a_system(), by="health.user").created == 1
    foreign = a_system(code="B-9", department="transport")
    assert faults(town, "application", foreign, by="health.user") == [(2, "用云单位")]
    taken = a_system(code="A-transport")
    assert faults(town, "application", taken, by="health.user") == [(2, "编码")]
    there = a_system(code="B-8", state="已上云")
    assert faults(town, "application", there, by="health.user") == [(2, "部署状态")]
    with pytest.raises(CloudmgrError, match="needs one of the roles"):
        brought(town, "application", a_system(), by="treasury.a")


def test_what_runs_does_not_leave_the_cloud_by_a_row(town: Town) -> None:
    running(town)
    row = a_system(code="A-health", state="未上云")
    assert faults(town, "application", row) == [(2, "")]


def test_a_foreign_file_is_not_there(town: Town) -> None:
    file_id = sent(town, book("application", [a_system()]), "transport.user")
    assert town.code(ImportApplications(file_id=file_id), "health.user") == "not_found"


def test_rooms_are_read_with_their_money_and_their_pue(town: Town) -> None:
    row = a_room(racks=6, pue="1.98", baseline_cost="420000.50", disposition="关停")
    brought(town, "machine_room", row)
    room = by_code(town, MachineRoom, "R-1")
    assert (room.pue_hundredths, str(room.baseline_cost)) == (198, "420000.50")
    assert room.disposition is Disposition.CLOSE
    for wrong, column in (
        ({"pue": "1.985"}, "PUE"),
        ({"racks": 1, "racks_used": 2}, "在用机柜数"),
        ({"baseline_cost": "1.005"}, ""),
    ):
        assert faults(town, "machine_room", a_room(**wrong)) == [(2, column)]


def test_organisations_are_known_by_either_code(town: Town) -> None:
    made = brought(town, "organisation", an_organisation(), by="bureau.a")
    assert made.created == 1
    both = an_organisation(social_credit_code=CREDIT)
    assert brought(town, "organisation", both, by="bureau.a").changed == 1
    (found,) = town.all(Organisation, budget_unit_code=UNIT)
    assert found.social_credit_code == CREDIT
    assert brought(town, "organisation", both, by="bureau.a").unchanged == 1


@pytest.mark.parametrize(
    ("how", "column"),
    [
        ({"name_zh": "他局"}, "名称"),
        ({"region": "county"}, "行政区划"),
        ({"region": "nowhere"}, "行政区划"),
        ({"budget_unit_code": "", "social_credit_code": ""}, "预算单位编码"),
        ({"budget_unit_code": "", "social_credit_code": CREDIT[:-1] + "4"}, "统一社会信用代码"),
    ],
)
def test_what_papers_show_is_not_changed_by_a_row(
    town: Town, how: dict[str, Any], column: str
) -> None:
    brought(town, "organisation", an_organisation(), by="bureau.a")
    assert faults(town, "organisation", an_organisation(**how), by="bureau.a") == [(2, column)]


def test_a_code_stands_in_one_row(town: Town) -> None:
    rows = (an_organisation(), an_organisation(name_zh="他局"))
    assert faults(town, "organisation", *rows, by="bureau.a") == [(3, "预算单位编码")]


@pytest.mark.parametrize("ledger", ["application", "machine_room", "network"])
def test_what_is_exported_is_imported_unchanged(town: Town, ledger: str) -> None:
    rows = {
        "application": (a_system(deadline="2026-12-31", off_cloud_reason="=1+1"),),
        "machine_room": (a_room(pue="1.90", baseline_cost="10.00", dispose_by="2026-12-31"),),
        "network": ({"code": "N", "name_zh": "网", "department": "health", "bandwidth_mbps": 5},),
    }[ledger]
    brought(town, ledger, *rows)
    with town.reading() as world:
        data = exported(world, town.actor("centre.a"), ledger)
    file_id = sent(town, data)
    again = town.give(COMMANDS[ledger](file_id=file_id), "centre.a")
    assert (again.created, again.changed) == (0, 0)
    assert again.unchanged == len(town.all(SHEETS[ledger].kind))


def test_an_export_holds_only_what_its_reader_sees(town: Town) -> None:
    with town.reading() as world:
        data = exported(world, town.actor("health.user"), "application")
    found = read_rows(data, SHEETS["application"].columns)
    assert [row.values["code"] for row in found.rows] == ["A-health"]


@pytest.mark.parametrize("ledger", sorted(SHEETS))
def test_a_templates_example_is_read_without_a_fault(ledger: str) -> None:
    found = read_rows(ledger_template(ledger), SHEETS[ledger].columns)
    assert not found.faults
    assert len(found.rows) == 1
    titles = [sheet.title for sheet in load_workbook(io.BytesIO(ledger_template(ledger)))]
    assert len(titles) == 2


def test_a_csv_file_does_as_well(town: Town) -> None:
    text = "编码,名称,用云单位\nN-1,专网,health\n"
    file_id = sent(town, text.encode(), name="networks.csv")
    assert town.give(ImportNetworks(file_id=file_id), "centre.a").created == 1
    assert by_code(town, PrivateNetwork, "N-1").name_zh == "专网"


def test_five_thousand_rows_take_seconds_and_more_are_refused(town: Town) -> None:
    rows = [a_system(code=f"C-{number:05d}") for number in range(MAX_ROWS)]
    begun = time.process_time()
    assert brought(town, "application", *rows).created == MAX_ROWS
    assert time.process_time() - begun < 30
    more = sent(town, book("application", [*rows, a_system(code="one more")]))
    assert town.code(ImportApplications(file_id=more), "centre.a") == "bad_file"
