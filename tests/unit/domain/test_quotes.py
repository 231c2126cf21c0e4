"""Quotes: cuts from any midnight, raises with a settlement cycle and long ahead."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month, midnight
from catalog.tiers import Tiers, flat
from cloudmgr.domain.contracts import PriceLink
from cloudmgr.domain.quotes import check_raise, earliest_raise, quoted_price
from tests.support.assessments import at
from tests.support.catalogs import tiers
from tests.support.supply import a_contract, a_quote

NOW = at("01-05 09:00")
QUARTER = 3


def refused(price: str | Tiers, begins: date, present: Tiers | None = None) -> str | None:
    """The earliest beginning named by the refusal; None when the quote is fine."""
    offered = flat(price) if isinstance(price, str) else price
    quote = a_quote(tiers=offered, effective_from=midnight(begins))
    try:
        check_raise(quote, present or flat("900.00"), NOW, QUARTER)
    except CloudmgrError as error:
        return str(error.details["earliest"])
    return None


def test_a_cut_and_an_unchanged_price_begin_at_any_midnight() -> None:
    assert refused("899.99", date(2026, 1, 6)) is None
    assert refused("900.00", date(2026, 1, 6)) is None


@pytest.mark.parametrize("begins", [date(2026, 1, 6), date(2026, 3, 1), date(2026, 4, 2)])
def test_a_raise_begins_with_a_cycle_and_thirty_days_ahead(begins: date) -> None:
    assert refused("900.01", begins) == "2026-04-01"
    assert refused("900.01", date(2026, 4, 1)) is None
    assert refused("900.01", date(2026, 7, 1)) is None


def test_the_refusal_has_a_code_and_says_when() -> None:
    with pytest.raises(CloudmgrError, match=r"raised_too_soon: .*30 days ahead, at 2026-04-01"):
        check_raise(a_quote(tiers=flat("901.00")), flat("900.00"), NOW, QUARTER)


def test_a_raise_of_one_tier_is_a_raise() -> None:
    present = tiers((0, "1.00"), (100, "0.50"))
    assert refused(tiers((0, "0.90"), (100, "0.60")), date(2026, 1, 6), present) == "2026-04-01"
    assert refused(tiers((0, "1.00"), (50, "0.50")), date(2026, 1, 6), present) is None
    assert refused(tiers((0, "1.00"), (150, "0.50")), date(2026, 1, 6), present) == "2026-04-01"


@pytest.mark.parametrize(
    ("now", "cycle_months", "month"),
    [
        (at("01-05 09:00"), 1, "2026-03"),
        (at("01-30 00:00"), 1, "2026-03"),
        (at("01-30 00:01"), 1, "2026-04"),
        (at("01-05 09:00"), 3, "2026-04"),
        (at("03-02 00:00"), 3, "2026-04"),
        (at("03-02 00:01"), 3, "2026-07"),
        (at("12-01 09:00"), 12, "2027-01"),
        (at("12-15 09:00"), 12, "2028-01"),
    ],
)
def test_the_first_cycle_at_least_thirty_days_ahead(
    now: datetime, cycle_months: int, month: str
) -> None:
    assert earliest_raise(now, cycle_months) == Month.parse(month)


def test_the_price_book_reads_a_quote_with_its_contracts_link() -> None:
    quoted = quoted_price(a_quote(), a_contract(price_link=PriceLink.FOLLOW_CEILING))
    assert quoted.price_link == "follow_ceiling"
    assert (quoted.quote_id, quoted.pool_id) == ("quote-x86-vm", "x86")
