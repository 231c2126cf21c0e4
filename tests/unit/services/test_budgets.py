"""Budgets change by signed records; money comes from somewhere and stays above what is bound."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from catalog.money import amount
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetChangeKind
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.requests import WithdrawRequest
from tests.support.requests import a_line, approved, check_conserved, completed, running
from tests.support.worlds import Town, a_town

K = BudgetChangeKind
HEALTH, TRANSPORT, PAYER = (
    "treasury/health/2026",
    "treasury/transport/2026",
    "treasury/-/2026",
)


@pytest.fixture
def town() -> Town:
    return a_town()


def change(kind: BudgetChangeKind = K.ADD, yuan: str = "1000.00", **how: Any) -> RecordBudgetChange:
    fields: dict[str, Any] = {
        "payer_id": "treasury",
        "department_id": "health",
        "year": 2026,
        "kind": kind,
        "amount": amount(yuan),
        "document_number": "test 2",
    }
    return RecordBudgetChange(**(fields | how))


def approved_of(town: Town, id: str) -> str:
    return str(town.look(Budget, id).approved)


def test_a_change_is_a_record_with_its_document(town: Town) -> None:
    assert str(town.give(change(), "treasury.a").approved) == "501000.00"
    (record,) = town.all(BudgetChange)
    assert (record.budget_id, record.kind, record.document_number) == (HEALTH, K.ADD, "test 2")
    assert (record.amount, record.at) == (Decimal("1000.00"), town.now)


@pytest.mark.parametrize(
    "how", [{"document_number": ""}, {"year": 1999}, {"yuan": "0.00"}, {"yuan": "-1.00"}]
)
def test_a_change_without_document_year_or_amount_is_refused(
    town: Town, how: dict[str, Any]
) -> None:
    assert town.code(change(**how), "treasury.a") == "bad_value"


def test_finance_records_changes_and_nobody_else(town: Town) -> None:
    for person in ("health.lead", "bureau.a", "centre.a", "prv.engineer"):
        assert town.code(change(), person) == "forbidden"


def test_a_countys_finance_acts_for_its_county_and_not_for_the_city(town: Town) -> None:
    own = change(payer_id="county-treasury", department_id="county-health")
    assert town.give(own, "county-treasury.a").payer_id == "county-treasury"
    assert town.code(change(), "county-treasury.a") == "not_found"
    # The city's finance office stands in where a county has nobody.
    assert town.give(own, "treasury.a")


def test_the_first_change_makes_the_budget_and_a_second_initial_is_refused(town: Town) -> None:
    first = change(K.INITIAL, "10.00", year=2027)
    assert town.give(first, "treasury.a").parent_id == "treasury/-/2027"
    assert town.code(first, "treasury.a") == "already_exists"
    assert town.code(change(K.INITIAL), "treasury.a") == "already_exists"


def test_a_move_takes_from_one_department_and_gives_to_another(town: Town) -> None:
    town.give(change(K.MOVE, "100.00", from_department_id="transport"), "treasury.a")
    assert approved_of(town, HEALTH) == "500100.00"
    assert approved_of(town, TRANSPORT) == "499900.00"
    assert approved_of(town, PAYER) == "900000.00"
    assert sorted(str(each.amount) for each in town.all(BudgetChange)) == ["-100.00", "100.00"]


@pytest.mark.parametrize(
    "how",
    [
        {"from_department_id": None},
        {"from_department_id": "health"},
        {"from_department_id": "transport", "department_id": None},
    ],
)
def test_a_move_needs_two_departments(town: Town, how: dict[str, Any]) -> None:
    """From oneself to oneself, or up to the payer, money would come from nowhere."""
    assert town.code(change(K.MOVE, **how), "treasury.a") == "bad_value"


def test_a_move_takes_no_more_than_is_left(town: Town) -> None:
    too_much = change(K.MOVE, "500000.01", from_department_id="transport")
    refusal = town.refusal(too_much, "treasury.a")
    assert (refusal.code, refusal.details["budget"]) == ("budget_exceeded", TRANSPORT)
    nobody = change(K.MOVE, from_department_id="county-health")
    assert town.code(nobody, "treasury.a") == "not_found"


@pytest.mark.parametrize("kind", [K.CUT, K.TAKE_BACK])
def test_what_is_committed_cannot_be_taken(town: Town, kind: BudgetChangeKind) -> None:
    running(town, a_line(quantity=10))
    left = town.look(Budget, HEALTH).left
    assert town.code(change(kind, str(left + Decimal("0.01"))), "treasury.a") == "budget_exceeded"
    assert town.give(change(kind, str(left)), "treasury.a").left == 0
    assert town.code(change(kind, year=2031), "treasury.a") == "not_found", "nothing to take from"


def test_a_payers_budget_recorded_late_begins_with_what_its_departments_bound(town: Town) -> None:
    del town.records[Budget][PAYER]
    request = approved(town, a_line(quantity=2))
    payer = town.give(
        change(K.INITIAL, "900000.00", department_id=None, document_number="late"), "treasury.a"
    )
    assert payer.committed == town.look(Budget, HEALTH).committed > 0
    check_conserved(town)
    town.give(WithdrawRequest(request_id=request.id, reason="r"), "health.user")
    assert town.look(Budget, PAYER).committed == 0


def test_a_departments_budget_recorded_late_leaves_the_payers_rows_where_they_are(
    town: Town,
) -> None:
    del town.records[Budget][HEALTH]
    allocation = running(town, a_line(quantity=2))
    assert town.give(change(K.INITIAL, "100000.00"), "treasury.a").committed == 0
    completed(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    check_conserved(town)
