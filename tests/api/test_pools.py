"""Pools, certificates, lists, copies and drills over HTTP: papers, answers, who sees what."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import load_workbook

from tests.api.conftest import Lived
from tests.support.api import Api, done, refused
from tests.support.january import deliver, move_clock, sign, submit

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table(data: bytes) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(data))
    return list(book.worksheets[0].iter_rows(values_only=True))


def test_the_months_list_is_there_after_its_first_instant_as_record_workbook_and_page(
    lived: Lived,
) -> None:
    api = lived.api
    listed = done(api.get("resource-lists/2026-02", "tech.a"))
    assert listed["as_of"] == "2026-01-31T16:00:00Z"
    lines = api.items("resource-list-lines", "tech.a", list_id="2026-02")
    assert len(lines) == listed["lines"]
    assert sum(line["below_waterline"] for line in lines) == listed["below_waterline"]
    for line in lines:
        parts = line["reserved"] + line["held"] + line["allocated"] + line["free"]
        assert parts == line["offered"]
    book = api.get("resource-lists/2026-02/workbook", "tech.a")
    assert book.headers["content-type"] == XLSX
    rows = table(book.content)
    assert len(rows) == len(lines) + 4, "three lines above the header"
    page = api.get("resource-lists/2026-02/page", "tech.a")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_provider_gets_its_own_lines_and_a_department_no_list(lived: Lived) -> None:
    own = lived.api.items("resource-list-lines", "prov5.a")
    assert {line["pool_id"] for line in own} == {"backup-r"}
    book = lived.api.get("resource-lists/2026-02/workbook", "prov5.a")
    assert {row[0] for row in table(book.content)[4:]} == {"backup-r"}
    refused(lived.api.get("resource-lists/2026-02/workbook", "d01.user"), 404, "not_found")
    refused(lived.api.get("resource-lists/2026-02", "d01.user"), 404, "not_found")
    refused(lived.api.get("resource-lists/2020-01/page", "tech.a"), 404, "not_found")


def test_a_pools_standing_is_for_the_offices_and_its_provider(lived: Lived) -> None:
    standing = done(lived.api.get("pools/kunpeng-a/standing", "prov1.a"))
    assert all(item["fulfilled"] for item in standing["checklist"])
    assert standing["domestic_share"] == "9/10"
    refused(lived.api.get("pools/kunpeng-a/standing", "prov2.a"), 404, "not_found")
    refused(lived.api.get("pools/kunpeng-a/standing", "d01.user"), 404, "not_found")
    retiring = done(lived.api.get("pools/x86-a/standing", "tech.a"))
    assert retiring["forbidden"] == ["new_allocations", "growth", "expansion"]


def test_an_exit_plan_names_what_no_wave_takes_along(lived: Lived) -> None:
    plan = done(lived.api.get("pools/x86-a/exit-plan", "prov3.a"))
    (wave,) = plan["waves"]
    assert wave["remaining"] == wave["wave"]["allocation_ids"]
    assert not wave["overdue"]
    assert len(plan["unplanned"]) == plan["remaining"] - 1
    refused(lived.api.get("pools/x86-a/exit-plan", "prov1.a"), 404, "not_found")


def test_a_report_by_workbook_is_kept_for_its_provider_and_the_offices(lived: Lived) -> None:
    (report,) = lived.api.items("pool-reports", "prov4.a")
    stated = lived.api.items("inventories", "prov4.a", pool_id="police-a")
    assert report["inventory_rows"] == len(stated)
    assert [each["id"] for each in lived.api.items("pool-reports", "tech.a")] == [report["id"]]
    assert lived.api.items("pool-reports", "prov1.a") == []


def test_gaps_are_listed_for_whoever_may_see_the_system(city: Api) -> None:
    gaps = done(city.get("continuity/gaps", "tech.a"))
    assert [(gap["application_id"], gap["kind"]) for gap in gaps] == [
        ("A27", "missing_replica"),
        ("A47", "missing_replica"),
    ]
    assert done(city.get("continuity/gaps", "d06.user")) == gaps[:1]
    assert done(city.get("continuity/gaps", "d01.user")) == []
    assert done(city.get("continuity/gaps", "prov1.a")) == []
    assert done(city.get("continuity/gaps", "tech.a", department_id="d15")) == gaps[1:]


def test_overdue_drills_are_those_of_systems_that_owe_a_copy(city: Api) -> None:
    late = {each["application_id"]: each for each in done(city.get("drills/overdue", "tech.a"))}
    assert "A01" not in late, "drilled two months ago"
    assert late["A10"]["due_at"] == "2025-12-06T16:00:00Z"
    assert late["A02"]["due_at"] is None, "never drilled"
    assert "A07" not in late, "it owes none"
    mine = done(city.get("drills/overdue", "d02.user"))
    assert {each["department_id"] for each in mine} == {"d02"}


def test_certificates_due_are_asked_for_by_days(city: Api) -> None:
    assert done(city.get("certificates/due", "tech.a")) == []
    year = done(city.get("certificates/due", "prov2.a", within_days=365))
    assert {each["kind"] for each in year} == {"mlps_report", "cryptography"}
    assert {each["subject_id"] for each in year} == {"hygon-a", "hygon-b"}
    refused(city.get("certificates/due", "tech.a", within_days=-1), 422, "malformed")


def test_a_workbook_closes_a_work_order_of_the_reporting_pool(own_city: Api) -> None:
    """The public security department's industry cloud has no interface: everything by form."""
    line = {
        "line": 1,
        "sku_id": "vm-hygon-4c8g",
        "quantity": 1,
        "term_months": 12,
        "pool_id": "police-a",
    }
    body = {
        "department_id": "d10",
        "application_id": "A34",
        "kind": "new",
        "reason": "more cases",
        "lines": [line],
    }
    move_clock(own_city, "2026-01-05T10:00:00+08:00")
    request = done(own_city.post("requests", "d10.user", body))["id"]
    submit(own_city, request, "d10")
    sign(own_city, request, "d10.lead", "opco.a", "tech.a")
    done(own_city.post(f"requests/{request}/dispatch", "opco.a"))
    (order,) = own_city.items("work-orders", "prov4.a", request_id=request)
    done(own_city.post(f"work-orders/{order['id']}/acceptance", "prov4.b"))
    template = own_city.get(f"work-orders/{order['id']}/delivery-template", "prov4.b")
    refused(
        own_city.get(f"work-orders/{order['id']}/delivery-template", "prov1.a"), 404, "not_found"
    )
    empty = upload(own_city, template.content)
    path = f"work-orders/{order['id']}/delivery-list"
    problem = refused(own_city.post(path, "prov4.b", {"file_id": empty}), 422, "bad_rows")
    assert problem["faults"][0]["column"] == "云平台资源编号"
    book = load_workbook(io.BytesIO(template.content))
    page = book.worksheets[0]
    page.cell(row=page.max_row, column=4, value="police-vm-1")
    out = io.BytesIO()
    book.save(out)
    filled = upload(own_city, out.getvalue())
    closed = done(own_city.post(path, "prov4.b", {"file_id": filled}))
    assert closed["state"] == "done"
    waiting = done(own_city.get(f"requests/{request}", "d10.user"))
    assert waiting["state"] == "awaiting_confirmation"


def upload(api: Api, data: bytes) -> str:
    sent = {"file": ("list.xlsx", data)}
    return str(done(api.request("POST", "files", "prov4.b", files=sent))["id"])


def test_a_replica_is_asked_for_placed_apart_and_closes_its_gap(own_city: Api) -> None:
    move_clock(own_city, "2026-01-05T10:00:00+08:00")
    running = own_city.items("allocations", "d06.user", application_id="A27", pool_id="kunpeng-a")
    primary = next(each["id"] for each in running if each["sku_id"].startswith("vm-"))
    line = {
        "line": 1,
        "sku_id": "vm-kunpeng-4c8g",
        "quantity": 1,
        "term_months": 12,
        "primary_id": primary,
        "replica_role": "replica",
    }
    body = {
        "department_id": "d06",
        "application_id": "A27",
        "kind": "new",
        "reason": "the gap list names it",
        "lines": [line],
    }
    request = done(own_city.post("requests", "d06.user", body))["id"]
    submit(own_city, request, "d06")
    signed = sign(own_city, request, "d06.lead", "opco.a", "tech.a")
    assert signed["lines"][0]["pool_id"] == "kunpeng-b", signed
    deliver(own_city, request, "d06")
    gaps = done(own_city.get("continuity/gaps", "d06.user"))
    assert gaps == []
