"""Quotas and budgets over HTTP: headroom, moved limits, how money is used, budgets by workbook."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cloudmgr.services.budgets_import import COLUMNS, TITLE
from cloudmgr.sheets.writing import Sheet, write_book
from tests.support.api import Api, done, refused

OWN, PAYER = "finance/d01/2026", "finance/-/2026"


def vcpu(api: Api, scope_id: str, login: str) -> dict[str, Any]:
    told = done(api.get(f"quotas/{scope_id}/headroom", login))
    found: dict[str, Any] = next(
        each for each in told["classes"] if each["resource_class"] == "VCPU"
    )
    return found


def test_a_department_sees_what_it_may_still_take(city: Api) -> None:
    (quota,) = city.items("quotas", "d01.user", scope_id="d01", resource_class="VCPU")
    seen = vcpu(city, "d01", "d01.user")
    assert (seen["limit_units"], seen["standing"]) == (quota["limit_units"], "limited")
    assert seen["committed"] == quota["allocated"] + quota["reserved"]
    assert seen["headroom_units"] <= quota["limit_units"] - seen["committed"]
    assert seen["tight_scope_id"] in ("d01", "city")


@pytest.mark.parametrize("scope_id", ["d02", "city", "nobody"])
def test_others_headroom_is_not_there(city: Api, scope_id: str) -> None:
    refused(city.get(f"quotas/{scope_id}/headroom", "d01.user"), 404, "not_found")
    refused(city.get(f"quotas/{scope_id}/headroom"), 401, "unauthenticated")


def test_a_limit_moves_between_departments_or_not_at_all(own_city: Api) -> None:
    limits = [vcpu(own_city, id, "tech.a")["limit_units"] for id in ("d01", "d02")]
    body = {"from_scope_id": "d02", "to_scope_id": "d01", "resource_class": "VCPU", "units": 1}
    moved = done(own_city.post("quota-moves", "tech.a", body))
    assert [moved["taker"]["limit_units"], moved["giver"]["limit_units"]] == [
        limits[0] + 1,
        limits[1] - 1,
    ]
    refused(own_city.post("quota-moves", "tech.a", body | {"units": 10**6}), 409, "quota_exceeded")
    refused(own_city.post("quota-moves", "d01.user", body), 403, "forbidden")
    assert vcpu(own_city, "d01", "tech.a")["limit_units"] == limits[0] + 1


def test_the_execution_of_a_budget_is_exact_and_hidden_from_others(city: Api) -> None:
    told = done(city.get(f"budgets/{OWN}/execution", "d01.user"))
    share = Fraction(told["calendar_share"])
    assert share.denominator in (1, 365, 73, 5)
    assert 0 <= share <= 1
    (stage,) = told["stages"]
    assert (stage["budget_id"], stage["execution_rate"]) == (OWN, "0")
    whole = done(city.get(f"budgets/{PAYER}/execution", "finance.a"))
    assert {each["depth"] for each in whole["stages"]} == {0, 1}
    for path in (f"budgets/{PAYER}/execution", f"budgets/{PAYER}"):
        refused(city.get(path, "d01.user"), 404, "not_found")
        refused(city.get(path, "finance-xiayi.a"), 404, "not_found")
    assert done(city.get(f"budgets/{OWN}", "d01.user"))["id"] == OWN


def test_next_years_budgets_come_from_a_workbook(own_city: Api) -> None:
    row = {
        "payer": "finance",
        "department": "d01",
        "year": 2027,
        "amount": "1000000.00",
        "document_number": "test 2027",
    }
    sheet = write_book([Sheet(TITLE, COLUMNS, [row | {"department": ""}, row])])
    faulty = write_book([Sheet(TITLE, COLUMNS, [row, row | {"amount": "1.005"}])])
    files = [
        done(own_city.request("POST", "files", "finance.a", files={"file": ("b.xlsx", data, "")}))
        for data in (faulty, sheet)
    ]
    first, second = ({"file_id": each["id"]} for each in files)
    problem = refused(own_city.post("budget-imports", "finance.a", first), 422, "bad_rows")
    assert [(each["row"], each["column"]) for each in problem["faults"]] == [(3, "批复金额")]
    assert not own_city.items("budgets", "finance.a", year=2027)
    made = done(own_city.post("budget-imports", "finance.a", second))
    assert [each["id"] for each in made["budgets"]] == ["finance/-/2027", "finance/d01/2027"]
    template = own_city.get("budget-imports/template.xlsx", "finance.a")
    assert template.content[:2] == b"PK"


def test_a_year_is_turned_by_itself_and_not_early(own_city: Api) -> None:
    refused(own_city.post("fiscal-years/turns", "finance.a", {"year": 2027}), 422, "bad_value")
    year = done(own_city.post("fiscal-years/turns", "finance.a", {"year": 2026}))
    assert year["committed"] == "0.00", "the opening has committed it already"
    assert year["allocations"] > 0
    (listed,) = own_city.items("fiscal-years", "finance.a")
    assert listed["id"] == "2026"
