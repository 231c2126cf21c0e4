"""What every refusal looks like, whoever refuses: the node, the framework or a defect."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.api import problems
from cloudmgr.domain.errors import lake_damaged
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.store.world import SqlWorld
from tests.support.api import PROBLEM, Api, bearer, done, operations, refused


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/v1", "/api/v1/", "/api/v2/requests", "/api/v1/requests/",
     "/api/v1/REQUESTS", "/api/v1/nothing/at/all"],
)  # fmt: skip
def test_a_route_that_does_not_exist_says_where_they_are_listed(city: Api, path: str) -> None:
    problem = refused(city.get(path, "d01.user"), 404, "not_found")
    assert path in problem["detail"]
    assert "/docs" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "requests", "GET, POST"),
        ("PATCH", "requests/REQ-00000001", "GET"),
        ("PUT", "requests/REQ-00000001/submission", "POST"),
        ("POST", "rehearsal/clock", "PUT"),
        ("GET", "sessions", "POST"),
        ("OPTIONS", "node", "GET"),
        ("TRACE", "node", "GET"),
        ("BREW", "node", "GET"),
    ],
)
def test_a_wrong_method_says_which_ones_are_right(
    city: Api, method: str, path: str, allowed: str
) -> None:
    answer = city.request(method, path, "d01.user")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_a_head_request_is_refused_like_any_wrong_method(city: Api) -> None:
    answer = city.request("HEAD", "node")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"not json", b'{"login": 1e', b"[" * 100_000, b'{"a":' + b"9" * 5000],
    ids=["empty", "open", "no text", "words", "cut", "too deep", "too long a number"],
)
def test_a_body_that_is_no_json_is_malformed(city: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused(city.request("POST", "sessions", content=content, headers=headers), 422, "malformed")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_type_is_malformed(city: Api, kind: str) -> None:
    body = b'{"login": "d01.user", "password": "x"}'
    answer = city.request("POST", "sessions", content=body, headers={"Content-Type": kind})
    refused(answer, 422, "malformed")


def test_text_that_is_no_unicode_is_malformed(city: Api) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b'{"login": "\\ud800", "password": "x"}', b'{"\\ud800": "x"}'):
        refused(city.request("POST", "sessions", content=body, headers=headers), 422, "malformed")


def test_a_malformed_body_names_every_field_that_does_not_fit(city: Api) -> None:
    body = {"department_id": 1, "application_id": "A01", "kind": "gift", "reason": "r", "lines": []}
    problem = refused(city.post("requests", "d01.user", body), 422, "malformed")
    assert [fault["where"] for fault in problem["faults"]] == ["body.department_id", "body.kind"]
    assert problem["detail"].startswith("body.department_id: ")


def test_a_misspelt_field_is_refused_however_deep_it_stands(city: Api) -> None:
    line = {"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1, "term_month": 3}
    body = {"department_id": "d01", "application_id": "A01", "kind": "new", "reason": "r",
            "lines": [line]}  # fmt: skip
    problem = refused(city.post("requests", "d01.user", body), 422, "malformed")
    assert problem["faults"][0]["where"] == "body.lines.0.term_month"


@pytest.mark.parametrize(
    "path", ["requests?department_id=%00", "requests/%00", "regions?parent_id=%00"]
)
def test_text_with_a_nul_is_refused_on_both_databases(city: Api, path: str) -> None:
    refused(city.get(path, "finance.a"), 422, "bad_value")


def test_an_id_longer_than_any_of_ours_is_refused(city: Api) -> None:
    refused(city.get(f"requests/{'x' * 161}", "d01.user"), 422, "malformed")


@pytest.mark.parametrize(
    ("header", "value"),
    [("Idempotency-Key", "short"), ("Idempotency-Key", "k" * 129), ("X-Request-Id", "r" * 129)],
)
def test_a_header_out_of_bounds_is_named(city: Api, header: str, value: str) -> None:
    path = "requests/REQ-00000001/submission"
    answer = city.request("POST", path, "d01.user", headers={header: value})
    assert refused(answer, 422, "malformed")["faults"][0]["where"] == f"header.{header}"


def test_a_body_that_says_it_is_too_large_is_not_read(city: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(2**20 + 1)}
    answer = city.request("POST", "sessions", content=_never(), headers=headers)
    refused(answer, 413, "too_large")


def test_a_body_that_grows_too_large_is_read_no_further(city: Api) -> None:
    sent = 0

    async def long() -> Any:
        nonlocal sent
        while sent < 2**23:
            sent += 2**16
            yield b" " * 2**16

    headers = {"Content-Type": "application/json"}
    answer = city.request("POST", "sessions", content=long(), headers=headers)
    refused(answer, 413, "too_large")
    assert sent <= 2**21


def test_a_page_of_text_is_not_too_large(city: Api) -> None:
    body = {"login": "x", "password": "x", "note": "n" * 2**19}
    refused(city.post("sessions", body=body), 422, "malformed")


def test_a_defect_of_the_node_tells_nothing_of_its_inside(
    city: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = done(city.sign_in("d01.user"))["token"]

    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("SELECT secret FROM table")

    monkeypatch.setattr(SqlWorld, "find", broken)
    answer = city.request("GET", "requests", headers=bearer(secret))
    problem = refused(answer, 500, "internal")
    assert problem.keys() == {"type", "title", "status", "code", "detail"}
    assert "SELECT" not in answer.text
    assert "RuntimeError" not in answer.text
    logged = capsys.readouterr().err
    assert "SELECT secret FROM table" in logged
    assert "/api/v1/requests" in logged
    assert secret not in logged, "a log that shows local variables shows passwords"


def test_a_damaged_store_is_told_with_its_code_and_logged(
    city: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise lake_damaged("2026-01/x.parquet", "cut short")

    monkeypatch.setattr(SqlWorld, "seek", broken)
    refused(city.get("requests/REQ-1", "d01.user"), 500, "lake_damaged")
    assert "lake_damaged" in capsys.readouterr().err


def test_facts_for_machines_never_replace_what_every_problem_has() -> None:
    answer = problems.problem(409, "busy", "again", {"status": 200, "code": "fine", "held": 3})
    body = bytes(answer.body)
    assert b'"status":409' in body
    assert b'"code":"busy"' in body
    assert b'"held":3' in body


def test_a_command_that_fails_half_way_leaves_nothing_behind(
    own_city: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = len(done(own_city.get("audit-events", "authority.auditadmin")))

    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("just before the commit")

    monkeypatch.setattr(SqlWorld, "audit", broken)
    line = {"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}
    body = {"department_id": "d01", "application_id": "A01", "kind": "new", "reason": "r",
            "lines": [line]}  # fmt: skip
    refused(own_city.post("requests", "d01.user", body), 500, "internal")
    monkeypatch.undo()
    with own_city.node.reading() as world:
        assert world.find(ResourceRequest) == ()
    assert len(done(own_city.get("audit-events", "authority.auditadmin"))) == events


def test_the_document_knows_every_route_it_is_asked_for(city: Api) -> None:
    document = done(city.get("/openapi.json"))
    told = {o["operationId"] for ops in document["paths"].values() for o in ops.values()}
    assert told == set(operations())
    assert city.get("/docs").status_code == 200


async def _never() -> Any:
    raise AssertionError("nobody was to read this")
    yield b""
