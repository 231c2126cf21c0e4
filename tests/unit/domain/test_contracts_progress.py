"""How long what is left of a contract lasts: a run rate by days of each month, rounded once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.period import midnight
from cloudmgr.domain.contracts_progress import (
    Outlook,
    days_left,
    needed,
    threshold_reached,
    used_up_on,
)
from tests.support.assessments import at

START = midnight(date(2026, 1, 1))
MONTHLY = Decimal("310.00")


def an_outlook(**changed: Any) -> Outlook:
    fields: dict[str, Any] = {
        "left": Decimal("620.00"),
        "monthly": MONTHLY,
        "settled_until": START,
        "ends_at": midnight(date(2026, 3, 1)),
    }
    return Outlook(**(fields | changed))


def test_whole_months_need_the_monthly_price_each_and_parts_by_their_days() -> None:
    assert needed(MONTHLY, START, midnight(date(2026, 3, 1))) == Decimal("620.00")
    assert needed(MONTHLY, START, midnight(date(2026, 1, 11))) == Decimal("100.00")
    assert needed(MONTHLY, midnight(date(2026, 3, 1)), START) == 0


def test_a_total_lasts_when_what_is_left_is_no_less_than_what_is_needed() -> None:
    assert an_outlook().lasts
    assert not an_outlook(left=Decimal("619.99")).lasts


def test_the_day_the_total_is_used_up_is_named() -> None:
    assert used_up_on(Decimal("100.00"), MONTHLY, START) == date(2026, 1, 11)
    assert used_up_on(Decimal("310.00"), MONTHLY, START) == date(2026, 1, 31)
    assert used_up_on(Decimal("0.00"), MONTHLY, START) == date(2026, 1, 1)
    assert used_up_on(Decimal("1.00"), Decimal("0.00"), START) is None
    assert used_up_on(Decimal("100.00"), Decimal("0.01"), START) is None


@given(left=st.integers(1, 10**9), monthly=st.integers(1, 10**8), begins=st.integers(0, 700))
def test_until_the_day_it_is_used_up_the_total_lasts_and_no_longer(
    left: int, monthly: int, begins: int
) -> None:
    start = START + timedelta(days=begins)
    rest, rate = Decimal(left).scaleb(-2), Decimal(monthly).scaleb(-2)
    day = used_up_on(rest, rate, start)
    if day is not None:
        assert needed(rate, start, midnight(day)) <= rest
        assert needed(rate, start, midnight(day + timedelta(days=1))) >= rest


def test_days_are_counted_by_the_shanghai_calendar_and_never_below_zero() -> None:
    ends = midnight(date(2026, 1, 10))
    assert days_left(at("01-05 23:59"), ends) == 5
    assert days_left(at("01-10 00:00"), ends) == 0
    assert days_left(at("02-10 00:00"), ends) == 0


@pytest.mark.parametrize(
    ("days", "reached"), [(181, None), (180, 180), (91, 180), (30, 30), (0, 30)]
)
def test_the_closest_threshold_reached_is_told(days: int, reached: int | None) -> None:
    assert threshold_reached(days, (180, 90, 30)) == reached
