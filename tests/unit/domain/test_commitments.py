"""What a line commits of a fiscal year, worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from catalog.errors import Conflict
from catalog.money import amount, total
from catalog.period import Month
from catalog.prices import PriceBook
from cloudmgr.domain.commitments import Forecast, PlannedLine, increase, months_after
from cloudmgr.domain.policy import Proration
from tests.support.catalogs import a_quote
from tests.support.money import a_book, a_segment, at, quotes, rated


def planned(
    *, start: str, end: str | None = None, sku_id: str = "vm", quantity: int = 1, estimate: int = 0
) -> PlannedLine:
    return PlannedLine(
        sku_id=sku_id,
        quantity=quantity,
        pool_id="pool",
        start=at(start),
        end=at(end) if end else None,
        estimate_units=estimate,
    )


def amounts(
    line: PlannedLine, *, year: int = 2026, book: PriceBook | None = None
) -> dict[str, str]:
    forecast = Forecast(year, book or a_book(), Proration.DAY, at("01-05"))
    return {str(month): f"{value}" for month, value in forecast.amounts(line)}


def test_a_line_commits_every_month_to_the_years_end_the_first_in_part() -> None:
    # 17 Sep: 14/30 x 2 x 100 = 93.33
    assert amounts(planned(start="09-17", quantity=2)) == {
        "2026-09": "93.33",
        "2026-10": "200.00",
        "2026-11": "200.00",
        "2026-12": "200.00",
    }


def test_it_ends_with_the_term() -> None:
    # 1..14 Mar: 14/31 x 100 = 45.161... -> 45.16
    assert amounts(planned(start="02-01", end="03-15")) == {
        "2026-02": "100.00",
        "2026-03": "45.16",
    }
    assert amounts(planned(start="02-01", end="03-15"), year=2027) == {}


def test_it_is_what_the_bill_will_say() -> None:
    committed = amounts(planned(start="01-10", end="01-20"))
    assert (
        committed["2026-01"] == f"{total(x.amount for x in rated(a_segment('01-10'), end='01-20'))}"
    )


def test_a_known_later_price_counts_from_its_day() -> None:
    book = a_book(more=(a_quote(id="q2", sku_id="vm", at="60.00", day=date(2026, 12, 1)),))
    assert amounts(planned(start="11-01"), book=book) == {"2026-11": "100.00", "2026-12": "60.00"}


def test_beyond_the_contracts_term_the_present_price_goes_on() -> None:
    book = a_book(until=date(2026, 12, 1))
    assert amounts(planned(start="11-01"), book=book) == {"2026-11": "100.00", "2026-12": "100.00"}


def test_without_any_price_now_nothing_can_be_committed() -> None:
    with pytest.raises(Conflict) as refused:
        amounts(
            planned(start="11-01"),
            book=a_book(base=quotes(day=date(2026, 2, 1), until=date(2026, 3, 1))),
        )
    assert refused.value.code == "no_price"


def test_metered_use_counts_at_its_estimate_in_part_for_a_month_in_part() -> None:
    # December whole: 200 GiB = 100 x 0.80 + 100 x 0.60 = 140.00
    # 16..30 Nov: half of 200 GiB = 100 x 0.80 = 80.00
    line = planned(start="11-16", sku_id="egress", estimate=200)
    assert amounts(line) == {"2026-11": "80.00", "2026-12": "140.00"}


def test_a_one_off_commits_its_month_only() -> None:
    assert amounts(planned(start="11-16", sku_id="move", quantity=2)) == {"2026-11": "6000.00"}


def test_a_change_commits_only_what_it_adds() -> None:
    new = ((Month(2026, 1), amount("300")), (Month(2026, 2), amount("300")))
    held = ((Month(2026, 1), amount("100")), (Month(2026, 2), amount("300")))
    assert increase(new, held) == ((Month(2026, 1), Decimal("200.00")),)
    assert increase(held, new) == ()


def test_a_term_of_months_ends_on_the_same_day_or_the_months_last() -> None:
    assert months_after(at("01-31 14:00"), 1) == at("02-28")
    assert months_after(at("03-15 14:00"), 12) == at("2027-03-15")
