"""A line of the monthly list: what stood there, and when it lies below the waterline."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmgr.domain.resource_lists import ResourceListLine, free_share, list_line
from tests.support.supply import a_pool, an_inventory


def a_list_line(percent: int | None = 20, **inventory: Any) -> ResourceListLine:
    return list_line("2026-02", a_pool(), an_inventory(**inventory), percent)


@pytest.mark.parametrize(("allocated", "below"), [(79, False), (80, False), (81, True)])
def test_a_class_is_below_when_less_is_free_than_shall_stay_free(
    allocated: int, below: bool
) -> None:
    line = a_list_line(total=100, allocated=allocated)
    assert (line.waterline, line.free, line.below_waterline) == (20, 100 - allocated, below)


def test_what_shall_stay_free_is_rounded_up_to_a_whole_unit() -> None:
    assert a_list_line(15, total=7).waterline == 2
    assert a_list_line(0, total=7).waterline == 0


def test_without_a_waterline_nothing_is_below_it() -> None:
    line = a_list_line(None, total=100, allocated=100)
    assert (line.waterline, line.below_waterline) == (None, False)


def test_an_empty_class_has_no_share() -> None:
    assert free_share(a_list_line(total=0)) is None
    assert free_share(a_list_line(total=4, allocated=1)) == Fraction(3, 4)


@given(st.integers(0, 10**6), st.integers(100, 1600), st.integers(0, 100), st.data())
def test_a_line_adds_up(total: int, ratio: int, percent: int, data: st.DataObject) -> None:
    offered = total * ratio // 100
    reserved = data.draw(st.integers(0, offered))
    held = data.draw(st.integers(0, offered - reserved))
    allocated = data.draw(st.integers(0, offered - reserved - held))
    line = a_list_line(
        percent,
        total=total,
        allocation_ratio_percent=ratio,
        reserved=reserved,
        held=held,
        allocated=allocated,
    )
    assert line.free + line.reserved + line.held + line.allocated == line.offered
    assert line.below_waterline == (100 * line.free < percent * line.offered)
