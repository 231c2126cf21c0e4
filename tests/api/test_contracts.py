"""Contracts over HTTP: amended by documents, and who may know how far they are used up."""

from __future__ import annotations

import pytest

from tests.support.api import Api, done, refused

KUNPENG = "HT-2025-01"


def test_an_amendment_is_listed_with_what_it_changed(own_city: Api) -> None:
    body = {
        "document_number": "示例补〔2026〕1号",
        "ends_at": "2029-07-01T00:00:00+08:00",
        "total": "36500000.00",
    }
    path = f"contracts/{KUNPENG}/amendments"
    refused(own_city.post(path, "prov1.a", body), 403, "forbidden")
    made = done(own_city.post(path, "authority.a", body))
    assert {each["field"] for each in made["changes"]} == {"ends_at", "total"}
    assert own_city.items("contract-amendments", "prov1.a") == [made]
    assert own_city.items("contract-amendments", "prov2.a") == []
    too_much = {"document_number": "补2", "total": "46000000.00"}
    refused(own_city.post(path, "authority.a", too_much), 409, "supplement_over_limit")


def test_progress_is_for_the_city_and_the_contracts_own_provider(city: Api) -> None:
    path = f"contracts/{KUNPENG}/progress"
    found = done(city.get(path, "finance.a"))
    assert done(city.get(path, "prov1.a")) == found
    assert found["live_allocations"] > 100
    assert found["paid"] == found["settled"] == "3650000.00"
    assert found["left"] == "32350000.00"
    assert found["settled_until"] == "2025-12-31T16:00:00Z"
    for stranger in ("prov2.a", "d01.user"):
        refused(city.get(path, stranger), 404, "not_found")


def test_the_run_rate_of_all_contracts_is_what_everything_that_runs_costs_a_month(
    city: Api,
) -> None:
    contracts = city.items("contracts", "finance.a")
    found = [done(city.get(f"contracts/{each['id']}/progress", "finance.a")) for each in contracts]
    running = len(city.items("allocations", "finance.a", limit=500))
    assert sum(each["live_allocations"] for each in found) == running


def test_departments_read_number_and_term_and_nothing_of_what_is_settled(city: Api) -> None:
    cards = done(city.get("contracts/cards", "d01.user"))
    assert len(cards) == len(city.items("contracts", "finance.a"))
    assert {"number", "ends_at", "total"} <= set(cards[0])
    assert {"settled", "paid", "left", "monthly_run_rate"}.isdisjoint(cards[0])
    assert [each["id"] for each in done(city.get("contracts/cards", "prov1.a"))] == [KUNPENG]
    assert done(city.get("contracts/cards", "authority.sysadmin")) == []
    assert city.items("contracts", "d01.user") == []


def test_warnings_are_told_to_the_city_and_the_provider_they_are_about(own_city: Api) -> None:
    end = {"document_number": "终1", "reason": "退出", "ends_at": "2026-03-01T00:00:00+08:00"}
    done(own_city.post(f"contracts/{KUNPENG}/termination", "authority.a", end))
    (told,) = done(own_city.get("contracts/warnings", "prov1.a"))
    assert (told["contract_id"], told["kind"], told["days_left"], told["threshold_days"]) == (
        KUNPENG, "term_ending", 59, 90,
    )  # fmt: skip
    assert told in done(own_city.get("contracts/warnings", "finance.a"))
    assert done(own_city.get("contracts/warnings", "prov2.a")) == []
    assert done(own_city.get("contracts/warnings", "d01.user")) == []


@pytest.mark.parametrize("path", ["contracts/warnings", "contracts/cards"])
def test_nobody_reads_without_signing_in(city: Api, path: str) -> None:
    refused(city.get(path), 401, "unauthenticated")
