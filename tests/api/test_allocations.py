"""What becomes of resources over HTTP: bounds and weeks, stops, findings, papers, protection."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Lived
from tests.support.api import Api, done, refused
from tests.support.january import KUNPENG_VM, deliver, sign, submit
from tests.support.january_resources import DEPARTMENT, ask_release, papers

BOUNDS = {
    "least": 1,
    "most": 4,
    "weekly": [{"weekday": 1, "at": "07:30:00", "action": "scale", "quantity": 3}],
}


def an_elastic_machine(api: Api) -> dict[str, Any]:
    """One of d01's, from the draft to its accepted trial."""
    line = {"line": 1, "sku_id": KUNPENG_VM, "quantity": 2, "elastic": BOUNDS}
    body = {
        "department_id": "d01",
        "application_id": "A01",
        "kind": "new",
        "reason": "the exam season",
        "lines": [line],
    }
    request = str(done(api.give("draft_request", "d01.user", body))["id"])
    submit(api, request)
    sign(api, request, "d01.lead", "opco.a", "tech.a")
    deliver(api, request, "d01")
    allocation = api.items("allocations", "d01.user", request_id=request)[0]["id"]
    done(api.give("accept_trial", "d01.user", {}, allocation_id=allocation))
    found: dict[str, Any] = done(api.get(f"allocations/{allocation}", "d01.user"))
    return found


def test_an_elastic_resource_is_scaled_planned_stopped_and_started(own_city: Api) -> None:
    made = an_elastic_machine(own_city)
    id = made["id"]
    assert (made["elastic"], made["weekly"]) == (BOUNDS, BOUNDS["weekly"])

    def give(command: str, by: str = "d01.user", **body: Any) -> Any:
        return own_city.give(command, by, body, allocation_id=id)

    assert done(give("scale_allocation", quantity=4))["quantity"] == 4
    problem = refused(give("scale_allocation", quantity=5), 409, "outside_bounds")
    assert problem["asked"] == 5
    assert done(give("scale_allocation", f"{made['provider_id']}.a", quantity=1))["quantity"] == 1
    stop = {"weekday": 5, "at": "20:00:00", "action": "stop", "quantity": None}
    assert done(give("schedule_allocation", weekly=[stop]))["weekly"] == [stop]
    assert done(give("stop_allocation", reason="holidays"))["state"] == "stopped"
    refused(give("stop_allocation"), 409, "illegal_transition")
    assert done(give("start_allocation"))["state"] == "active"


def test_a_release_waits_for_its_papers_and_everybody_concerned_finds_them(own_city: Api) -> None:
    request = ask_release(own_city)
    sign(own_city, request, f"{DEPARTMENT}.lead", "opco.a", "tech.a")
    done(own_city.give("dispatch_request", "opco.a", {}, request_id=request))
    (order,) = own_city.items("work-orders", "opco.a", request_id=request)
    engineer = f"{order['provider_id']}.a"
    done(own_city.give("accept_work_order", engineer, {}, work_order_id=order["id"]))
    bare = {"deliveries": [{"line": 1, "provider_resource_id": "gone"}]}
    closed = own_city.give("complete_work_order", engineer, bare, work_order_id=order["id"])
    problem = refused(closed, 409, "release_papers_missing")
    assert "数据清除证明" in problem["detail"]
    given = papers(own_city, engineer) | {"data_handed_on": "2025-12-30"}
    full = {"deliveries": [{**bare["deliveries"][0], "papers": given}]}
    done(own_city.give("complete_work_order", engineer, full, work_order_id=order["id"]))
    done(own_city.give("confirm_delivery", f"{DEPARTMENT}.user", {"accepted": True},
                       request_id=request))  # fmt: skip
    (record,) = own_city.items("release-records", f"{DEPARTMENT}.user", request_id=request)
    assert record["billing_end"] == record["completed_at"]
    path = f"release-records/{record['id']}/erasure-certificate"
    for reader in (f"{DEPARTMENT}.user", engineer, "tech.a"):
        assert own_city.get(path, reader).content == b"%PDF-1.7 erased"
    refused(own_city.get(path, "d02.user"), 404, "not_found")
    form = own_city.get(f"requests/{request}/resource-form", f"{DEPARTMENT}.user")
    assert form.is_success
    assert "政务云资源退出单" in form.text
    assert record["erasure_sha256"][:16] in form.text


def test_only_releases_and_relocations_have_a_paper_of_their_own(lived: Lived) -> None:
    path = f"requests/{lived.january.city_request}/resource-form"
    refused(lived.api.get(path, "d01.user"), 422, "bad_value")
    refused(lived.api.get(path, "d02.user"), 404, "not_found")


def test_what_runs_past_its_term_is_a_list_of_pages_for_who_may_see_it(own_city: Api) -> None:
    path = "allocations/past-term"
    assert done(own_city.get(path, "tech.a"))["items"] == []
    clock = {"now": "2027-01-02T09:00:00+08:00"}
    done(own_city.request("PUT", "rehearsal/clock", "authority.sysadmin", json=clock))
    first = done(own_city.get(path, "tech.a", limit=2))
    assert len(first["items"]) == 2
    assert all(each["days_past"] >= 1 for each in first["items"])
    more = done(own_city.get(path, "tech.a", limit=2, cursor=first["next_cursor"]))
    assert first["items"][-1]["allocation_id"] < more["items"][0]["allocation_id"]
    mine = done(own_city.get(path, "d01.user", limit=500))["items"]
    assert {each["department_id"] for each in mine} <= {"d01"}
    assert done(own_city.get("allocations/overdue-temporary", "tech.a"))["items"] == []


def test_a_protected_period_refuses_a_relocation_before_it_is_written(own_city: Api) -> None:
    period = {
        "title": "高考保障",
        "document_number": "示数重保〔2026〕2号",
        "reason": "the exam season",
        "starts_at": "2025-12-01T00:00:00+08:00",
        "ends_at": "2026-03-01T00:00:00+08:00",
        "department_ids": ["d01"],
    }
    done(own_city.give("declare_protected_period", "authority.a", period))
    running = own_city.items("allocations", "d01.user", state="active")[0]
    line = {
        "line": 1,
        "sku_id": running["sku_id"],
        "quantity": running["quantity"],
        "allocation_id": running["id"],
        "parallel_days": 5,
        "parallel_payer": "provider",
    }
    wish = {
        "application_id": running["application_id"],
        "kind": "relocate",
        "lines": [line],
    }
    told = done(own_city.post("requests/preview", "d01.user", wish))
    assert "protected_period" in {each["code"] for each in told["refusals"]}
