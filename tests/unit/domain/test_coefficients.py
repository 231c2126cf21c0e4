"""Coefficients by hand: 90 and more 1; 75-90 linear 0.95 to 1; 60-75 linear 0.80 to 0.95."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from cloudmgr.domain.coefficients import coefficient, decided

SCORES = st.integers(min_value=0, max_value=10000).map(lambda n: Decimal(n).scaleb(-2))


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("100.00", Fraction(1)),
        ("90.00", Fraction(1)),
        # 0.95 + 14.99/15 x 0.05 = 0.95 + 1499/30000
        ("89.99", Fraction(29999, 30000)),
        # 0.95 + 12.53/15 x 0.05 = 0.95 + 1253/30000
        ("87.53", Fraction(29753, 30000)),
        ("82.50", Fraction(39, 40)),
        ("75.00", Fraction(19, 20)),
        # 0.80 + 14.99/15 x 0.15 = 0.80 + 0.1499
        ("74.99", Fraction(9499, 10000)),
        ("67.50", Fraction(7, 8)),
        ("60.00", Fraction(4, 5)),
    ],
)
def test_the_coefficient_is_the_exact_fraction_of_the_score(score: str, expected: Fraction) -> None:
    assert coefficient(Decimal(score)).value == expected


def test_below_every_band_and_without_a_score_payment_is_held() -> None:
    low, none = coefficient(Decimal("59.99")), coefficient(None)
    assert low.value is None
    assert low.working == "59.99 is below 60.00; payment is held"
    assert none.value is None


def test_the_working_can_be_checked_by_hand() -> None:
    assert coefficient(Decimal("82.50")).working == (
        "82.50 lies in 75.00 to 90.00: 0.95 + (82.50 - 75.00) / 15 x 0.05 = 0.975"
    )
    assert coefficient(Decimal("87.53")).working.endswith("= 0.991767 (exactly 29753/30000)")
    assert coefficient(Decimal("95.00")).working == "95.00 is at least 90.00: 1"


@pytest.mark.parametrize("score", ["100.01", "-0.01", "80.005"])
def test_what_is_no_published_score_is_refused(score: str) -> None:
    with pytest.raises(Invalid):
        coefficient(Decimal(score))


@given(SCORES, SCORES)
def test_a_better_score_never_pays_less(one: Decimal, other: Decimal) -> None:
    low, high = (coefficient(score).value or Fraction(0) for score in sorted((one, other)))
    assert 0 <= low <= high <= 1


def test_a_decided_coefficient_is_a_share_with_a_reason() -> None:
    assert decided(Fraction(7, 10), "agreed").working == "decided: 0.7; agreed"
    for value, reason in (
        (Fraction(11, 10), "more"),
        (Fraction(-1, 10), "less"),
        (Fraction(1), ""),
    ):
        with pytest.raises(Invalid):
            decided(value, reason)
