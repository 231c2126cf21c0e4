"""Exact yuan: what is refused, and how the one rounding behaves."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from catalog import money
from catalog.errors import Invalid
from catalog.money import Yuan, amount, price_of, round_half_away, unit_price

fractions = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


@pytest.mark.parametrize("value", [12.3, 0.0, float("nan"), float("inf")])
def test_a_float_offered_as_money_is_refused(value: float) -> None:
    with pytest.raises(Invalid) as refused:
        amount(value)
    assert refused.value.code == "float_money"
    assert "as a string" in refused.value.message


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 5",
        "1_000",
        "1e3",
        "+3",
        "٣",
        ".5",
        "5.",
        "NaN",
        "1,000.00",
        "12.345",
        True,
        None,
        "1" * 14,
    ],
)
def test_what_is_not_an_exact_amount_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as refused:
        amount(value)
    assert refused.value.code == "bad_amount"


def test_amounts_carry_two_decimals_and_unit_prices_six() -> None:
    assert str(amount("12.3")) == "12.30"
    assert str(amount(7)) == "7.00"
    assert str(unit_price("0.045")) == "0.045000"
    assert str(amount("-0")) == "0.00"


def test_half_a_fen_goes_away_from_zero() -> None:
    assert round_half_away(Fraction("0.005")) == Decimal("0.01")
    assert round_half_away(Fraction("-0.005")) == Decimal("-0.01")
    assert round_half_away(Fraction("0.004999")) == Decimal("0.00")


@given(fractions)
def test_rounding_a_reversal_gives_the_exact_negative(value: Fraction) -> None:
    assert round_half_away(-value) == -round_half_away(value)


@given(fractions)
def test_rounding_is_never_off_by_more_than_half_a_fen(value: Fraction) -> None:
    rounded = round_half_away(value)
    assert abs(Fraction(rounded) - value) <= Fraction(1, 200)
    assert rounded.as_tuple().exponent == -2


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_fen_and_yuan_are_the_same_money(fen: int) -> None:
    assert money.to_fen(money.from_fen(fen)) == fen


def test_a_price_is_quantity_times_time_times_price_rounded_once() -> None:
    assert price_of(3, Fraction(10, 31), unit_price("90.00")) == Decimal("87.10")


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [(0.1, Decimal(3), "bad_quantity"), (1, 0.3, "float_money")],
)
def test_a_float_never_reaches_a_price(quantity: Any, price: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        price_of(quantity, Fraction(1), price)
    assert refused.value.code == code


def test_a_float_is_no_count_of_fen() -> None:
    with pytest.raises(Invalid, match="float_money"):
        money.from_fen(1.5)  # type: ignore[arg-type]


def test_json_carries_money_as_strings_and_refuses_numbers_with_a_point() -> None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(Yuan)
    assert adapter.dump_json(adapter.validate_json('"12.3"')) == b'"12.30"'
    assert adapter.json_schema()["type"] == "string"
    with pytest.raises(ValidationError) as refused:
        adapter.validate_json("12.3")
    assert refused.value.errors()[0]["type"] == "float_money"


@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9)))
def test_a_total_adds_rounded_amounts_exactly(fen: list[int]) -> None:
    assert money.to_fen(money.total(money.from_fen(each) for each in fen)) == sum(fen)
