"""The fiscal year turns: what runs and what is approved is committed anew, page by page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount, total
from catalog.period import Month
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement, StatementTitle
from cloudmgr.domain.budget import (
    Budget,
    BudgetChangeKind,
    BudgetCommitment,
    CommitmentState,
)
from cloudmgr.domain.fiscal_years import FiscalYear, TurnState
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.services import fiscal_years
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.fiscal_years import TurnFiscalYear, announce_turn
from cloudmgr.services.periods import open_period
from cloudmgr.services.requests import SignRequest, WithdrawRequest
from tests.support.money import at
from tests.support.requests import (
    a_line,
    approved,
    check_conserved,
    completed,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import CHAIN, Town, a_town

HEALTH, PAYER = "treasury/health/2027", "treasury/-/2027"
NEW_YEAR = at("2027-01-01")


@pytest.fixture
def town() -> Town:
    """The town in December, with its short chain, one machine running and the year's end ahead."""
    town = a_town()
    town.change(town.look(Policy, "policy"), chain=CHAIN[:4])
    town.wait("12-01 09:00")
    running(town, a_line(quantity=2, term_months=24))
    with town.transaction() as world:
        announce_turn(world, 2027)
    return town


def approve_the_budget(
    town: Town, yuan: str = "400000.00", department: str | None = "health"
) -> Budget:
    budget: Budget = town.give(
        RecordBudgetChange(
            payer_id="treasury",
            department_id=department,
            year=2027,
            kind=BudgetChangeKind.INITIAL,
            amount=amount(yuan),
            document_number="test 2027",
        ),
        "treasury.a",
    )
    return budget


def rows(town: Town, year: int = 2027) -> dict[str, list[str]]:
    """What stands committed of a year, by month."""
    found: dict[str, list[str]] = {}
    for row in town.all(BudgetCommitment, year=year, state=CommitmentState.COMMITTED):
        found.setdefault(row.month, []).append(str(row.amount))
    return found


def test_opening_december_announces_the_turn(town: Town) -> None:
    other = a_town()
    with other.transaction() as world:
        open_period(world, Month(2026, 12), other.now)
    other.wait(NEW_YEAR)
    assert other.look(FiscalYear, "2027").state is TurnState.TURNED


def test_what_runs_is_committed_for_the_whole_new_year(town: Town) -> None:
    approve_the_budget(town)
    approve_the_budget(town, "900000.00", None)
    town.wait(NEW_YEAR)
    assert rows(town) == {f"2027-{number:02d}": ["1800.00"] for number in range(1, 13)}
    for id in (HEALTH, PAYER):
        assert town.look(Budget, id).committed == Decimal("21600.00")
    year = town.look(FiscalYear, "2027")
    assert (year.state, year.allocations, year.committed) == (
        TurnState.TURNED,
        1,
        Decimal("21600.00"),
    )
    assert year.turned_at == town.now
    check_conserved(town)
    assert Counter(each.topic for each in town.messages)["fiscal_year_turned"] == 1


def test_last_years_rows_stay_with_last_year(town: Town) -> None:
    before = rows(town, 2026)
    assert before
    town.wait(NEW_YEAR)
    assert rows(town, 2026) == before


def test_what_is_approved_and_not_delivered_is_committed_too(town: Town) -> None:
    request = approved(town, a_line(quantity=3))
    approve_the_budget(town)
    town.wait("12-20 09:00")
    late = approved(town, a_line(quantity=1, pool_id="x86"))
    town.wait(NEW_YEAR)
    # The first expired before the year's end: it holds nothing any more.
    assert town.look(ResourceRequest, request.id).state == "expired"
    mine = town.all(BudgetCommitment, source_id=late.id, year=2027)
    assert {row.month: str(row.amount) for row in mine}["2027-02"] == "900.00"
    assert min(row.month for row in mine) == "2027-01"
    assert town.look(FiscalYear, "2027").requests == 1
    town.give(WithdrawRequest(request_id=late.id, reason="r"), "health.user")
    assert town.look(Budget, HEALTH).committed == Decimal("21600.00")
    check_conserved(town)


def test_a_change_that_waits_adds_only_its_increase(town: Town) -> None:
    (held,) = town.all(Allocation, department_id="health")
    town.wait("12-24 09:00")
    line = a_line(quantity=5, allocation_id=held.id)
    request = approved(town, line, kind=RequestKind.CHANGE)
    approve_the_budget(town)
    town.wait(NEW_YEAR)
    assert rows(town)["2027-03"] == ["1800.00", "2700.00"]
    assert {row.source_id for row in town.all(BudgetCommitment, month="2027-03")} == {
        held.id,
        request.id,
    }


def test_without_a_budget_an_advance_of_last_years_quarter_stands(town: Town) -> None:
    town.wait(NEW_YEAR)
    own, payer = town.look(Budget, HEALTH), town.look(Budget, PAYER)
    assert own.advance is not None
    assert payer.advance is not None
    # Nothing was closed here: a quarter of 500 000.00 and 900 000.00.
    assert (own.advance.limit, payer.advance.limit) == (Decimal("125000.00"), Decimal("225000.00"))
    assert (own.approved, own.advance.until, own.parent_id) == (0, "2027-03", PAYER)
    assert own.committed == Decimal("21600.00")
    assert own.advance.committed == Decimal("5400.00")
    assert own.left == Decimal("119600.00")


def test_what_the_first_months_were_billed_is_the_advance(town: Town) -> None:
    with town.transaction() as world:
        for number in (1, 2, 3):
            month = Month(2026, number)
            world.put(BillingPeriod(id=str(month)))
            for state in (PeriodState.GRACE, PeriodState.CLOSED):
                world.put(advance(world.get(BillingPeriod, str(month)), state))
            for department in ("health", "transport"):
                world.put(a_statement(department, month))
    town.wait(NEW_YEAR)
    own, payer = town.look(Budget, HEALTH), town.look(Budget, PAYER)
    assert own.advance is not None
    assert payer.advance is not None
    assert (own.advance.limit, payer.advance.limit) == (Decimal("3000.00"), Decimal("6000.00"))


def a_statement(department_id: str, month: Month) -> Statement:
    return Statement(
        id=f"{month}/{department_id}",
        department_id=department_id,
        payer_id="treasury",
        month=str(month),
        title=StatementTitle.CONFIRMATION,
        total=amount("1000.00"),
        line_count=1,
        issued_at=month.period.end,
        due_at=month.period.end,
        budgeted=True,
    )


def test_growth_is_held_to_the_advance_and_goes_on_once_the_budget_is_approved(town: Town) -> None:
    town.wait(NEW_YEAR)
    own = town.look(Budget, HEALTH)
    assert own.advance is not None
    town.change(own, advance=replace(own.advance, limit=amount("6000.00")))
    town.wait(at("2027-01-04 09:00"))
    request = signed_until(town, submitted(town, a_line(quantity=4)), "technical")
    refusal = town.refusal(
        SignRequest(request_id=request.id, decision=Decision.APPROVE), "centre.a"
    )
    assert (refusal.code, refusal.details["budget"]) == ("budget_exceeded", HEALTH)
    budget = approve_the_budget(town)
    assert (budget.advance, budget.committed) == (None, Decimal("21600.00"))
    assert signed(town, request).state == "approved"
    check_conserved(town)


def test_a_second_approval_of_the_year_is_refused(town: Town) -> None:
    town.wait(NEW_YEAR)
    approve_the_budget(town)
    with pytest.raises(CloudmgrError, match="already_exists"):
        approve_the_budget(town)


def test_an_advance_cannot_be_cut_away_as_if_it_were_approved(town: Town) -> None:
    town.wait(NEW_YEAR)
    cut = RecordBudgetChange(
        payer_id="treasury",
        department_id="health",
        year=2027,
        kind=BudgetChangeKind.CUT,
        amount=amount("0.01"),
        document_number="test",
    )
    assert town.code(cut, "treasury.a") == "budget_exceeded"


def test_what_no_budget_covers_is_named_and_committed_when_turned_again(town: Town) -> None:
    for budget in town.all(Budget, payer_id="treasury"):  # as if each were another year's
        with town.transaction() as world:
            world.lock((Budget, budget.id))
            world.put(replace(budget, year=2025))
    town.wait(NEW_YEAR)
    (held,) = town.all(Allocation, department_id="health")
    year = town.look(FiscalYear, "2027")
    assert (year.left_out, year.named) == (1, (f"{held.id}: budget_not_set",))
    town.wait(at("2027-02-10 09:00"))
    approve_the_budget(town)
    assert town.code(TurnFiscalYear(year=2028), "treasury.a") == "bad_value"
    for person in ("county-treasury.a", "bureau.a", "health.lead"):
        assert town.code(TurnFiscalYear(year=2027), person) == "forbidden"
    again = town.give(TurnFiscalYear(year=2027), "treasury.a")
    assert (again.left_out, again.state) == (0, TurnState.REQUESTS)
    town.wait(at("2027-02-10 09:01"))
    assert town.look(FiscalYear, "2027").state is TurnState.TURNED
    assert sorted(rows(town)) == [f"2027-{number:02d}" for number in range(2, 13)]


def test_turning_again_changes_nothing(town: Town) -> None:
    approve_the_budget(town)
    town.wait(at("2027-01-04 09:00"))
    before = town.look(Budget, HEALTH), rows(town)
    town.give(TurnFiscalYear(year=2027), "treasury.a")
    town.wait(at("2027-01-04 10:00"))
    assert (town.look(Budget, HEALTH), rows(town)) == before


def test_a_turn_in_pages_ends_like_one_in_one_go(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for quantity in (1, 2, 3):
        running(town, a_line(quantity=quantity))
    approved(town, a_line(quantity=1))
    town.wait("12-28 09:00")
    approved(town, a_line(quantity=2))
    approved(town, a_line(quantity=3))
    whole = town.twin()
    whole.wait(NEW_YEAR)
    monkeypatch.setattr(fiscal_years, "PAGE_SIZE", 1)
    town.wait(NEW_YEAR)
    assert rows(town) == rows(whole)
    for kind in (Budget, FiscalYear):
        told = [[replace(each, version=0) for each in one.all(kind)] for one in (town, whole)]
        assert told[0] == told[1]
    check_conserved(town)


def test_what_has_no_price_does_not_stop_the_turn(town: Town) -> None:
    (held,) = town.all(Allocation, department_id="health")
    running(town, a_line(quantity=1, sku_id="vm-kp"), department="transport")
    quote = town.look(Quote, f"quote-{held.pool_id}-vm")
    town.change(quote, effective_from=at("2028-01-01"))
    town.wait(NEW_YEAR)
    year = town.look(FiscalYear, "2027")
    assert year.named == (f"{held.id}: no_price",)
    assert (year.state, year.allocations) == (TurnState.TURNED, 2)


def test_the_bills_of_both_years_fall_where_they_belong(town: Town) -> None:
    """Released in January: what is left of the new year is freed, December stays committed."""
    approve_the_budget(town)
    town.wait(at("2027-01-04 09:00"))
    (held,) = town.all(Allocation, department_id="health")
    completed(town, a_line(quantity=2, allocation_id=held.id), kind=RequestKind.RELEASE)
    assert sorted(rows(town)) == ["2027-01"]
    assert "2026-12" in rows(town, 2026)
    budget = town.look(Budget, HEALTH)
    assert budget.committed == total(Decimal(each) for each in rows(town)["2027-01"])
