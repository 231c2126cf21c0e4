"""Whole base units of resource classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.quantity import ResourceAmount, ResourceClass, from_mapping, scaled, summed, whole

amounts = st.lists(
    st.builds(ResourceAmount, st.sampled_from(ResourceClass), st.integers(0, 10**9)), max_size=8
)


@pytest.mark.parametrize("value", [1.0, "1", True, None, -1])
def test_what_is_not_a_whole_number_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as refused:
        whole(value)
    assert refused.value.code == "bad_quantity"


def test_an_amount_is_never_negative() -> None:
    with pytest.raises(Invalid, match="at least 0"):
        ResourceAmount(ResourceClass.VCPU, -1)


@given(amounts, amounts)
def test_sums_do_not_depend_on_grouping(
    one: list[ResourceAmount], other: list[ResourceAmount]
) -> None:
    assert summed([*summed(one), *summed(other)]) == summed([*other, *one])


@given(amounts, st.integers(0, 1000))
def test_n_units_take_n_times_one_unit(each: list[ResourceAmount], count: int) -> None:
    assert summed(scaled(each, count)) == summed(each * count)


def test_a_mapping_becomes_ordered_amounts_without_zeros() -> None:
    found = from_mapping({ResourceClass.VCPU: 2, ResourceClass.GPU: 0, ResourceClass.LICENCE: 1})
    assert found == (
        ResourceAmount(ResourceClass.LICENCE, 1),
        ResourceAmount(ResourceClass.VCPU, 2),
    )
