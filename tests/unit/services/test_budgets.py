"""Budgets change by signed records; money comes from somewhere and stays above what is bound."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.money import amount
from catalog.period import Month
from cloudmgr.domain.access import Role
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetChangeKind
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.budgets_execution import execution_of
from cloudmgr.services.commitments import Due, pay_budgets, post_month
from cloudmgr.services.requests import WithdrawRequest
from tests.support.money import at
from tests.support.requests import a_line, approved, check_conserved, completed, running
from tests.support.worlds import CHAIN, Town, a_person, a_town, an_application

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


@pytest.fixture
def bureau(town: Town) -> Town:
    """A hospital with a ward below the health department; the ward has a budget, it has none."""
    health = town.look(Organisation, "health")
    with town.transaction() as world:
        for id, parent_id in (("hospital", "health"), ("ward", "hospital"), ("lab", "health")):
            world.put(replace(health, id=id, parent_id=parent_id, version=0))
            world.put(an_application(department_id=id))
            posts = {"user": Role.DEPARTMENT_USER, "lead": Role.DEPARTMENT_LEAD}
            for post, role in posts.items():
                world.put_many(a_person(login=f"{id}.{post}", organisation_id=id, roles=(role,)))
    town.give(change(K.INITIAL, "60000.00", department_id="ward"), "treasury.a")
    return town


WARD, HOSPITAL = "treasury/ward/2026", "treasury/hospital/2026"


def test_what_a_unit_commits_counts_on_every_budget_above_it(bureau: Town) -> None:
    assert bureau.look(Budget, WARD).parent_id == HEALTH
    running(bureau, a_line(quantity=2), department="ward")
    own = bureau.look(Budget, WARD).committed
    assert own > 0
    assert [bureau.look(Budget, id).committed for id in (HEALTH, PAYER)] == [own, own]
    check_conserved(bureau)


def test_a_budget_between_two_others_begins_with_what_stands_below_it(bureau: Town) -> None:
    request = approved(bureau, a_line(quantity=2), department="ward")
    made = bureau.give(change(K.INITIAL, "80000.00", department_id="hospital"), "treasury.a")
    assert (made.parent_id, made.committed) == (HEALTH, bureau.look(Budget, WARD).committed)
    assert bureau.look(Budget, WARD).parent_id == HOSPITAL
    bureau.give(WithdrawRequest(request_id=request.id, reason="r"), "ward.user")
    for id in (WARD, HOSPITAL, HEALTH, PAYER):
        assert bureau.look(Budget, id).committed == 0
    check_conserved(bureau)


def test_the_tight_budget_of_the_chain_is_named_with_what_finance_can_do(bureau: Town) -> None:
    bureau.give(change(K.INITIAL, "10000.00", department_id="hospital"), "treasury.a")
    refusal = None
    try:
        approved(bureau, a_line(quantity=3), department="ward")
    except CloudmgrError as error:
        refusal = error
    assert refusal is not None
    assert refusal.code == "budget_exceeded"
    assert (refusal.details["budget"], refusal.details["left"]) == (HOSPITAL, "10000.00")
    for remedy in ("追加", "调剂", "结转"):
        assert remedy in refusal.message


def test_what_was_committed_is_freed_where_it_was_though_the_tree_has_changed(
    bureau: Town,
) -> None:
    request = approved(bureau, a_line(quantity=2), department="ward")
    bureau.change(bureau.look(Organisation, "ward"), parent_id=None)
    bureau.give(WithdrawRequest(request_id=request.id, reason="r"), "ward.user")
    for id in (WARD, HEALTH, PAYER):
        assert bureau.look(Budget, id).committed == 0


def test_a_move_across_departments_moves_what_stands_above_each_alone(bureau: Town) -> None:
    move = change(K.MOVE, "100.00", department_id="transport", from_department_id="ward")
    bureau.give(move, "treasury.a")
    told = {id: approved_of(bureau, id) for id in (WARD, HEALTH, TRANSPORT, PAYER)}
    assert told == {
        WARD: "59900.00",
        HEALTH: "499900.00",
        TRANSPORT: "500100.00",
        PAYER: "900000.00",
    }
    bureau.give(
        change(K.MOVE, "100.00", department_id="ward", from_department_id="transport"), "treasury.a"
    )
    assert (approved_of(bureau, WARD), approved_of(bureau, HEALTH)) == ("60000.00", "500000.00")
    siblings = change(K.MOVE, "50.00", department_id="lab", from_department_id="ward")
    assert bureau.give(siblings, "treasury.a").id == "treasury/lab/2026"
    assert (approved_of(bureau, WARD), approved_of(bureau, HEALTH)) == ("59950.00", "500000.00")
    assert sum(each.amount for each in bureau.all(BudgetChange, kind=K.MOVE)) == 0


@pytest.mark.parametrize(("giver", "taker"), [("ward", "health"), ("health", "ward")])
def test_a_move_between_a_department_and_its_unit_is_an_addition_or_a_cut(
    bureau: Town, giver: str, taker: str
) -> None:
    move = change(K.MOVE, "100.00", department_id=taker, from_department_id=giver)
    assert bureau.code(move, "treasury.a") == "bad_value"


def test_what_is_left_of_a_year_is_carried_into_the_next(town: Town) -> None:
    town.give(change(K.CUT, "1.00"), "treasury.a")
    running(town, a_line(quantity=2))
    left = town.look(Budget, HEALTH).left
    too_much = change(K.CARRY, str(left + Decimal("0.01")), year=2027)
    assert town.code(too_much, "treasury.a") == "budget_exceeded"
    made = town.give(change(K.CARRY, "700.00", year=2027, reason="unfinished"), "treasury.a")
    assert (made.id, str(made.approved)) == ("treasury/health/2027", "700.00")
    assert town.look(Budget, HEALTH).left == left - 700
    told = [
        (c.budget_id, str(c.amount), c.other_budget_id, c.reason)
        for c in town.all(BudgetChange, kind=K.CARRY)
    ]
    assert told == [
        (HEALTH, "-700.00", "treasury/health/2027", "unfinished"),
        ("treasury/health/2027", "700.00", HEALTH, "unfinished"),
    ]
    assert town.code(change(K.CARRY, "1.00", year=2029), "treasury.a") == "not_found"


def test_a_budget_keeps_the_document_that_approved_it(town: Town) -> None:
    how: dict[str, Any] = {"year": 2027, "project_code": "P-1", "fund_source": "general"}
    made = town.give(change(K.INITIAL, document_number="first", **how), "treasury.a")
    assert (made.document_number, made.project_code, made.fund_source) == (
        "first",
        "P-1",
        "general",
    )
    later = town.give(change(document_number="second", year=2027), "treasury.a")
    assert (later.document_number, later.project_code) == ("first", "P-1")


def test_the_execution_of_a_tree_is_told_from_the_top(bureau: Town) -> None:
    running(bureau, a_line(quantity=2), department="ward")
    bureau.change(bureau.look(Budget, PAYER), due=amount("300.00"), paid=amount("90000.00"))
    with bureau.reading() as world:
        told = execution_of(world, bureau.actor("treasury.a"), PAYER, at("03-15 09:00"))
    assert told.calendar_share == Fraction(73, 365)
    stages = {each.budget_id: each for each in told.stages}
    assert [(each.budget_id, each.depth) for each in told.stages] == [
        (PAYER, 0),
        (HEALTH, 1),
        (WARD, 2),
        (TRANSPORT, 1),
    ]
    assert stages[PAYER].execution_rate == Fraction(1, 10)
    assert stages[PAYER].behind_calendar == Fraction(1, 10)
    assert stages[WARD].committed == stages[HEALTH].committed > 0
    with bureau.reading() as world:
        own = execution_of(world, bureau.actor("health.user"), HEALTH, bureau.now)
        assert own.stages[0].execution_rate == 0
        with pytest.raises(CloudmgrError, match="not_found"):
            execution_of(world, bureau.actor("health.user"), PAYER, bureau.now)


moves = st.lists(
    st.tuples(
        st.sampled_from(("change", "change", "approve", "approve", "end", "bill", "pay")),
        st.integers(0, 5),
        st.integers(1, 60_000),
    ),
    max_size=14,
)


@given(steps=moves)
def test_whatever_finance_and_departments_do_every_stage_adds_up(
    steps: list[tuple[str, int, int]],
) -> None:
    """Approved is what the records say, committed what the rows say, due and paid what was posted;
    and nothing is ever committed beyond what a budget has."""
    town = a_town()
    town.change(town.look(Policy, "policy"), chain=CHAIN[:4])
    opened = {each.id: each.approved for each in town.all(Budget)}
    due, paid = Decimal(0), Decimal(0)
    month = 1
    for what, which, size in steps:
        department = ("health", "transport")[which % 2]
        try:
            if what == "change":
                kind = (K.ADD, K.CUT, K.TAKE_BACK, K.MOVE, K.CUT, K.MOVE)[which]
                other = ("transport", "health")[which % 2] if kind is K.MOVE else None
                yuan = Decimal(size * 10)
                town.give(
                    change(kind, str(yuan), department_id=department, from_department_id=other),
                    "treasury.a",
                )
            elif what == "approve":
                approved(town, a_line(quantity=size % 9 + 1), department=department)
            elif what == "end":
                waiting = town.all(ResourceRequest, state="approved")
                if waiting:
                    request = waiting[which % len(waiting)]
                    town.give(
                        WithdrawRequest(request_id=request.id, reason="r"),
                        f"{request.department_id}.user",
                    )
            elif what == "bill":
                with town.transaction() as world:
                    asked = {department: Due("treasury", amount(f"{size}.37"))}
                    post_month(world, Month(2026, month), asked)
                due, month = due + amount(f"{size}.37"), min(month + 1, 12)
            else:
                part = min(amount(f"{size}.11"), town.look(Budget, PAYER).due - paid)
                with town.transaction() as world:
                    pay_budgets(world, "treasury", 2026, {department: part})
                paid += part
        except CloudmgrError as error:
            if error.code not in ("budget_exceeded", "quota_exceeded", "no_pool"):
                raise
        check_conserved(town)
    for budget in town.all(Budget):
        recorded = town.all(BudgetChange, budget_id=budget.id)
        signs = [-1 if each.kind in (K.CUT, K.TAKE_BACK) else 1 for each in recorded]
        moved = sum(sign * each.amount for sign, each in zip(signs, recorded, strict=True))
        assert budget.approved == opened[budget.id] + moved
    payer = town.look(Budget, PAYER)
    assert (payer.due, payer.paid) == (due, paid)
    own = [town.look(Budget, id) for id in (HEALTH, TRANSPORT)]
    assert sum(each.due for each in own) == due
    assert sum(each.paid for each in own) == paid
