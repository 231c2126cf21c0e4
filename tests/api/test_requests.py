"""Requests over HTTP: looked at, edited, stood in for, escalated, printed; and who is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal.pages import Page
from tests.support.api import Api, done, refused
from tests.support.january import KUNPENG_VM, a_draft, move_clock, sign, submit

WISH: dict[str, Any] = {
    "application_id": "A01",
    "kind": "new",
    "lines": [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 2, "term_months": 12}],
}
APPROVE = {"decision": "approve", "opinion": "同意"}


def at_technical(api: Api) -> str:
    request = a_draft(api)
    submit(api, request)
    sign(api, request, "d01.lead", "opco.a")
    return request


def signers(api: Api, request: str, login: str = "d01.user") -> dict[str, str]:
    found = done(api.get(f"requests/{request}/signers", login))
    return {each["signer"]["user_id"]: each["standing"] for each in found}


def absence(api: Api, principal: str, delegate: str, **changed: str) -> Any:
    body = {
        "delegate_id": delegate,
        "role": "technical_reviewer",
        "organisation_id": "tech",
        "starts_at": "2026-01-01T00:00:00+08:00",
        "ends_at": "2026-02-01T00:00:00+08:00",
        "reason": "休假",
    }
    return api.post("delegations", principal, {**body, **changed})


# --- looking --------------------------------------------------------------------------------


def test_a_preview_says_what_the_written_request_will_say_and_keeps_nothing(city: Api) -> None:
    before = len(city.items("requests", "d01.user"))
    seen = done(city.post("requests/preview", "d01.user", WISH))
    assert (seen["admitted"], seen["refusals"]) == (True, [])
    assert [each["step"] for each in seen["steps"]] == ["unit", "acceptance", "technical"]
    assert len(city.items("requests", "d01.user")) == before
    request = a_draft(city, quantity=2)
    written = done(city.get(f"requests/{request}/estimate", "d01.user"))
    assert written["monthly_price"] == seen["estimate"]["monthly_price"]
    assert written["candidates"] == seen["estimate"]["candidates"]


def test_a_preview_names_every_fault_and_nobody_foreign_gets_one(city: Api) -> None:
    lines = [{"line": 1, "sku_id": "none"}, {"line": 2, "sku_id": KUNPENG_VM, "quantity": 10**6}]
    lines[0]["quantity"] = 1
    seen = done(city.post("requests/preview", "d01.user", {**WISH, "lines": lines}))
    assert [each["code"] for each in seen["refusals"]] == ["unknown_sku"]
    for login in ("d02.user", "prov1.a", "d41.reviewer"):
        refused(city.post("requests/preview", login, WISH), 404, "not_found")
    refused(city.post("requests/preview", None, WISH), 401, "unauthenticated")
    refused(city.post("requests/preview", "d01.user", {**WISH, "lines": "x"}), 422, "malformed")


def test_the_evidence_is_for_those_who_see_the_request_only(city: Api) -> None:
    request = at_technical(city)
    for login in ("d01.user", "tech.a", "finance.a", "authority.a"):
        found = done(city.get(f"requests/{request}/evidence", login))
        assert [each["step"] for each in found["steps"] if each["waiting"]] == ["technical"]
        assert {view["budget_id"] for view in found["budgets"]}
        assert found["estimate"]["candidates"]
        assert found["estimate"]["quotas"]
        assert [each["step"] for each in found["signatures"]] == ["acceptance", "unit"]
    for path in ("evidence", "signers", "form"):
        for login in ("d02.user", "prov1.a", "prov3.b", "d41.reviewer"):
            refused(city.get(f"requests/{request}/{path}", login), 404, "not_found")
        refused(city.get(f"requests/{request}/{path}"), 401, "unauthenticated")


# --- drafts and papers ----------------------------------------------------------------------


def test_a_draft_is_edited_and_given_up(city: Api) -> None:
    request = a_draft(city)
    lines = [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 7}]
    edited = done(city.post(f"requests/{request}/draft", "d01.user", {"lines": lines}))
    assert edited["lines"][0]["quantity"] == 7
    refused(city.post(f"requests/{request}/draft", "d01.lead", {"reason": "x"}), 403, "forbidden")
    refused(city.post(f"requests/{request}/draft", "d01.user", {}), 422, "bad_value")
    gone = {"reason": "写错了"}
    assert done(city.post(f"requests/{request}/withdrawal", "d01.user", gone))["state"] == (
        "withdrawn"
    )
    again = city.post(f"requests/{request}/draft", "d01.user", {"reason": "x"})
    refused(again, 409, "not_a_draft")


def test_an_attached_scan_is_fetched_by_those_who_see_the_request(city: Api) -> None:
    request = a_draft(city)
    sent = {"file": ("备案证明.pdf", b"%PDF-1.7 proof", "application/pdf")}
    file = done(city.request("POST", "files", "d01.user", files=sent))
    paper = {"file_id": file["id"], "label": "备案证明", "kind": "filing_proof"}
    attached = done(city.post(f"requests/{request}/attachments", "d01.user", paper))
    assert (attached["sha256"], attached["size_bytes"]) == (file["sha256"], 14)
    fetched = city.get(f"attachments/{attached['id']}/content", "tech.a")
    assert fetched.content == b"%PDF-1.7 proof"
    assert fetched.headers["content-disposition"].startswith("attachment")
    for login in ("d02.user", "prov1.a", "d41.reviewer"):
        refused(city.get(f"attachments/{attached['id']}/content", login), 404, "not_found")
        assert attached["id"] not in [each["id"] for each in city.items("attachments", login)]
    removed = done(city.post(f"attachments/{attached['id']}/removal", "d01.user"))
    assert removed["state"] == "detached"
    submit(city, request)
    refused(
        city.post(f"requests/{request}/attachments", "d01.user", paper), 409, "attachment_not_now"
    )


# --- signing --------------------------------------------------------------------------------


def test_a_second_signature_on_a_step_is_told_it_is_not_its_turn(city: Api) -> None:
    request = a_draft(city)
    submit(city, request)
    sign(city, request, "d01.lead")
    path = f"requests/{request}/signatures"
    done(city.post(path, "opco.a", APPROVE))
    for login in ("opco.a", "opco.b"):
        refused(city.post(path, login, APPROVE), 409, "not_your_step")


def test_the_same_key_signs_once_and_answers_alike(city: Api) -> None:
    request = at_technical(city)
    path = f"requests/{request}/signatures"
    first = done(city.post(path, "tech.a", APPROVE, key=f"sign-{request}"))
    again = done(city.post(path, "tech.a", APPROVE, key=f"sign-{request}"))
    assert first == again
    assert first["state"] == "approved"


def test_a_colleague_signs_for_who_is_absent_and_the_record_says_so(own_city: Api) -> None:
    request = at_technical(own_city)
    path = f"requests/{request}/signatures"
    refused(own_city.post(path, "tech.planner", APPROVE), 403, "forbidden")
    given = done(absence(own_city, "tech.a", "tech.planner"))
    assert signers(own_city, request)["tech.planner"] == "step"
    assert done(own_city.post(path, "tech.planner", APPROVE))["state"] == "approved"
    (signed,) = [
        each
        for each in own_city.items("approvals", "d01.user", request_id=request)
        if each["step"] == "technical"
    ]
    assert (signed["user_id"], signed["on_behalf_of"]) == ("tech.planner", "tech.a")
    revoked = done(own_city.post(f"delegations/{given['id']}/revocation", "tech.a"))
    assert revoked["state"] == "revoked"
    second = at_technical(own_city)
    answer = own_city.post(f"requests/{second}/signatures", "tech.planner", APPROVE)
    refused(answer, 403, "forbidden")


def test_what_cannot_be_delegated_is_refused_over_http(city: Api) -> None:
    refused(
        absence(city, "authority.sysadmin", "authority.a", role="system_admin"),
        409,
        "not_delegable",
    )
    refused(absence(city, "tech.a", "prov1.a"), 404, "not_found")
    refused(absence(city, "prov1.a", "tech.b"), 404, "not_found")
    refused(absence(city, "tech.a", "tech.a"), 422, "bad_value")
    refused(absence(city, "tech.a", "tech.b", ends_at="2025-12-31T00:00:00"), 422, "malformed")


def test_a_late_step_may_be_signed_by_who_steps_in(own_city: Api) -> None:
    request = at_technical(own_city)
    path = f"requests/{request}/signatures"
    refused(own_city.post(path, "authority.a", APPROVE), 409, "not_your_step")
    assert "authority.a" not in signers(own_city, request)
    move_clock(own_city, "2026-01-12T10:00:00+08:00")
    late = [each["id"] for each in own_city.items("requests", "tech.a", overdue="true")]
    assert late == [request]
    assert signers(own_city, request)["authority.a"] == "overdue"
    assert done(own_city.post(path, "authority.a", APPROVE))["state"] == "approved"


def test_quotes_that_are_awaited_stop_the_clock(own_city: Api) -> None:
    request = at_technical(own_city)
    waiting = {"reason": "GPU 询价"}
    refused(own_city.post(f"requests/{request}/quotes/wait", "d01.user", waiting), 403, "forbidden")
    stopped = done(own_city.post(f"requests/{request}/quotes/wait", "opco.a", waiting))
    assert (stopped["due_at"], stopped["clock_stopped_for"]) == (None, "GPU 询价")
    move_clock(own_city, "2026-01-20T10:00:00+08:00")
    refused(
        own_city.post(f"requests/{request}/signatures", "tech.a", APPROVE),
        409,
        "waiting_for_quotes",
    )
    going = done(own_city.post(f"requests/{request}/quotes/receipt", "tech.a"))
    assert (going["overdue"], going["clock_stopped_at"]) == (False, None)
    assert done(own_city.post(f"requests/{request}/signatures", "tech.a", APPROVE))


# --- the form -------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "heading"), [("zh", "审批表"), ("en", "Application for")])
def test_the_form_prints_lines_prices_signatures_and_boxes_to_stamp(
    city: Api, lang: str, heading: str
) -> None:
    request = at_technical(city)
    answer = city.get(f"requests/{request}/form", "d01.user", lang=lang)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert heading in next(tag.text for tag in page.tags if tag.name == "h1")
    boxes = [tag for tag in page.tags if "stamp" in tag.attributes.get("class", "").split()]
    assert len(boxes) == 3, "the unit, the desk, the technicians"
    marks = [tag.text for tag in page.tags if tag.attributes.get("class") == "mark"]
    assert marks == (
        ["模拟环境", "示例参数"] if lang == "zh" else ["Rehearsal", "Sample parameters"]
    )
    estimate = done(city.get(f"requests/{request}/estimate", "d01.user"))
    assert f"{float(estimate['monthly_price']):,.2f}" in answer.text
    assert "http" not in answer.text.split("<body>")[0], "nothing is loaded from elsewhere"


def test_what_people_wrote_stands_on_the_form_as_text(city: Api) -> None:
    request = a_draft(city)
    nasty = "<script>alert(1)</script>"
    done(city.post(f"requests/{request}/draft", "d01.user", {"reason": nasty}))
    answer = city.get(f"requests/{request}/form", "d01.user")
    assert nasty not in answer.text
    assert "&lt;script&gt;" in answer.text
    refused(city.get(f"requests/{request}/form", "d01.user", lang="fr"), 422, "malformed")


def test_after_the_approval_the_form_names_the_pool_and_its_price(city: Api) -> None:
    request = at_technical(city)
    sign(city, request, "tech.a")
    record = done(city.get(f"requests/{request}", "d01.user"))
    pool = done(city.get(f"pools/{record['lines'][0]['pool_id']}", "d01.user"))
    answer = city.get(f"requests/{request}/form", "d01.user")
    assert pool["name_zh"] in answer.text
    assert "已批准" in answer.text
