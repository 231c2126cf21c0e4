"""Workbooks of providers: what a pool at reporting level has and used, and delivery lists."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from cloudmgr.domain.capacity import Inventory, InventoryRecord
from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_life import PoolReport
from cloudmgr.domain.requests import RequestState
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.workorders import WorkOrderState
from cloudmgr.services.files import UploadFile
from cloudmgr.services.pools_reports import SubmitPoolReport, report_template
from cloudmgr.services.workorders import DeliverByList, delivery_template
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    accepted,
    allocation_of,
    approved,
    dispatched,
    look,
    orders,
    running,
)
from tests.support.supply import MEMORY, VCPU
from tests.support.worlds import Town, a_town

STOCK = ("资源类", "物理总量", "预留", "超分比(%)")
USED = ("分配编号", "计量项", "采样时间", "数值")


@pytest.fixture
def town() -> Town:
    return a_town()


def a_book(**sheets: Iterable[tuple[Any, ...]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(town: Town, data: bytes, by: str = "prv.engineer") -> str:
    return str(town.give(UploadFile(name="book.xlsx", data=data), by).id)


def a_report(town: Town, **sheets: Iterable[tuple[Any, ...]]) -> SubmitPoolReport:
    file_id = upload(town, a_book(**sheets))
    return SubmitPoolReport(pool_id="x86", batch_id="2026-01", file_id=file_id)


def faults(town: Town, command: Any, by: str = "prv.engineer") -> list[tuple[int, str]]:
    refusal = town.refusal(command, by)
    assert refusal.code == "bad_rows", refusal.message
    return [(each["row"], each["column"]) for each in refusal.details["faults"]]


def test_inventory_is_stated_by_workbook_and_what_is_left_empty_stays(town: Town) -> None:
    town.change(town.look(Inventory, "x86/MEMORY_MIB"), reserved=7, allocation_ratio_percent=110)
    rows = (STOCK, ("VCPU", 120, 5, 200), ("MEMORY_MIB", 500_000, None, None))
    report = town.give(a_report(town, 资源清单=rows), "prv.engineer")
    assert (report.inventory_rows, report.usage_batch_id) == (2, None)
    cpu, memory = town.look(Inventory, "x86/VCPU"), town.look(Inventory, "x86/MEMORY_MIB")
    assert (cpu.total, cpu.reserved, cpu.allocation_ratio_percent) == (120, 5, 200)
    assert (memory.total, memory.reserved, memory.allocation_ratio_percent) == (500_000, 7, 110)
    assert len(town.all(InventoryRecord, pool_id="x86", resource_class=VCPU)) == 2


def test_readings_go_through_the_same_batch_and_quarantine(town: Town) -> None:
    held = running(town, a_line(pool_id="x86"))
    town.wait("01-20 00:00")
    rows = (
        USED,
        (held.id, "处理器使用量", "2026-01-19 08:00", 1500),
        (held.id, "cpu_millicores", "2026-01-19 08:05", 1600),
        ("nobody", "cpu_millicores", "2026-01-19 08:00", 1),
    )
    command = a_report(town, 用量=rows)
    report = town.give(command, "prv.engineer")
    assert (report.sent, report.accepted, report.quarantined) == (3, 2, 1)
    batch = town.look(UsageBatch, "x86/2026-01")
    assert [(each.reason, each.rows) for each in batch.reasons] == [("unknown_resource", 1)]
    again = town.give(command, "prv.engineer")
    assert again.usage_batch_id == report.usage_batch_id
    assert len(town.all(UsageBatch)) == 1
    other = a_report(town, 用量=rows[:2])
    assert town.code(other, "prv.engineer") == "batch_changed"


def test_every_fault_is_told_with_its_row_and_nothing_is_taken(town: Town) -> None:
    stock = (STOCK, ("VCPU", -1, None, None), ("GPU", 4, None, None), ("GPU", 4, None, None))
    used = (USED, ("AL-1", "no meter", "2026-01-19 08:00", 1), ("AL-1", "CDN", "noon", "x"))
    before = town.all(Inventory)
    found = faults(town, a_report(town, 资源清单=stock, 用量=used))
    assert found == [
        (2, "计量项"),
        (3, "计量项"),
        (3, "数值"),
        (3, "采样时间"),
        (2, ""),
        (4, "资源类"),
    ]
    assert town.all(Inventory) == before
    assert town.all(PoolReport) == ()


def test_a_pool_with_an_interface_reports_by_it(town: Town) -> None:
    command = a_report(town, 资源清单=(STOCK, ("VCPU", 120, 5, 200)))
    town.change(town.look(ResourcePool, "x86"), management_level=ManagementLevel.MONITORING)
    assert town.code(command, "prv.engineer") == "bad_value"


def test_nobody_reports_for_another_nor_with_anothers_file(town: Town) -> None:
    command = a_report(town, 资源清单=(STOCK, ("VCPU", 120, 5, 200)))
    assert town.code(command, "rival.engineer") == "not_found"
    theirs = SubmitPoolReport(pool_id="kunpeng", batch_id="1", file_id=command.file_id)
    assert town.code(theirs, "rival.engineer") == "not_found"
    assert town.code(command, "centre.a") == "forbidden"


def test_a_workbook_of_something_else_is_refused(town: Town) -> None:
    assert town.code(a_report(town, 其他=(("a",),)), "prv.engineer") == "bad_value"


def test_the_template_comes_back_as_it_was_given(town: Town) -> None:
    running(town, a_line(pool_id="x86"))
    with town.reading() as world:
        data = report_template(world, town.actor("prv.engineer"), world.get(ResourcePool, "x86"))
    before = town.look(Inventory, "x86/VCPU").total
    command = SubmitPoolReport(pool_id="x86", batch_id="1", file_id=upload(town, data))
    report = town.give(command, "prv.engineer")
    assert (report.inventory_rows, report.sent) == (2, 0)
    assert town.look(Inventory, "x86/VCPU").total == before
    assert town.look(Inventory, "x86/MEMORY_MIB").resource_class is MEMORY


# --- delivery lists ---------------------------------------------------------------------------

LIST = ("申请行号", "计费项", "数量", "云平台资源编号", "备注")


def an_order(town: Town, *lines: Any) -> Any:
    request = dispatched(town, approved(town, *lines))
    (order,) = orders(town, request)
    return request, accepted(town, order)


def by_list(town: Town, order: Any, *rows: tuple[Any, ...]) -> DeliverByList:
    file_id = upload(town, a_book(交付清单=(LIST, *rows)))
    return DeliverByList(work_order_id=order.id, file_id=file_id)


def test_a_delivery_list_closes_its_work_order(town: Town) -> None:
    request, order = an_order(town, a_line(pool_id="x86"), a_line(line=2, pool_id="x86"))
    rows = ((2, "vm", 1, "vm-b", "rack 4"), (1, "vm", 1, "vm-a", None))
    done = town.give(by_list(town, order, *rows), "prv.engineer")
    assert done.state is WorkOrderState.DONE
    assert look(town, request).state is RequestState.AWAITING_CONFIRMATION
    ids = [allocation_of(town, request, line).provider_resource_id for line in (1, 2)]
    assert ids == ["vm-a", "vm-b"]
    assert {each.note for each in done.deliveries} == {"rack 4", ""}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (((1, "", "", "a", ""),), [(0, "申请行号")]),
        (((1, "", "", "a", ""), (1, "", "", "b", "")), [(3, "申请行号"), (0, "申请行号")]),
        (((1, "", "", "a", ""), (3, "", "", "b", "")), [(3, "申请行号"), (0, "申请行号")]),
        (((1, "", "", "", ""), (2, "", "", "b", "")), [(2, "云平台资源编号")]),
        (((1, "", "", "x" * 201, ""), (2, "", "", "b", "")), [(2, "云平台资源编号")]),
    ],
    ids=["one missing", "one twice", "one of nobody", "one without id", "one too long"],
)
def test_a_list_names_every_line_once_with_its_resource(
    town: Town, rows: tuple[Any, ...], expected: list[tuple[int, str]]
) -> None:
    _, order = an_order(town, a_line(pool_id="x86"), a_line(line=2, pool_id="x86"))
    assert faults(town, by_list(town, order, *rows)) == expected


def test_another_provider_finds_no_order(town: Town) -> None:
    _, order = an_order(town, a_line(pool_id="x86"))
    command = by_list(town, order, (1, "", "", "a", ""))
    assert town.code(command, "rival.engineer") == "not_found"
    assert town.code(command, "centre.a") == "forbidden"


def test_the_template_names_the_lines_and_lacks_the_ids_only(town: Town) -> None:
    _, order = an_order(town, a_line(pool_id="x86"))
    with town.reading() as world:
        data = delivery_template(world, town.actor("prv.engineer"), order.id)
    book = load_workbook(io.BytesIO(data))
    page = book.worksheets[0]
    rows = list(page.iter_rows(values_only=True))
    assert rows[-1][:4] == (1, "vm", 1, None)
    page.cell(row=len(rows), column=4, value="vm-a")
    out = io.BytesIO()
    book.save(out)
    file_id = upload(town, out.getvalue())
    done = town.give(DeliverByList(work_order_id=order.id, file_id=file_id), "prv.engineer")
    assert done.done_at == at("01-05 09:00")
