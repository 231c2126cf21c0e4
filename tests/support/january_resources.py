"""What becomes of resources in the January: a longer trial is asked, one machine is released with
its papers, and a stretch is protected long after all of this."""

from __future__ import annotations

from typing import Any

from tests.support.api import Api, done

DEPARTMENT = "d05"


def ask_longer_trial(api: Api, request: str) -> str:
    """For what the city's request was given; nobody decides it. Returns its id."""
    allocation = api.items("allocations", "d01.user", request_id=request)[0]["id"]
    body = {"reason": "the load test is still to come"}
    asked = done(api.give("ask_trial_extension", "d01.user", body, allocation_id=allocation))
    return str(asked["id"])


def released_with_papers(api: Api) -> str:
    """The first running machine of a department goes; returns the request's id."""
    protected = {
        "title": "高考保障",
        "document_number": "示数重保〔2028〕1号",
        "reason": "the registration of the exam season",
        "starts_at": "2028-06-01T00:00:00+08:00",
        "ends_at": "2028-06-10T00:00:00+08:00",
    }
    done(api.give("declare_protected_period", "authority.a", protected))
    request = ask_release(api)
    for login in (f"{DEPARTMENT}.lead", "opco.a", "tech.a"):
        body = {"decision": "approve", "opinion": "同意"}
        done(api.give("sign_request", login, body, request_id=request))
    done(api.give("dispatch_request", "opco.a", {}, request_id=request))
    for order in api.items("work-orders", "opco.a", request_id=request):
        engineer = f"{order['provider_id']}.a"
        done(api.give("accept_work_order", engineer, {}, work_order_id=order["id"]))
        delivery = {"line": 1, "provider_resource_id": "gone", "papers": papers(api, engineer)}
        completed = {"deliveries": [delivery]}
        done(api.give("complete_work_order", engineer, completed, work_order_id=order["id"]))
    accepted = {"accepted": True}
    done(api.give("confirm_delivery", f"{DEPARTMENT}.user", accepted, request_id=request))
    return request


def ask_release(api: Api) -> str:
    """Drafted and submitted by the department's user; returns the request's id."""
    user = f"{DEPARTMENT}.user"
    running = api.items("allocations", user, state="active")[0]
    line = {
        "line": 1,
        "sku_id": running["sku_id"],
        "quantity": running["quantity"],
        "allocation_id": running["id"],
    }
    body = {
        "department_id": DEPARTMENT,
        "application_id": running["application_id"],
        "kind": "release",
        "reason": "the system was replaced",
        "lines": [line],
    }
    request = str(done(api.give("draft_request", user, body))["id"])
    done(api.give("submit_request", user, {}, request_id=request))
    return request


def papers(api: Api, engineer: str) -> dict[str, Any]:
    """The three papers of a release, the certificate freshly uploaded."""
    sent = {"file": ("erasure.pdf", b"%PDF-1.7 erased", "application/pdf")}
    file = done(api.request("POST", "files", engineer, files=sent))["id"]
    return {
        "data_handed_to": "the department's archive",
        "data_handed_on": "2026-03-01",
        "erasure_file_id": file,
        "billing_ends_on": "2026-12-31",
    }
