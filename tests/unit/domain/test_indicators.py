"""Scoring functions: worked points, limits, and data that makes no sense."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.indicators import Deduction, Linear, Scoring, Step, Steps
from cloudmgr.domain.ratios import ratio
from cloudmgr.services import codec

RISING = Linear(floor=ratio("0.8"), target=ratio("0.98"))
FALLING = Linear(floor=ratio("0.05"), target=ratio("0.001"))
STAIRS = Steps(
    below=ratio(20),
    steps=(
        Step(from_value=ratio("0.9"), score=ratio(60)),
        Step(from_value=ratio("0.99"), score=ratio(100)),
    ),
)
EVENTS = Deduction(per_event=ratio(30), free_events=1)


@pytest.mark.parametrize(
    ("value", "points"),
    [
        # (0.925 - 0.8) / (0.98 - 0.8) = 0.125 / 0.18 = 25/36
        ("0.925", Fraction(2500, 36)),
        ("0.8", 0),
        ("0.98", 100),
        ("0.5", 0),
        ("1", 100),
    ],
)
def test_linear_points_rise_between_floor_and_target(value: str, points: Fraction) -> None:
    assert RISING.score(ratio(value)) == points


def test_linear_points_fall_where_less_is_better() -> None:
    # (0.05 - 0.0255) / (0.05 - 0.001) = 0.0245 / 0.049 = 1/2
    assert FALLING.score(ratio("0.0255")) == 50
    assert FALLING.score(ratio("0")) == 100
    assert FALLING.score(ratio("0.06")) == 0


@pytest.mark.parametrize(
    ("value", "points"), [("0", 20), ("0.8999", 20), ("0.9", 60), ("0.98", 60), ("0.99", 100)]
)
def test_steps_give_the_score_of_the_last_step_reached(value: str, points: int) -> None:
    assert STAIRS.score(ratio(value)) == points


@pytest.mark.parametrize(("events", "points"), [(0, 100), (1, 100), (2, 70), (4, 10), (9, 0)])
def test_deductions_count_events_after_the_free_ones_and_stop_at_nothing(
    events: int, points: int
) -> None:
    assert EVENTS.score(Fraction(events)) == points


@given(
    st.sampled_from((RISING, FALLING, STAIRS, EVENTS)),
    st.fractions(min_value=-10, max_value=200),
)
def test_points_never_leave_0_to_100(scoring: Scoring, value: Fraction) -> None:
    assert 0 <= scoring.score(value) <= 100


@given(
    st.fractions(min_value=0, max_value=2),
    st.fractions(min_value=0, max_value=2),
)
def test_a_better_value_never_gives_fewer_points(one: Fraction, other: Fraction) -> None:
    lower, higher = sorted((one, other))
    assert RISING.score(lower) <= RISING.score(higher)
    assert FALLING.score(lower) >= FALLING.score(higher)
    assert STAIRS.score(lower) <= STAIRS.score(higher)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: Linear(floor=ratio(1), target=ratio(1)), "floor and target are equal"),
        (lambda: Steps(below=ratio(0), steps=()), "at least one step"),
        (
            lambda: Steps(
                below=ratio(0),
                steps=(
                    Step(from_value=ratio(2), score=ratio(5)),
                    Step(from_value=ratio(1), score=ratio(9)),
                ),
            ),
            "ascending",
        ),
        (lambda: Steps(below=ratio(101), steps=STAIRS.steps), "do not lie in 0..100"),
        (lambda: Deduction(per_event=ratio(0)), "positive number of points"),
    ],
)
def test_scoring_data_without_sense_is_refused(made: object, why: str) -> None:
    assert callable(made)
    with pytest.raises(CloudmgrError, match=why) as refused:
        made()
    assert refused.value.code == "bad_scheme"


@pytest.mark.parametrize("scoring", [RISING, STAIRS, EVENTS])
def test_a_scoring_function_is_data_that_survives_json(scoring: Scoring) -> None:
    assert codec.load(Scoring, codec.dump(scoring)) == scoring  # type: ignore[arg-type]
