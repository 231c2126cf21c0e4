"""Organisations, ledgers and adoption over HTTP: as offices and departments use them."""

from __future__ import annotations

from typing import Any

from cloudmgr.services.ledgers_sheets import SHEETS
from cloudmgr.sheets.writing import Sheet, write_book
from tests.api.test_roles import example
from tests.support.api import Api, done, refused


def at(api: Api, moment: str) -> None:
    done(api.request("PUT", "rehearsal/clock", "authority.sysadmin", json={"now": moment}))


def figure(answer: dict[str, Any], region: str, indicator: str) -> dict[str, Any]:
    of_region = next(each for each in answer["regions"] if each["region_id"] == region)
    found: dict[str, Any] = next(
        each for each in of_region["figures"] if each["indicator"] == indicator
    )
    return found


def test_the_city_sees_how_far_it_is_and_a_county_only_itself(city: Api) -> None:
    answer = done(city.get("adoption", "authority.a", date="2026-01-31"))
    rooms = figure(answer, "city", "rooms")
    assert int(rooms["numerator"]) == len(rooms["counted_ids"])
    assert int(rooms["denominator"]) == len(rooms["counted_ids"]) + len(rooms["other_ids"])
    assert (rooms["target"], rooms["met"]) == ("19/20", False)
    saving = figure(answer, "city", "saving")
    assert saving["value"] is None
    assert "billed" in saving["why"]
    county = done(city.get("adoption", "d41.reviewer"))
    assert {each["region_id"] for each in county["regions"]} == {"xiayi"}
    refused(city.get("adoption", "d01.user"), 403, "forbidden")
    refused(city.get("adoption", "prov1.a"), 403, "forbidden")
    refused(city.get("adoption", "authority.a", date="tomorrow"), 422, "malformed")


def test_before_a_room_was_closed_it_is_not_counted(city: Api) -> None:
    before = done(city.get("adoption", "authority.a", date="2021-01-01"))
    assert figure(before, "city", "rooms")["numerator"] == "0"


def test_the_list_of_systems_that_should_be_on_the_cloud(own_city: Api) -> None:
    body = {**example("register_application"), "off_cloud": True, "deadline": "2026-01-01"}
    made = done(own_city.post("applications", "d01.user", body))
    listed = done(own_city.get("applications/not-on-cloud", "d01.user", on="2026-01-02"))
    line = next(each for each in listed if each["application_id"] == made["id"])
    assert line["overdue"]
    other = done(own_city.get("applications/not-on-cloud", "d02.user"))
    assert made["id"] not in {each["application_id"] for each in other}
    refused(
        own_city.get("applications/not-on-cloud", "d02.user", department_id="d01"),
        404,
        "not_found",
    )


def test_a_ledger_goes_out_and_comes_in_again(own_city: Api) -> None:
    book = own_city.get("machine-room-imports/export.xlsx", "tech.a")
    assert book.is_success
    sent = {"file": ("rooms.xlsx", book.content)}
    file = done(own_city.request("POST", "files", "tech.a", files=sent))["id"]
    told = done(own_city.post("machine-room-imports", "tech.a", {"file_id": file}))
    assert (told["created"], told["changed"]) == (0, 0)
    assert told["unchanged"] == len(own_city.items("machine-rooms", "tech.a", limit=500))


def test_faults_are_told_by_row_and_column_and_nothing_is_kept(own_city: Api) -> None:
    rows = [
        {"code": "ZW-901", "name_zh": "专网", "department": "d01"},
        {"code": "ZW-902", "name_zh": "专网", "department": "没有这个单位"},
    ]
    book = write_book([Sheet("专网", SHEETS["network"].columns, rows)])
    sent = {"file": ("networks.xlsx", book)}
    file = done(own_city.request("POST", "files", "tech.a", files=sent))["id"]
    problem = refused(
        own_city.post("network-imports", "tech.a", {"file_id": file}), 422, "bad_rows"
    )
    assert [(each["row"], each["column"]) for each in problem["faults"]] == [(3, "用云单位")]
    codes = {each["code"] for each in own_city.items("networks", "tech.a", limit=500)}
    assert "ZW-901" not in codes


def test_departments_merge_and_the_new_one_sees_it_all(own_city: Api) -> None:
    body = {
        "department_ids": ["d30"],
        "into_department_id": "d05",
        "effective_from": "2026-01-15",
        "document_number": "示编〔2026〕3号",
    }
    made = done(own_city.post("reorganisations/merge", "authority.a", body))
    (foreseen,) = done(own_city.get(f"reorganisations/{made['id']}/preview", "finance.a"))
    refused(own_city.get(f"reorganisations/{made['id']}/preview", "d05.user"), 404, "not_found")
    at(own_city, "2026-01-15T08:00:00+08:00")
    assert done(own_city.get(f"reorganisations/{made['id']}", "authority.a"))["moved"] == [foreseen]
    moved = set(foreseen["allocation_ids"])
    assert moved
    seen = {each["id"] for each in own_city.items("allocations", "d05.user", limit=500)}
    assert moved <= seen
    assert own_city.items("allocations", "d30.user", limit=500) == []
    ended = done(own_city.get("organisations/d30", "d05.user"))
    assert (ended["successor_id"], ended["ended_at"]) == ("d05", "2026-01-14T16:00:00Z")
    again = own_city.post(
        "reorganisations/merge", "authority.a", {**body, "effective_from": "2026-02-01"}
    )
    refused(again, 409, "organisation_ended")


def test_both_departments_get_a_statement_for_their_own_days(own_city: Api) -> None:
    body = {
        "department_ids": ["d30"],
        "into_department_id": "d05",
        "effective_from": "2026-01-11",
        "document_number": "示编〔2026〕3号",
    }
    done(own_city.post("reorganisations/merge", "authority.a", body))
    at(own_city, "2026-02-05T09:00:00+08:00")
    done(own_city.post("periods/2026-01/close", "finance.a"))
    mine = own_city.items("lines", "finance.a", month="2026-01", department_id="d30")
    moved = {each["allocation_id"] for each in mine}
    theirs = [
        each
        for each in own_city.items("lines", "finance.a", month="2026-01", department_id="d05")
        if each["allocation_id"] in moved
    ]
    days = {each["fraction"] for each in mine if each["model"] == "recurring"}
    assert days == {"10/31"}
    assert {each["fraction"] for each in theirs if each["model"] == "recurring"} == {"21/31"}
    statement = done(own_city.get("statements/ST-2026-01/d30", "d05.user"))
    assert statement["department_name"] == "市金融局"
    done(own_city.post("statements/ST-2026-01/d30/confirmation", "d05.lead"))


def test_a_new_name_is_read_from_its_day_on(own_city: Api) -> None:
    body = {**example("rename_organisation"), "effective_from": "2026-02-01"}
    changed = done(own_city.post("organisations/d04/rename", "authority.a", body))
    assert changed["name_zh"] == "市大数据中心"
    at(own_city, "2026-02-01T00:00:00+08:00")
    renamed = done(own_city.get("organisations/d04", "d01.user"))
    assert renamed["name_zh"] == body["name_zh"]
    assert [each["name_zh"] for each in renamed["names"]] == [
        "市信息中心",
        "市大数据中心",
        body["name_zh"],
    ]
