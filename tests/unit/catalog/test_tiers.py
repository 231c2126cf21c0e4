"""Graduated prices: each tranche at its own tier's price."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.money import from_fen, unit_price
from catalog.skus import PricingModel
from catalog.tiers import (
    Tier,
    Tiers,
    breakpoints,
    checked,
    flat,
    lower_of,
    price_text,
    rate_at,
    tiers_text,
    tranches,
)
from tests.support.catalogs import tiers

EGRESS = tiers((0, "0.50"), (100, "0.40"), (1000, "0.30"))
quantities = st.fractions(min_value=0, max_value=5000, max_denominator=1024)


@st.composite
def any_tiers(draw: st.DrawFn) -> Tiers:
    upper = draw(st.sets(st.integers(1, 3000), max_size=4))
    prices = st.integers(0, 10_000)
    return tuple(Tier(q, unit_price(from_fen(draw(prices)))) for q in sorted({0, *upper}))


@pytest.mark.parametrize(
    "wrong",
    [(), tiers((1, "1.00")), tiers((0, "1.00"), (0, "2.00")), tiers((0, "1"), (9, "1"), (5, "1"))],
)
def test_tiers_begin_at_zero_and_ascend(wrong: Tiers) -> None:
    with pytest.raises(Invalid) as refused:
        checked(wrong)
    assert refused.value.code == "bad_tiers"


@pytest.mark.parametrize("model", [PricingModel.RECURRING, PricingModel.ONE_OFF])
def test_only_a_metered_price_has_several_tiers(model: PricingModel) -> None:
    assert checked(EGRESS, PricingModel.METERED) == EGRESS
    with pytest.raises(Invalid, match=f"a {model.value} price has 3 tiers"):
        checked(EGRESS, model)


def test_a_tier_refuses_floats_and_negative_prices() -> None:
    with pytest.raises(Invalid, match="float_money"):
        Tier(0, 0.5)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="negative"):
        Tier(0, Decimal("-0.50"))


def test_the_unit_at_a_breakpoint_has_the_new_price() -> None:
    assert [rate_at(EGRESS, at) for at in (0, 99, 100, 1000, 10**9)] == [
        Decimal(price) for price in ("0.5", "0.5", "0.4", "0.3", "0.3")
    ]


def test_the_lower_of_two_is_taken_tranche_by_tranche() -> None:
    ceiling = tiers((0, "0.45"), (500, "0.44"), (2000, "0.20"))
    assert lower_of(EGRESS, ceiling) == tiers(
        (0, "0.45"), (100, "0.40"), (1000, "0.30"), (2000, "0.20")
    )


@given(any_tiers(), any_tiers(), st.integers(0, 4000))
def test_the_lower_of_two_is_the_lower_at_every_quantity(
    one: Tiers, other: Tiers, quantity: int
) -> None:
    merged = checked(lower_of(one, other))
    assert rate_at(merged, quantity) == min(rate_at(one, quantity), rate_at(other, quantity))
    assert set(breakpoints(merged, merged)) <= set(breakpoints(one, other))


def test_a_use_is_split_at_the_tiers_it_crosses() -> None:
    found = list(tranches(EGRESS, Fraction(90), Fraction(920)))
    assert found == [
        (Fraction(10), Decimal("0.50")),
        (Fraction(900), Decimal("0.40")),
        (Fraction(10), Decimal("0.30")),
    ]


@given(any_tiers(), quantities, quantities, quantities)
def test_a_month_costs_the_same_however_its_use_is_cut(
    each: Tiers, first: Fraction, second: Fraction, third: Fraction
) -> None:
    def cost(used: Fraction, more: Fraction) -> Fraction:
        return sum((q * Fraction(p) for q, p in tranches(each, used, more)), Fraction(0))

    whole = cost(Fraction(0), first + second + third)
    parts = cost(Fraction(0), first), cost(first, second), cost(first + second, third)
    assert whole == sum(parts)


@given(any_tiers(), quantities, quantities)
def test_tranches_add_up_to_the_use(each: Tiers, used: Fraction, more: Fraction) -> None:
    assert sum((q for q, _ in tranches(each, used, more)), Fraction(0)) == more


def test_prices_read_without_needless_zeros_but_with_fen() -> None:
    assert price_text(unit_price("144")) == "144.00"
    assert price_text(unit_price("0.045")) == "0.045"
    assert tiers_text(flat("18")) == "18.00"
    assert tiers_text(EGRESS) == "0.50; from 100: 0.40; from 1000: 0.30"
