"""Going live over HTTP: the workbook is sent, answered line by line, signed, and stands in the
books at the cut-over."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from cloudmgr.services.openings_sheets import TITLES
from tests.support.api import Api, done, refused
from tests.support.january import an_opening, move_clock

JUNE = "2026-06-01T00:00:00+08:00"


def lines(api: Api, opening: str, login: str = "authority.a") -> list[dict[str, Any]]:
    return api.items("opening-lines", login, opening_id=opening)


def sent(api: Api, data: bytes) -> str:
    file = {"file": ("opening.xlsx", data)}
    return str(done(api.request("POST", "files", "opco.a", files=file))["id"])


@pytest.mark.parametrize(
    ("language", "titles"), [("zh", list(TITLES.values())), ("en", list(TITLES))]
)
def test_the_template_has_every_sheet_with_an_example_and_explains_its_columns(
    city: Api, language: str, titles: list[str]
) -> None:
    answer = city.get("openings/template.xlsx", "prov1.a", language=language)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[:5] == [str(each) for each in titles]
    assert all(book[each].max_row == 2 for each in book.sheetnames[:5])
    notes = [cell.value for row in book.worksheets[5].iter_rows() for cell in row]
    assert {"合同编号", "provider", "voucher_number"} <= set(notes)
    refused(city.get("openings/template.xlsx"), 401, "unauthenticated")


def test_the_examples_of_the_template_are_no_rows_of_a_city(city: Api) -> None:
    data = city.get("openings/template.xlsx", "opco.a").content
    body = {"title": "t", "cut_over": JUNE, "file_id": sent(city, data)}
    problem = refused(city.post("openings", "opco.a", body), 422, "bad_rows")
    places = {(each["sheet"], each["row"]) for each in problem["faults"]}
    assert places == {(title, 2) for title in TITLES.values()}
    assert all(each["column"] and each["why"] for each in problem["faults"])


def test_an_opening_is_confirmed_objected_to_signed_and_live(own_city: Api) -> None:
    api = own_city
    opening = an_opening(api, cut_over=JUNE)
    before = _allocated(api)
    first, _, county = lines(api, opening)
    assert [each["id"] for each in lines(api, opening, "d01.user")] == [first["id"]]
    assert len(lines(api, opening, "prov1.a")) == 3
    assert lines(api, opening, "prov2.a") == []
    refused(api.get(f"opening-lines/{first['id']}", "prov2.a"), 404, "not_found")
    refused(api.post(f"opening-lines/{first['id']}/confirmation", "prov2.a"), 404, "not_found")
    answered = done(api.post(f"openings/{opening}/confirmations", "prov1.a", {}))
    assert answered == {"opening_id": opening, "lines": 3}
    done(api.post(f"opening-lines/{first['id']}/confirmation", "d01.lead"))
    done(api.post(f"openings/{opening}/confirmations", "d02.user", {}))
    reason = {"reason": "该主机已于去年底关停"}
    done(api.post(f"opening-lines/{county['id']}/objection", "d41.user", reason))
    refused(api.post(f"openings/{opening}/signature", "opco.a"), 403, "forbidden")
    done(api.post(f"openings/{opening}/signature", "authority.a"))
    assert done(api.post(f"openings/{opening}/signature", "finance.a"))["state"] == "signed"
    assert api.items("allocations", "tech.a", limit=500)[-1]["delivered_at"] < "2026-06"
    move_clock(api, JUNE)
    live = done(api.get(f"openings/{opening}", "d01.user"))
    assert (live["state"], live["live_at"]) == ("live", "2026-05-31T16:00:00Z")
    states = [each["state"] for each in lines(api, opening)]
    assert states == ["live", "live", "left_out"]
    made = done(api.get(f"allocations/{lines(api, opening)[0]['record_id']}", "d01.user"))
    assert made["segments"][0]["start"] == live["live_at"]
    for each in made["resources"]:
        id = f"kunpeng-a/{each['resource_class']}"
        assert _allocated(api)[id] == before[id] + 2 * each["units"]


def _allocated(api: Api) -> dict[str, int]:
    counters = api.items("inventories", "tech.a", limit=500)
    return {each["id"]: each["allocated"] for each in counters}


def test_a_line_is_corrected_and_a_workbook_replaced(own_city: Api) -> None:
    api = own_city
    opening = an_opening(api, cut_over=JUNE)
    first = lines(api, opening)[0]
    done(api.post(f"openings/{opening}/confirmations", "prov1.a", {}))
    edit = {"cells": [{"column": "数量", "value": "3"}]}
    edited = done(api.post(f"opening-lines/{first['id']}/cells", "opco.a", edit))
    assert (edited["resource"]["quantity"], edited["answers"]) == (3, [])
    wrong = {"cells": [{"column": "quantity", "value": "three"}]}
    problem = refused(
        api.post(f"opening-lines/{first['id']}/cells", "opco.a", wrong), 422, "bad_rows"
    )
    assert [(each["row"], each["column"]) for each in problem["faults"]] == [(2, "数量")]
    empty = sent(api, api.get("openings/template.xlsx", "opco.a").content)
    again = api.post(f"openings/{opening}/workbook", "opco.a", {"file_id": empty})
    refused(again, 422, "bad_rows")
    assert [each["state"] for each in lines(api, opening)] == ["waiting"] * 3
    done(api.post(f"openings/{opening}/drop", "authority.a"))
    refused(api.post(f"openings/{opening}/signature", "finance.a"), 409, "illegal_transition")
