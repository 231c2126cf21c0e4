"""Promises and the credits for breaking them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from catalog.errors import Invalid
from catalog.standards import CreditTier, share_text
from tests.support.catalogs import a_standard


@pytest.mark.parametrize(
    ("availability", "share"),
    [("1", "0"), ("0.999", "0"), ("0.9989", "0.1"), ("0.99", "0.1"), ("0.98", "0.3"), ("0", "0.3")],
)
def test_the_worst_tier_reached_gives_the_credit(availability: str, share: str) -> None:
    assert a_standard().credit_share(Fraction(availability)) == Fraction(share)


def tier(below: str, share: str) -> CreditTier:
    return CreditTier(below=Fraction(below), share=Fraction(share))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"availability": Fraction(0)}, "availability"),
        ({"availability": Fraction(2)}, "availability"),
        ({"restore_minutes": -1}, "restore_minutes"),
        ({"source": ""}, "source"),
        ({"credit_tiers": (tier("0.9999", "0.1"),)}, "credits"),
        ({"credit_tiers": (tier("0.99", "0.1"), tier("0.99", "0.3"))}, "credits"),
        ({"credit_tiers": (tier("0.99", "0.3"), tier("0.95", "0.1"))}, "credits"),
        ({"credit_tiers": (tier("0.99", "1.1"),)}, "credits"),
    ],
)
def test_a_standard_that_makes_no_sense_is_refused_with_its_field(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid, match=f"field {field}"):
        a_standard(**changed)


def test_a_share_reads_as_a_percentage() -> None:
    assert share_text(Fraction("0.9995")) == "99.95 %"
    assert share_text(Fraction(1)) == "100 %"
    assert share_text(Fraction("0.0005")) == "0.05 %"
    assert share_text(Fraction(1, 3)) == "1/3 of 1"
