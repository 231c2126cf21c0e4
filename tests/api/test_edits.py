"""If-Match: who edits a record says which version they have seen, and a later one is left alone."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from cloudmgr.api.edge import Edge
from cloudmgr.api.routes import unchanged
from cloudmgr.domain.errors import Outdated
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.services.commands import HANDLERS
from cloudmgr.services.requests import SubmitRequest
from tests.support.api import Api, application, done, operations, refused, secret_of
from tests.support.meeting import both, meeting_at

DRAFT = {
    "department_id": "d01", "application_id": "A01", "kind": "new", "reason": "to be edited",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}],
}  # fmt: skip


def drafted(api: Api) -> tuple[str, str]:
    """A request and the ETag that a GET gives."""
    id = done(api.post("requests", "d01.user", DRAFT))["id"]
    return id, api.get(f"requests/{id}", "d01.user").headers["etag"]


def submit(
    api: Api, id: str, if_match: str, login: str = "d01.user", **more: str
) -> httpx.Response:
    headers = {"If-Match": if_match, **more}
    return api.request("POST", f"requests/{id}/submission", login, headers=headers)


def test_the_etag_that_a_get_gave_lets_the_edit_pass(city: Api) -> None:
    id, etag = drafted(city)
    answer = submit(city, id, etag)
    assert done(answer)["state"] == "unit_signing"
    after = city.get(f"requests/{id}", "d01.user").headers["etag"]
    assert after != etag
    assert answer.headers["etag"] == after


def test_a_record_changed_since_is_left_alone(city: Api) -> None:
    id, etag = drafted(city)
    done(submit(city, id, etag))
    now = city.get(f"requests/{id}", "d01.user")
    problem = refused(submit(city, id, etag), 412, "stale_version")
    assert id in problem["detail"]
    assert city.get(f"requests/{id}", "d01.user").text == now.text


@pytest.mark.parametrize("told", ['"99"', 'W/"1"', "1", "", '"", "x"', '"1'])
def test_what_is_not_the_etag_matches_nothing(city: Api, told: str) -> None:
    id, _ = drafted(city)
    refused(submit(city, id, told), 412, "stale_version")


def test_one_of_several_etags_and_a_star_match(city: Api) -> None:
    id, etag = drafted(city)
    done(submit(city, id, f'"99", {etag}'))
    id, _ = drafted(city)
    done(submit(city, id, "*"))


def test_without_the_header_nothing_is_asked(city: Api) -> None:
    id, _ = drafted(city)
    done(city.post(f"requests/{id}/submission", "d01.user"))


def test_a_foreign_record_is_not_told_from_an_absent_one(city: Api) -> None:
    """412 would say that there is something."""
    id, etag = drafted(city)
    for told in ("*", etag, '"99"'):
        foreign = refused(submit(city, id, told, "d02.user"), 404, "not_found")
        absent = refused(submit(city, "REQ-absent", told, "d02.user"), 404, "not_found")
        assert foreign["detail"].replace(id, "REQ-absent") == absent["detail"]


def test_who_may_not_give_the_command_is_told_that_first(city: Api) -> None:
    id, _ = drafted(city)
    refused(submit(city, id, '"99"', "prov1.a"), 403, "forbidden")


def test_a_repetition_under_its_key_answers_as_before(city: Api) -> None:
    id, etag = drafted(city)
    key = {"Idempotency-Key": f"once-and-again-{id}"}
    first = done(submit(city, id, etag, **key))
    assert done(submit(city, id, etag, **key)) == first


def described() -> dict[str, dict[str, Any]]:
    paths = application().openapi()["paths"]
    return {op["operationId"]: op for ops in paths.values() for op in ops.values()}


GOT = {
    path.removesuffix("{id}")
    for method, path in operations().values()
    if method == "GET" and re.fullmatch(r"[^{}]+{id}", path)
}
"""Paths of single records, up to their ids."""

EDITS = [
    handler.name
    for handler in HANDLERS.values()
    if (start := re.match(r"[^{}]+(?={\w+}/)", operations()[handler.name][1])) and start[0] in GOT
]
"""Commands about a record that a GET gives with its ETag."""

BATCHES = {
    "ingest_usage": "new readings, no edit of the pool",
    "close_period": "many commits",
    "renew_webhook_secret": "a new secret, the webhook stays as it is",
}


@pytest.mark.parametrize("name", sorted(set(EDITS) - set(BATCHES)))
def test_every_command_about_a_record_takes_its_etag_and_says_so(name: str) -> None:
    operation = described()[name]
    headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    assert "If-Match" in headers
    assert "412" in operation["responses"]


def test_there_are_such_commands() -> None:
    assert {"submit_request", "decide_quote", "move_pool"} <= set(EDITS)


def test_a_command_about_nothing_that_exists_takes_no_etag() -> None:
    names = {each["name"] for each in described()["draft_request"]["parameters"]}
    assert "If-Match" not in names


def test_of_two_with_the_same_etag_at_once_one_is_told(
    own_city: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, etag = drafted(own_city)
    edge = Edge(own_city.node)
    meeting_at(monkeypatch, "cloudmgr.api.routes.etag_of")

    def submitting() -> Any:
        unchanged_ = unchanged(ResourceRequest, id, etag)
        command = SubmitRequest(request_id=id)
        secret = secret_of("d01.user")
        return edge.perform(secret, command, key=None, request_id="", precondition=unchanged_)

    results = both(submitting, submitting)
    assert sum(isinstance(each, ResourceRequest) for each in results) == 1
    assert sum(isinstance(each, Outdated) for each in results) == 1
