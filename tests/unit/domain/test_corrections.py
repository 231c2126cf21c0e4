"""Corrections bring what was billed to what a fresh close would have given, and no further."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog.money import ZERO, amount, total
from cloudmgr.domain.allocations import Segment, SegmentMode
from cloudmgr.domain.corrections import correct, reversal
from cloudmgr.domain.lines import LineKind, RatedLine, line_amount
from cloudmgr.domain.rating import Place
from tests.support.money import a_segment, hours, rated

PLACES = {"dep": Place("city", "city-finance")}
Lines = tuple[RatedLine, ...]


def corrected(fresh: Lines, billed: Lines, month: str = "2026-02") -> Lines:
    return correct(fresh, billed, month=month, places=PLACES)


def sum_of(lines: Lines) -> Decimal:
    return total(line.amount for line in lines)


def test_a_month_that_was_right_needs_nothing() -> None:
    lines = rated(a_segment("01-10", 2), a_segment("01-20", 3))
    assert corrected(lines, lines) == ()


def test_wrong_lines_are_reversed_and_missing_ones_added_in_the_open_month() -> None:
    billed = rated(a_segment("2025-12-01", 2))
    fresh = rated(a_segment("2025-12-01", 2), end="01-11")
    back, added = corrected(fresh, billed)
    assert (back.amount, back.fraction, back.corrects) == (
        Decimal("-200.00"),
        "-31/31",
        "RL-2026-01/AL-1/001",
    )
    assert (added.amount, added.fraction) == (Decimal("64.52"), "10/31")
    assert {line.month for line in (back, added)} == {"2026-02"}
    assert {line.served_month for line in (back, added)} == {"2026-01"}
    assert [line.id for line in (back, added)] == [
        "RL-2026-02/AL-1/2026-01-001",
        "RL-2026-02/AL-1/2026-01-002",
    ]


def test_a_second_correction_starts_from_the_first() -> None:
    first = rated(a_segment("2025-12-01", 2))
    second = rated(a_segment("2025-12-01", 2), end="01-11")
    third = rated(a_segment("2025-12-01", 2), end="01-21")
    in_february = corrected(second, first)
    in_march = corrected(third, (*first, *in_february), "2026-03")
    assert sum_of((*first, *in_february, *in_march)) == sum_of(third)
    assert corrected(third, (*first, *in_february, *in_march), "2026-04") == ()


def test_late_use_moves_only_the_tiers_it_touches() -> None:
    egress = a_segment("2025-12-01", 1, "egress")
    billed = rated(egress, usage=hours("01-10", 150 * 1024))
    fresh = rated(egress, usage=(*hours("01-10", 150 * 1024), *hours("01-20", 10 * 1024)))
    changes = corrected(fresh, billed)
    # the first tier stays; 50 GiB x 0.60 = 30.00 go back, 60 GiB x 0.60 = 36.00 come
    assert [line.amount for line in changes] == [Decimal("-30.00"), Decimal("36.00")]


def test_what_people_gave_is_not_taken_back() -> None:
    (line,) = rated(a_segment("2025-12-01", 2))
    credit = replace(reversal(line), id="credit", kind=LineKind.ADJUSTMENT, credit_note_id="CN-1")
    discount = replace(
        line, id="discount", kind=LineKind.DISCOUNT, amount=amount("-20"), fraction="-1/10"
    )
    assert corrected((line,), (line, credit, discount)) == ()


def test_a_moved_trial_that_costs_nothing_makes_no_lines() -> None:
    trial, charged = SegmentMode.TRIAL, a_segment("01-20")
    billed = rated(a_segment("01-05", mode=trial), charged)
    fresh = rated(a_segment("01-06", mode=trial), charged)
    assert corrected(fresh, billed) == ()


SEGMENTS = st.lists(
    st.tuples(st.integers(1, 31), st.integers(1, 4), st.sampled_from(list(SegmentMode))),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[0],
).map(lambda rows: tuple(a_segment(f"01-{d:02d} 10:00", q, mode=m) for d, q, m in sorted(rows)))


@given(st.lists(SEGMENTS, min_size=2, max_size=4))
def test_after_any_corrections_the_month_is_what_a_fresh_close_gives(
    histories: list[tuple[Segment, ...]],
) -> None:
    billed: Lines = ()
    for number, history in enumerate(histories):
        fresh = rated(*history)
        billed += corrected(fresh, billed, f"2026-{number + 2:02d}") if number else fresh
        assert sum_of(billed) == sum_of(fresh)
        for line in billed:
            exact = line_amount(line.quantity, line.per_unit, line.fraction, line.unit_price)
            assert line.amount == exact
    assert corrected(fresh, billed, "2027-01") == ()


@given(SEGMENTS)
def test_a_reversal_is_the_exact_negative_and_undoes_itself(history: tuple[Segment, ...]) -> None:
    for line in rated(*history):
        back = reversal(line)
        assert back.amount + line.amount == ZERO
        assert reversal(back).amount == line.amount
