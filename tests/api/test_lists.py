"""Lists and single records: pages without repeats or gaps, filters, cursors, ETags."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Lived
from tests.support.api import Api, application, done, operations, refused


def paged(path: str) -> bool:
    """Whether a GET gives pages of records; the audit's are numbered, not named."""
    parameters = application().openapi()["paths"][path]["get"].get("parameters", ())
    return any(parameter["name"] == "cursor" for parameter in parameters)


LISTS = {
    operation: path
    for operation, (method, path) in operations().items()
    if method == "GET" and operation.startswith("list_") and paged(path)
}
"""Operation id -> path of every list of records."""

GETS = {
    path.removesuffix("/{id}"): path
    for method, path in operations().values()
    if method == "GET" and path.removesuffix("/{id}") in LISTS.values() and path.endswith("/{id}")
}
"""Path of a list -> path of its single records."""

EMPTY = {"/api/v1/fiscal-years": "the story ends before a budget year does"}
"""Lists that the story of the January leaves empty, and why."""

READER = "finance.a"


def everything(api: Api, path: str, **query: Any) -> list[dict[str, Any]]:
    """A list in the largest pages there are."""
    return api.items(path, READER, limit=500, **query)


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS.keys())
def test_a_list_in_small_pages_has_the_same_records_in_order_without_repeats_or_gaps(
    lived: Lived, path: str
) -> None:
    whole = [item["id"] for item in everything(lived.api, path)]
    assert whole or path in EMPTY, "an empty list shows nothing; let the January make one of these"
    assert whole == sorted(set(whole))
    size = max(1, min(len(whole) - 1, 97))
    paged = [item["id"] for item in lived.api.items(path, READER, limit=size)]
    assert paged == whole


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS.keys())
def test_every_list_refuses_a_cursor_that_is_not_ours(city: Api, path: str) -> None:
    refused(city.get(path, READER, cursor="!"), 422, "bad_cursor")


@pytest.mark.parametrize("cursor", ["%", "a", "!!!!", "/w==", "_w==", "AAAA", "é", "UE9PTA==x"])
def test_a_cursor_is_base64_of_text(city: Api, cursor: str) -> None:
    refused(city.get("quotes", READER, cursor=cursor), 422, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "501", "-1", "ten", "1.5"])
def test_a_page_has_1_to_500_records(city: Api, limit: str) -> None:
    problem = refused(city.get("quotes", READER, limit=limit), 422, "malformed")
    assert problem["detail"].startswith("query.limit")


def test_a_list_shows_fifty_records_unless_asked_for_more(city: Api) -> None:
    assert len(done(city.get("quotes", READER))["items"]) == 50


def filters() -> list[tuple[str, str]]:
    """Every filter that the document declares: (operation, field)."""
    document = application().openapi()["paths"]
    return [
        (operation, parameter["name"])
        for operation, path in LISTS.items()
        for parameter in document[path]["get"]["parameters"]
        if parameter["in"] == "query" and parameter["name"] not in ("limit", "cursor")
    ]


@pytest.mark.parametrize(("operation", "field"), filters())
def test_a_filter_keeps_exactly_the_records_whose_field_has_the_value(
    lived: Lived, operation: str, field: str
) -> None:
    path = LISTS[operation]
    whole = everything(lived.api, path)
    if path in EMPTY:
        assert whole == []
        return
    assert field in whole[0], f"{operation} filters by {field}, which its records do not have"
    values = Counter(item[field] for item in whole if item[field] is not None)
    assert values, f"nothing to filter {operation} by {field} with"
    value, count = values.most_common()[-1]
    kept = everything(lived.api, path, **{field: value})
    assert [item["id"] for item in kept] == [i["id"] for i in whole if i[field] == value]
    assert len(kept) == count


def test_filters_hold_together_and_over_pages(city: Api) -> None:
    both = city.items("quotes", READER, limit=7, pool_id="x86-a", provider_id="prov3")
    assert len(both) > 7
    assert {(each["pool_id"], each["provider_id"]) for each in both} == {("x86-a", "prov3")}
    assert city.items("quotes", READER, pool_id="x86-a", provider_id="prov1") == []


def test_a_misspelt_filter_is_refused_for_it_would_filter_nothing(city: Api) -> None:
    problem = refused(city.get("requests", READER, departement_id="d01"), 422, "malformed")
    assert problem["faults"][0]["where"] == "query.departement_id"
    refused(city.get("audit-events", "authority.auditadmin", afer=5), 422, "malformed")


def test_a_filter_by_a_word_that_is_no_state_is_refused(city: Api) -> None:
    problem = refused(city.get("requests", READER, state="finished"), 422, "malformed")
    assert problem["faults"][0]["where"] == "query.state"


@pytest.mark.parametrize("value", ["99999999999999999999", "two"])
def test_a_filter_by_a_number_that_is_none_is_refused(city: Api, value: str) -> None:
    assert city.get("budgets", READER, year=value).status_code == 422


@pytest.mark.parametrize("path", GETS)
def test_every_record_of_a_list_is_found_by_its_id_with_its_slashes_plain_or_encoded(
    lived: Lived, path: str
) -> None:
    item = everything(lived.api, path)[-1]
    for id in {quote(item["id"]), quote(item["id"], safe="")}:
        answer = lived.api.get(GETS[path].replace("{id}", id), READER)
        assert done(answer) == item


def test_some_ids_have_slashes(lived: Lived) -> None:
    with_slash = {path for path in GETS if "/" in everything(lived.api, path)[-1]["id"]}
    assert {re.sub("/api/v1/", "", path) for path in with_slash} == {
        "statements", "lines", "settlements", "usage-batches", "budgets", "release-records",
    }  # fmt: skip


@pytest.mark.parametrize("path", GETS)
def test_a_record_that_is_not_there_is_not_found(city: Api, path: str) -> None:
    problem = refused(city.get(GETS[path].replace("{id}", "nothing"), READER), 404, "not_found")
    assert "'nothing'" in problem["detail"]


def test_the_etag_is_the_version_and_moves_with_it(own_city: Api) -> None:
    before = own_city.get("pools/x86-a", READER)
    assert before.headers["etag"] == f'"{before.json()["version"]}"'
    done(own_city.post("pools/x86-a/moves", "tech.a", {"to": "restricted", "reason": "full"}))
    after = own_city.get("pools/x86-a", READER)
    assert after.json()["version"] == before.json()["version"] + 1
    assert after.headers["etag"] != before.headers["etag"]


def test_who_holds_the_present_etag_gets_no_body_again(city: Api) -> None:
    etag = city.get("pools/x86-a", READER).headers["etag"]
    for held in (etag, f'"0", {etag}', f"W/{etag}"):
        answer = city.request("GET", "pools/x86-a", READER, headers={"If-None-Match": held})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    stale = city.request("GET", "pools/x86-a", READER, headers={"If-None-Match": '"0"'})
    assert done(stale)["id"] == "x86-a"


def test_the_content_of_a_catalog_is_found_beside_it(city: Api) -> None:
    content = done(city.get("catalogs/2026-01-01/content", "d01.user"))
    assert content["id"] == "2026-01-01"
    refused(city.get("catalogs/2027-01-01/content", "d01.user"), 404, "not_found")
