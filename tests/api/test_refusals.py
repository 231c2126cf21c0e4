"""The refusals people meet in their work: each with a stable code and a sentence to act upon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog.period import midnight
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import RequestState
from tests.support.api import Api, done, refused
from tests.support.january import (
    GRACE_OVER,
    KUNPENG_VM,
    a_draft,
    deliver,
    move_clock,
    sign,
    submit,
)

OFFER = {
    "contract_id": "HT-2025-01",
    "pool_id": "kunpeng-a",
    "sku_id": KUNPENG_VM,
    "tiers": [{"from_quantity": 0, "unit_price": "100.000000"}],
    "effective_from": "2026-02-01T00:00:00+08:00",
}
BUDGET_CHANGE = {
    "payer_id": "finance",
    "department_id": "d40",
    "year": 2026,
    "kind": "add",
    "amount": "1000.00",
    "document_number": "示财预〔2026〕99号",
}


def with_tier(price: Any) -> dict[str, Any]:
    return {**OFFER, "tiers": [{"from_quantity": 0, "unit_price": price}]}


# --- money ---------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1000.0, 0.1, -5.5])
def test_a_float_offered_as_money_is_refused(city: Api, amount: float) -> None:
    answer = city.post("budget-changes", "finance.a", {**BUDGET_CHANGE, "amount": amount})
    problem = refused(answer, 422, "float_money")
    assert problem["detail"].startswith("body.amount: ")
    assert "as a string" in problem["detail"]


def test_a_float_deep_in_an_offer_is_refused_as_money_too(city: Api) -> None:
    problem = refused(city.post("quotes", "prov1.a", with_tier(99.9)), 422, "float_money")
    assert problem["detail"].startswith("body.tiers.0.unit_price: ")


@pytest.mark.parametrize(
    "amount",
    ["1000.001", "1,000.00", "NaN", "1e3", "", " 1000", "１０００", True, None, [1], "1" * 20],
)
def test_money_that_is_not_exact_yuan_and_fen_is_refused(city: Api, amount: Any) -> None:
    answer = city.post("budget-changes", "finance.a", {**BUDGET_CHANGE, "amount": amount})
    refused(answer, 422, "bad_amount")


def test_a_coefficient_is_an_exact_ratio(city: Api) -> None:
    for coefficient in (0.75, "1/0", "three quarters"):
        body = {"coefficient": coefficient, "reason": "协商"}
        answer = city.post("settlements/SE-1/coefficient", "finance.a", body)
        refused(answer, 422, "bad_ratio")


# --- prices --------------------------------------------------------------------------------


def test_a_quote_over_its_ceiling_names_both_prices(city: Api) -> None:
    answer = city.post("quotes", "prov1.a", with_tier("99999.000000"))
    problem = refused(answer, 409, "quote_over_ceiling")
    assert "99999.00 yuan" in problem["detail"]
    assert f"its ceiling of {problem['ceiling']} yuan" in problem["detail"]
    assert problem["sku"] == KUNPENG_VM


def test_a_quote_at_its_ceiling_is_taken(city: Api) -> None:
    ceiling = city.post("quotes", "prov1.a", with_tier("99999.000000")).json()["ceiling"]
    assert done(city.post("quotes", "prov1.a", with_tier(ceiling)))["state"] == "submitted"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"effective_from": "2026-02-01T00:00:01+08:00"}, 422, "not_midnight"),
        ({"effective_from": "2025-12-01T00:00:00+08:00"}, 422, "not_midnight"),
        ({"effective_from": "2026-02-01T00:00:00"}, 422, "malformed"),
        ({"pool_id": "x86-a"}, 409, "not_covered"),
        ({"sku_id": "vm-of-nobody"}, 404, "unknown_sku"),
        ({"contract_id": "HT-1999-01"}, 404, "not_found"),
        ({"tiers": []}, 422, "bad_tiers"),
    ],
)
def test_an_offer_that_does_not_fit_is_refused(
    city: Api, change: dict[str, Any], status: int, code: str
) -> None:
    refused(city.post("quotes", "prov1.a", {**OFFER, **change}), status, code)


def test_a_request_for_a_sku_without_a_price_stops_when_it_is_submitted(own_city: Api) -> None:
    _take_price_away(own_city, KUNPENG_VM)
    request = a_draft(own_city)
    problem = refused(own_city.post(f"requests/{request}/submission", "d01.user"), 409, "no_pool")
    assert "kunpeng-a refused by contract" in problem["detail"]
    assert done(own_city.get(f"requests/{request}", "d01.user"))["state"] == "draft"


def test_a_sku_without_a_price_stops_the_months_close_and_is_named(own_city: Api) -> None:
    _take_price_away(own_city, KUNPENG_VM)
    move_clock(own_city, GRACE_OVER)
    problem = refused(own_city.post("periods/2026-01/close", "finance.a"), 409, "unpriced")
    running = own_city.items("allocations", "finance.a", limit=500)
    without = [each["id"] for each in running if each["sku_id"] == KUNPENG_VM]
    assert len(problem["resources"]) == len(without) > 0
    for id, told in zip(without, problem["resources"], strict=True):
        assert id in told
    assert own_city.items("statements", "finance.a") == []


def _take_price_away(api: Api, sku: str) -> None:
    """Its quotes begin only in the next year."""
    with api.node.transaction() as world:
        for quote in world.find(Quote, sku_id=sku):
            world.put(replace(quote, effective_from=midnight(date(2027, 1, 1))))


# --- requests ------------------------------------------------------------------------------


def test_who_submitted_a_request_does_not_sign_it(own_city: Api) -> None:
    """Even when the same person is given the lead's role afterwards."""
    request = a_draft(own_city)
    submit(own_city, request)
    grant = {"role": "department_lead", "organisation_id": "d01"}
    done(own_city.post("users/d01.user/roles", "authority.secadmin", grant))
    answer = own_city.post(f"requests/{request}/signatures", "d01.user", {"decision": "approve"})
    problem = refused(answer, 403, "own_submission")
    assert "another person" in problem["detail"]


def test_a_second_approval_by_the_same_person_is_refused(own_city: Api) -> None:
    request = a_draft(own_city)
    submit(own_city, request)
    grant = {"role": "technical_reviewer", "organisation_id": "tech"}
    done(own_city.post("users/opco.a/roles", "authority.secadmin", grant))
    sign(own_city, request, "d01.lead", "opco.a")
    answer = own_city.post(f"requests/{request}/signatures", "opco.a", {"decision": "approve"})
    assert "acceptance" in refused(answer, 403, "signed_already")["detail"]
    sign(own_city, request, "tech.a")


def test_out_of_turn_nobody_signs(city: Api) -> None:
    request = a_draft(city, "d05", _system(city, "d05"))
    submit(city, request, "d05")
    answer = city.post(f"requests/{request}/signatures", "tech.a", {"decision": "approve"})
    assert "department_lead" in refused(answer, 409, "not_your_step")["detail"]


def test_an_illegal_move_names_both_states_and_the_legal_ones(city: Api) -> None:
    request = a_draft(city)
    problem = refused(
        city.post(f"requests/{request}/dispatch", "opco.a"), 409, "illegal_transition"
    )
    assert (problem["state"], problem["to"]) == (RequestState.DRAFT, RequestState.PROVISIONING)
    assert "'draft'" in problem["detail"]
    assert "'provisioning'" in problem["detail"]
    assert "unit_signing" in problem["detail"]


def test_a_request_is_not_submitted_twice(city: Api) -> None:
    request = a_draft(city, "d06", _system(city, "d06"))
    submit(city, request, "d06")
    again = city.post(f"requests/{request}/submission", "d06.user")
    assert refused(again, 409, "illegal_transition")["state"] == "unit_signing"


def test_a_delivery_is_not_rated_before_it_is_completed(city: Api) -> None:
    request = a_draft(city)
    refused(
        city.post(f"requests/{request}/ratings", "d01.user", {"stars": 5}), 409, "not_completed"
    )


def test_a_service_is_rated_once(own_city: Api) -> None:
    request = a_draft(own_city)
    submit(own_city, request)
    sign(own_city, request, "d01.lead", "opco.a", "tech.a")
    deliver(own_city, request, "d01")
    done(own_city.post(f"requests/{request}/ratings", "d01.user", {"stars": 5}))
    answer = own_city.post(f"requests/{request}/ratings", "d01.user", {"stars": 1})
    refused(answer, 409, "rated_already")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": []}, "bad_value"),
        ({"lines": [{"line": 2, "sku_id": KUNPENG_VM, "quantity": 1}]}, "bad_value"),
        ({"lines": [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 0}]}, "bad_value"),
        ({"lines": [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 1.5}]}, "malformed"),
        ({"lines": [{"line": 1, "sku_id": KUNPENG_VM}]}, "malformed"),
        ({"kind": "change"}, "bad_value"),
        ({"kind": "gift"}, "malformed"),
        ({"urgent": True}, "malformed"),
    ],
)
def test_a_request_that_is_not_well_formed_is_refused(
    city: Api, change: dict[str, Any], code: str
) -> None:
    line = {"line": 1, "sku_id": KUNPENG_VM, "quantity": 1}
    body = {"department_id": "d01", "application_id": "A01", "kind": "new", "reason": "r",
            "lines": [line], **change}  # fmt: skip
    problem = refused(city.post("requests", "d01.user", body), 422, code)
    field = next(iter(change))
    assert field in problem["detail"] or "allocation_id" in problem["detail"]


def test_a_request_for_another_departments_system_finds_no_such_system(city: Api) -> None:
    body = {"department_id": "d01", "application_id": "A10", "kind": "new", "reason": "r",
            "lines": [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 1}]}  # fmt: skip
    refused(city.post("requests", "d01.user", body), 404, "not_found")


def test_a_body_may_be_left_out_where_every_field_of_it_may(city: Api) -> None:
    request = a_draft(city)
    answer = city.request("POST", f"requests/{request}/resubmission", "d01.lead")
    refused(answer, 409, "illegal_transition")


# --- limits and papers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "0.00"}, "bad_value"),
        ({"amount": "-1.00"}, "bad_value"),
        ({"document_number": ""}, "bad_value"),
        ({"year": 26}, "bad_value"),
        ({"year": 10**30}, "bad_value"),
        ({"kind": "gift"}, "malformed"),
    ],
)
def test_a_budget_change_that_does_not_fit_is_refused(
    city: Api, change: dict[str, Any], code: str
) -> None:
    refused(city.post("budget-changes", "finance.a", {**BUDGET_CHANGE, **change}), 422, code)


def test_a_quota_above_its_parents_is_refused(own_city: Api) -> None:
    where = {"scope_id": "d02", "resource_class": "VCPU"}
    parent = own_city.items("quotas", "tech.a", **where)[0]["limit_units"]
    system = own_city.items("applications", "d02.user")[0]["id"]
    limit = {"scope": "application", "scope_id": system, "resource_class": "VCPU"}
    done(own_city.post("quotas", "tech.a", {**limit, "limit_units": parent}))
    above = own_city.post("quotas", "tech.a", {**limit, "limit_units": parent + 1})
    refused(above, 409, "limit_above_parent")


@pytest.mark.parametrize("opened_at", ["2026-01-01T00:00:00", "yesterday", "2026-13-01T00:00:00Z"])
def test_an_instant_says_its_offset(city: Api, opened_at: str) -> None:
    body = {"pool_id": "kunpeng-a", "severity": "minor", "description": "x", "opened_at": opened_at}
    problem = refused(city.post("incidents", "prov1.a", body), 422, "malformed")
    assert problem["faults"][0]["where"] == "body.opened_at"


@pytest.mark.parametrize(
    "opened_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1999-12-31T23:59:59Z"]
)
def test_an_instant_lies_in_years_that_have_billing_months(city: Api, opened_at: str) -> None:
    body = {"pool_id": "kunpeng-a", "severity": "minor", "description": "x", "opened_at": opened_at}
    refused(city.post("incidents", "prov1.a", body), 422, "malformed")


def test_an_incident_does_not_begin_in_the_future(city: Api) -> None:
    body = {"pool_id": "kunpeng-a", "severity": "minor", "description": "x",
            "opened_at": "2026-01-01T00:00:01+08:00"}  # fmt: skip
    assert (
        refused(city.post("incidents", "prov1.a", body), 422, "bad_value")["field"] == "opened_at"
    )


def test_a_login_is_taken_once(city: Api) -> None:
    body = {"login": "d01.user", "name": "n", "password": "a long pass phrase"}
    answer = city.post("users", "authority.sysadmin", body)
    assert "login" in refused(answer, 409, "already_exists")["detail"]


def test_what_expired_meanwhile_is_refused_with_its_state(own_city: Api) -> None:
    """An approval that nobody dispatched in its working days holds nothing any more."""
    request = a_draft(own_city)
    submit(own_city, request)
    sign(own_city, request, "d01.lead", "opco.a", "tech.a")
    move_clock(own_city, "2026-01-31T10:00:00+08:00")
    problem = refused(
        own_city.post(f"requests/{request}/dispatch", "opco.a"), 409, "illegal_transition"
    )
    assert problem["state"] == "expired"


def _system(api: Api, department: str) -> str:
    """A system that may get more: not secret, checked and approved."""
    for each in api.items("applications", f"{department}.user"):
        if each["mlps_level"] in (2, 3) and each["security_check_passed"]:
            return str(each["id"])
    raise AssertionError(f"{department} has no system that may ask for anything")
