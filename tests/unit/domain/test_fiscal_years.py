"""The turn of the fiscal year: what an advance lends, and how far a turn has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.money import amount
from catalog.period import Month
from cloudmgr.domain.budget import (
    Advance,
    Amounts,
    Budget,
    BudgetChange,
    BudgetChangeKind,
    apply_change,
    calendar_share,
    check_amounts,
    commit,
    early_part,
    pay,
    post_due,
    release,
)
from cloudmgr.domain.fiscal_years import (
    NAMED_AT_MOST,
    FiscalYear,
    advance_limit,
    counted,
    first_months,
)
from tests.support.billing_world import a_budget
from tests.support.money import at

JUST_BEGUN = at("2027-01-01 00:00")


def advanced(limit: str = "300.00") -> Budget:
    """A budget of 2027 nobody has approved yet."""
    fresh = a_budget(payer_id="treasury", department_id="health", approved="0.00", year=2027)
    return replace(fresh, advance=Advance(limit=amount(limit), until="2027-03"))


def months(*numbers: int, yuan: str = "100.00") -> Amounts:
    return [(Month(2027, number), amount(yuan)) for number in numbers]


def committed(budget: Budget, amounts: Amounts) -> Budget:
    asked = sum((each for _, each in amounts), Decimal("0.00"))
    return commit(budget, asked, early_part(budget, amounts))


def approval(yuan: str) -> BudgetChange:
    return BudgetChange(
        id="BC-1",
        budget_id="b",
        kind=BudgetChangeKind.INITIAL,
        amount=amount(yuan),
        document_number="test 1",
        at=JUST_BEGUN,
    )


def test_the_advance_is_what_the_same_months_were_billed_last_year() -> None:
    assert advance_limit(amount("1200.00"), amount("287.13"), 3) == Decimal("287.13")
    assert advance_limit(amount("1200.00"), amount("0.00"), 3) == 0


def test_where_nothing_is_known_of_them_it_is_their_part_of_last_years_budget() -> None:
    assert advance_limit(amount("1200.00"), None, 3) == Decimal("300.00")
    assert advance_limit(amount("1000.00"), None, 2) == Decimal("166.67")


def test_an_advance_is_asked_for_its_own_months_only() -> None:
    budget = committed(advanced(), months(2, 3, 4, 5))
    assert budget.left == Decimal("100.00")
    check_amounts([budget], months(3, 4, 5, 6))
    with pytest.raises(CloudmgrError) as refused:
        check_amounts([budget], months(2, 3, 4))
    assert refused.value.details == {
        "budget": "treasury/health/2027",
        "left": "100.00",
        "asked": "200.00",
    }
    assert "approved" in refused.value.message


def test_what_lies_behind_the_advance_waits_for_the_budget() -> None:
    with pytest.raises(CloudmgrError) as refused:
        check_amounts([advanced("1000000.00")], months(4, 5))
    assert (refused.value.code, refused.value.details["left"]) == ("budget_exceeded", "0.00")
    check_amounts([advanced()], [])


def test_the_approved_budget_takes_the_place_of_the_advance() -> None:
    budget = committed(advanced(), months(1, 2, 3, 4, 5, 6))
    approved = apply_change(budget, approval("1000.00"))
    assert (approved.advance, approved.left) == (None, Decimal("400.00"))
    check_amounts([approved], months(9, 10, 11, 12))


def test_a_bill_in_an_advance_frees_its_month_and_falls_due() -> None:
    budget = committed(advanced(), months(1, 2, 3))
    billed = post_due(budget, amount("100.00"), amount("90.00"), amount("100.00"))
    assert [str(each) for each in (billed.left, billed.committed, billed.due)] == [
        "10.00",
        "200.00",
        "90.00",
    ]


@given(st.lists(st.tuples(st.sampled_from("crip"), st.integers(1, 12)), max_size=30))
def test_an_advance_counts_exactly_what_is_committed_of_its_months(
    steps: list[tuple[str, int]],
) -> None:
    budget = advanced("100000.00")
    held: list[tuple[Month, Decimal]] = []
    for step, number in steps:
        row = months(number)
        if step == "c":
            budget, held = committed(budget, row), [*held, *row]
        elif step == "p":
            budget = pay(budget, min(amount("10.00"), budget.due - budget.paid))
        elif held:
            month, yuan = held.pop(number % len(held))
            early = early_part(budget, [(month, yuan)])
            if step == "r":
                budget = release(budget, yuan, early)
            else:
                budget = post_due(budget, yuan, yuan, early)
        assert budget.advance is not None
        assert budget.committed == sum(yuan for _, yuan in held)
        assert budget.advance.committed == sum(yuan for month, yuan in held if month.month <= 3)
        assert budget.left == Decimal("100000.00") - budget.advance.committed - budget.due


def test_the_calendars_share_counts_whole_days() -> None:
    assert calendar_share(2027, date(2027, 1, 1)) == 0
    assert calendar_share(2027, date(2027, 2, 1)) == Fraction(31, 365)
    assert calendar_share(2028, date(2028, 3, 1)) == Fraction(60, 366), "a leap year"
    assert calendar_share(2027, date(2026, 7, 1)) == 0
    assert calendar_share(2027, date(2029, 7, 1)) == 1


def test_the_execution_rate_counts_what_is_paid() -> None:
    budget = post_due(
        a_budget(payer_id="treasury", approved="300.00"), Decimal(0), amount("200.00")
    )
    assert pay(budget, amount("100.00")).execution_rate == Fraction(1, 3)
    assert advanced().execution_rate is None


def test_a_page_adds_to_what_the_turn_has_done_and_names_the_first_left_out() -> None:
    year = FiscalYear(id="2027", turned_at=JUST_BEGUN)
    page = counted(year, cursor="AL-2", committed=amount("5.00"), left_out=["a"], allocations=2)
    page = counted(
        page,
        cursor="AL-9",
        committed=amount("7.00"),
        left_out=["b"] * (NAMED_AT_MOST + 5),
        allocations=3,
    )
    assert (page.cursor, page.allocations, page.committed) == ("AL-9", 5, Decimal("12.00"))
    assert (page.left_out, len(page.named)) == (NAMED_AT_MOST + 6, NAMED_AT_MOST)


def test_the_months_of_an_advance_are_the_years_first() -> None:
    assert [str(month) for month in first_months(2027, 3)] == ["2027-01", "2027-02", "2027-03"]
