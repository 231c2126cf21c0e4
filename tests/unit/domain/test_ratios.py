"""Exact ratios: what is read, what is refused, how they are shown and travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.ratios import Ratio, ratio, ratio_text
from cloudmgr.services import codec


@dataclass(frozen=True)
class Carrier:
    share: Ratio


@pytest.mark.parametrize(
    ("written", "meant"),
    [("0.95", Fraction(19, 20)), ("19/20", Fraction(19, 20)), (3, Fraction(3)), ("-2", -2)],
)
def test_a_ratio_is_read_exactly(written: object, meant: Fraction) -> None:
    assert ratio(written) == meant


@pytest.mark.parametrize("wrong", [0.95, True, "0.9.5", "1/0", "", "1e3", " 1", None, "nan"])
def test_what_is_not_an_exact_ratio_is_refused(wrong: object) -> None:
    with pytest.raises(CloudmgrError) as refused:
        ratio(wrong)
    assert refused.value.code == "bad_ratio"


def test_a_ratio_travels_as_a_string_and_comes_back_exactly() -> None:
    third = Carrier(Fraction(1, 3))
    assert codec.dump(third) == {"share": "1/3"}
    assert codec.load(Carrier, {"share": "1/3"}) == third


def test_a_ratio_of_many_counts_comes_back_exactly() -> None:
    minutes_of_months = Fraction(10**30 + 57, 44_640**9)
    written = codec.dump(Carrier(minutes_of_months))
    assert codec.load(Carrier, written) == Carrier(minutes_of_months)


def test_a_float_in_json_is_refused_with_its_place() -> None:
    with pytest.raises(CloudmgrError, match=r"share: .*write it as a string"):
        codec.load(Carrier, {"share": 0.1})


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Fraction(1, 3), "0.3333"), (Fraction(5), "5"), (Fraction(1, 2), "0.5"), (Fraction(0), "0")],
)
def test_a_ratio_is_shown_without_needless_zeros(value: Fraction, shown: str) -> None:
    assert ratio_text(value) == shown
