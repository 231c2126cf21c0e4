"""The catalog over HTTP, as an office works it: sent out, proposed, heard, signed, published."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api, done, refused
from tests.support.january_office import an_agreement

APRIL, MAY = "2026-04-01T00:00:00+08:00", "2026-05-01T00:00:00+08:00"
BASE = "2026-01-01"


def exported(city: Api, form: str, version: str = BASE) -> bytes:
    answer = city.get(f"catalog-versions/{version}/export", "d01.user", format=form)
    assert answer.is_success, answer.text
    assert f"catalog-{version}.{form}" in answer.headers["content-disposition"]
    return answer.content


def uploaded(city: Api, name: str, data: bytes) -> str:
    sent = city.request("POST", "files", "opco.a", files={"file": (name, data)})
    id: str = done(sent)["id"]
    return id


def proposed(city: Api, **fields: Any) -> dict[str, Any]:
    body = {"title": "yearly review", "reason": "market", **fields}
    found: dict[str, Any] = done(city.give("draft_proposal", "opco.a", body))
    return found


@pytest.mark.parametrize("form", ["toml", "xlsx"])
def test_what_is_sent_out_and_sent_back_changes_nothing(city: Api, form: str) -> None:
    file_id = uploaded(city, f"catalog.{form}", exported(city, form))
    assert proposed(city, file_id=file_id)["change_count"] == 0


def test_a_price_mended_in_the_file_is_the_one_change_proposed(city: Api) -> None:
    text = exported(city, "toml").decode()
    head, mark, rest = text.partition('sku_id = "vm-x86-2c4g"\nfrom_quantity = 0\nunit_price = "')
    assert mark, "the file lists the ceiling"
    old, _, tail = rest.partition('"')
    file_id = uploaded(city, "catalog.toml", f'{head}{mark}{1}.00"{tail}'.encode())
    proposal = proposed(city, file_id=file_id)
    (change,) = done(city.get(f"proposals/{proposal['id']}/content", "finance.a"))["changes"]
    assert (change["action"], change["sku_id"]) == ("reprice", "vm-x86-2c4g")
    assert change["ceiling"]["tiers"] == [{"from_quantity": 0, "unit_price": "1.000000"}]
    effect = done(city.get(f"proposals/{proposal['id']}/effect", "finance.a"))
    assert [(each["id"], each["before"], each["after"]) for each in effect["lines"]] == [
        ("vm-x86-2c4g", old, "1.00")
    ]
    sums = [sum_of(effect["by_department"]), sum_of(effect["by_provider"])]
    assert sums == [effect["total"]["allocations"]] * 2


def sum_of(shifts: list[dict[str, Any]]) -> int:
    return sum(each["allocations"] for each in shifts)


def test_a_broken_file_is_refused_with_its_rows(city: Api) -> None:
    text = exported(city, "toml").decode().replace('unit_price = "', "unit_price = 1 # ", 1)
    file_id = uploaded(city, "catalog.toml", text.encode())
    body = {"title": "t", "reason": "r", "file_id": file_id}
    problem = refused(city.give("draft_proposal", "opco.a", body), 422, "bad_rows")
    assert problem["faults"][0]["sheet"] == "ceilings"
    assert problem["faults"][0]["column"] == "unit_price"


def test_it_is_heard_signed_and_published_by_three_people(own_city: Api) -> None:
    city = own_city
    ceiling = {
        "sku_id": "vm-x86-2c4g",
        "tiers": [{"from_quantity": 0, "unit_price": "50.00"}],
        "kind": "sample",
        "source": "a test",
        "year": "2026",
    }
    change = {"action": "reprice", "sku_id": "vm-x86-2c4g", "ceiling": ceiling}
    id = proposed(city, changes=[change])["id"]
    refused(city.get(f"proposals/{id}", "prov1.a"), 404, "not_found")
    refused(city.get(f"proposals/{id}/effect", "d01.user"), 404, "not_found")
    opened = done(city.give("open_proposal", "opco.a", {}, proposal_id=id))
    said = {"organisation_id": "prov1", "text": "too steep", "sku_id": "vm-x86-2c4g"}
    done(city.give("comment_on_proposal", "prov1.a", said, proposal_id=id))
    assert [each["text"] for each in city.items("proposal-comments", "finance.a")] == ["too steep"]
    assert city.items("proposal-comments", "prov2.a") == []
    assert [each["id"] for each in city.items("proposals", "d01.user")] == [id]
    refused(city.give("co_sign_proposal", "finance.a", {}, proposal_id=id), 409, "comments_open")
    clock = {"now": opened["comments_until"]}
    done(city.request("PUT", "rehearsal/clock", "authority.sysadmin", json=clock))
    done(city.give("co_sign_proposal", "finance.a", {}, proposal_id=id))
    paper = {"document_number": "示数据〔2026〕15号", "effective_from": APRIL, "kind": "sample"}
    refused(city.give("publish_proposal", "finance.a", paper, proposal_id=id), 403, "forbidden")
    published = done(city.give("publish_proposal", "authority.a", paper, proposal_id=id))
    assert (published["state"], published["version_id"]) == ("published", "2026-04-01")
    diff = done(city.get(f"catalog-versions/{BASE}/diff/2026-04-01", "finance.a"))
    assert [each["id"] for each in diff["lines"]] == ["vm-x86-2c4g"]
    book = city.get(f"catalog-versions/{BASE}/diff/2026-04-01/workbook", "finance.a")
    assert book.content.startswith(b"PK")
    assert city.get(f"proposals/{id}/effect/workbook", "d01.user").content.startswith(b"PK")
    assert exported(city, "toml", "2026-04-01") != exported(city, "toml")
    done(
        city.request(
            "PUT",
            "rehearsal/clock",
            "authority.sysadmin",
            json={"now": "2026-04-01T00:00:00+08:00"},
        )
    )
    above = done(city.get("quotes/above-ceiling", "finance.a"))
    assert {each["sku_id"] for each in above} <= {"vm-x86-2c4g"}


def test_an_unknown_version_is_not_found(city: Api) -> None:
    refused(city.get("catalog-versions/never/export", "d01.user"), 404, "not_found")
    refused(city.get(f"catalog-versions/{BASE}/diff/never", "d01.user"), 404, "not_found")


def test_a_line_outside_the_catalog_is_asked_for_and_estimated(city: Api) -> None:
    body = an_agreement(city, "d01")
    terms = body["lines"][0]["off_catalog"]
    draft = done(city.give("draft_request", "d01.user", body))
    (line,) = draft["lines"]
    item = done(city.get(f"off-catalog-items/{line['sku_id']}", "d01.user"))
    assert (item["state"], item["contract_id"]) == ("offered", terms["contract_id"])
    refused(city.get(f"off-catalog-items/{line['sku_id']}", "d02.user"), 404, "not_found")
    estimate = done(city.get(f"requests/{draft['id']}/estimate", "d01.user"))
    assert {each["pool_id"] for each in estimate["candidates"]} == {terms["pool_id"]}
    refused(city.get("catalog/candidates", "d01.user"), 403, "forbidden")
    assert done(city.get("catalog/candidates", "authority.a")) == []
    metered = an_agreement(city, "d01", model="metered")
    refused(city.give("draft_request", "d01.user", metered), 422, "bad_value")


def test_a_policy_is_changed_by_its_fields(city: Api) -> None:
    body = {"title": "t", "reason": "r", "changes": {"clocks": {"review_workdays": 3}}}
    draft = done(city.give("draft_policy", "opco.a", body))
    changes = done(city.get(f"policy-drafts/{draft['id']}/changes", "finance.a"))
    assert changes == [{"field": "clocks.review_workdays", "before": "2", "after": "3"}]
    refused(city.get(f"policy-drafts/{draft['id']}", "d01.user"), 404, "not_found")
    wrong = {**body, "changes": {"clocks": {"revue_workdays": 3}}}
    refused(city.give("draft_policy", "opco.a", wrong), 422, "bad_value")
