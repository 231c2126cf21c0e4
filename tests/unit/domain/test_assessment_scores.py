"""The score: a hand-worked card, redistribution, veto, rounding, and schemes that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.assessment_scores import AssessmentScheme, Scorecard, Veto, scheme_at, score
from cloudmgr.domain.indicators import ControlledBy, Deduction, Dimension, Linear, Measured
from cloudmgr.domain.ratios import ratio
from cloudmgr.services import codec
from tests.support.assessments import a_definition, a_scheme, at, value_of

D = Dimension
WEIGHTS = {
    D.ONBOARDING: "15",
    D.SERVICE: "25",
    D.EFFICIENCY: "20",
    D.OPERATION: "25",
    D.VALUE: "15",
}
SCHEME = a_scheme(
    a_definition(
        id="migrations_on_time",
        dimension=D.ONBOARDING,
        scoring=Linear(floor=ratio("0.8"), target=ratio("0.98")),
    ),
    a_definition(id="provisioning_on_time", dimension=D.SERVICE, weight="60"),
    a_definition(
        id="critical_incidents",
        dimension=D.SERVICE,
        weight="40",
        scoring=Deduction(per_event=ratio(50)),
    ),
    a_definition(id="allocated_share", dimension=D.EFFICIENCY),
    a_definition(
        id="allocation_mean_use",
        dimension=D.EFFICIENCY,
        weight="0",
        controlled_by=ControlledBy.DEPARTMENT,
    ),
    a_definition(id="metering_coverage", dimension=D.OPERATION),
    a_definition(id="price_against_ceiling", dimension=D.VALUE),
    weights=WEIGHTS,
    vetoes=(
        Veto(
            indicator_id="critical_incidents",
            at_least=ratio(2),
            cap=ratio("59.99"),
            name_zh="重大故障",
            name_en="Critical incidents",
        ),
    ),
)
VALUES = {
    "migrations_on_time": "0.925",
    "provisioning_on_time": "0.9",
    "critical_incidents": "1",
    "allocated_share": "0.6",
    "allocation_mean_use": "0.05",
    "metering_coverage": "0.96",
    "price_against_ceiling": "0.7",
}


def card(**changed: str | None) -> Scorecard:
    values = VALUES | changed
    return score(SCHEME, [value_of(id, value) for id, value in values.items()])


def test_a_full_scorecard_worked_by_hand() -> None:
    #             points of 100             weight         points
    # migrations  (0.925-0.8)/0.18 = 69.44…  15            10.41666…
    # provisioning                    90     25 x 0.6 = 15 13.5
    # critical    100 - 50        =   50     25 x 0.4 = 10  5
    # allocated                       60     20            12
    # coverage                        96     25            24
    # price                           70     15            10.5
    #                                                      75.41666… -> 75.42
    found = card()
    assert found.score == Decimal("75.42")
    assert [item.points for item in found.items] == [
        Fraction(15) * Fraction(25, 36),
        Fraction("13.5"),
        Fraction(5),
        Fraction(12),
        Fraction(0),
        Fraction(24),
        Fraction("10.5"),
    ]
    service = found.dimensions[1]
    assert service.weight == 25
    assert service.points == Fraction("18.5")
    assert service.score == 74


def test_every_point_is_explained() -> None:
    explained = {item.indicator_id: item.explanation for item in card().items}
    assert explained["migrations_on_time"] == (
        "0.925 share: a test; linear from 0.8 (0) to 0.98 (100) = 69.44; "
        "x weight 15 / 100 = 10.42 points"
    )
    assert explained["allocation_mean_use"].endswith(
        "= 5; shown only, because the department controls it"
    )


def test_an_indicator_without_a_value_gives_its_weight_to_its_dimension() -> None:
    found = card(critical_incidents=None)
    weights = {item.indicator_id: item.weight for item in found.items}
    assert weights["provisioning_on_time"] == 25
    assert weights["critical_incidents"] == 0
    # 10.41666… + 25 x 0.9 + 12 + 24 + 10.5 = 79.41666…
    assert found.score == Decimal("79.42")
    not_set = found.items[2]
    assert not_set.score is None
    assert not_set.points == 0
    assert not_set.explanation.startswith("not set: nothing was there")


def test_an_empty_dimension_gives_its_weight_to_the_others() -> None:
    found = card(migrations_on_time=None)
    # The rest weighs 85: 65 points of 85 are 76.470588… of 100.
    assert found.score == Decimal("76.47")
    onboarding = found.dimensions[0]
    assert onboarding.nominal_weight == 15
    assert onboarding.weight == 0
    assert onboarding.score is None


def test_nothing_to_judge_is_no_score_and_not_zero() -> None:
    only_departments = dict.fromkeys(VALUES) | {"allocation_mean_use": "0.05"}
    found = card(**only_departments)
    assert found.score is None
    assert sum(item.weight for item in found.items) == 0


def test_a_value_that_was_never_given_is_not_set() -> None:
    assert score(SCHEME, []).score is None


def test_what_departments_cause_is_shown_and_changes_nothing() -> None:
    idle, busy = card(allocation_mean_use="0.01"), card(allocation_mean_use="0.99")
    assert idle.score == busy.score
    assert idle.items[4].score == 1
    assert busy.items[4].score == 99


def test_a_veto_caps_the_score_and_is_named() -> None:
    found = card(critical_incidents="2")
    assert (found.score, found.vetoed) == (Decimal("59.99"), "critical_incidents")
    assert card(critical_incidents="1").vetoed == ""


def test_of_several_vetoes_the_lowest_cap_holds() -> None:
    def veto(indicator_id: str, cap: str) -> Veto:
        return Veto(
            indicator_id=indicator_id, at_least=ratio(0), cap=ratio(cap), name_zh="否", name_en="No"
        )

    scheme = a_scheme(
        a_definition(id="satisfaction"),
        a_definition(id="allocated_share"),
        vetoes=(veto("satisfaction", "70"), veto("allocated_share", "60.5")),
    )
    found = score(scheme, [value_of("satisfaction", "1"), value_of("allocated_share", "1")])
    assert (found.score, found.vetoed) == (Decimal("60.50"), "allocated_share")


def test_a_veto_never_lifts_a_score() -> None:
    badly = ("provisioning_on_time", "allocated_share", "metering_coverage")
    poor: dict[str, str | None] = dict.fromkeys(badly, "0")
    found = card(critical_incidents="2", **poor)
    assert found.vetoed == "critical_incidents"
    # 10.41666… + 10.5
    assert found.score == Decimal("20.92")


def test_the_published_score_is_rounded_half_up() -> None:
    scheme = a_scheme(a_definition(id="satisfaction"))
    assert score(scheme, [value_of("satisfaction", "0.74995")]).score == Decimal("75.00")
    assert score(scheme, [value_of("satisfaction", "0.749949")]).score == Decimal("74.99")


def test_a_value_of_an_indicator_the_scheme_does_not_have_is_refused() -> None:
    with pytest.raises(CloudmgrError, match="has no indicator 'mood'"):
        score(SCHEME, [value_of("mood", "1")])


IDS = tuple(VALUES)
COUNTING = tuple(id for id in IDS if id != "allocation_mean_use")
SHARES = st.fractions(min_value=0, max_value=1, max_denominator=1000)
MAYBE = st.one_of(st.none(), SHARES)


def plain(values: dict[str, Fraction | None]) -> Scorecard:
    """Scored by the plain scheme: every indicator's points are 100 times its value."""
    return score(PLAIN, [_value(id, value) for id, value in values.items()])


def _value(id: str, value: Fraction | None) -> Measured:
    return value_of(id, None if value is None else str(value))


PLAIN = a_scheme(
    *(
        a_definition(
            id=definition.id,
            dimension=definition.dimension,
            weight=str(definition.weight),
            controlled_by=definition.controlled_by,
        )
        for definition in SCHEME.indicators
    ),
    weights=WEIGHTS,
)


def points(found: Scorecard) -> Fraction:
    return sum((item.points for item in found.items), Fraction(0))


@given(st.fixed_dictionaries(dict.fromkeys(IDS, MAYBE)))
def test_weights_add_to_100_whatever_is_not_set(values: dict[str, Fraction | None]) -> None:
    found = plain(values)
    set_at_all = any(values[id] is not None for id in COUNTING)
    assert sum(item.weight for item in found.items) == (100 if set_at_all else 0)
    assert sum(each.weight for each in found.dimensions) == (100 if set_at_all else 0)
    assert sum(each.points for each in found.dimensions) == points(found)
    for item in found.items:
        assert bool(item.weight) == (item.indicator_id in COUNTING and item.score is not None)


@given(st.fixed_dictionaries(dict.fromkeys(IDS, MAYBE)))
def test_the_score_lies_between_the_worst_and_the_best_indicator(
    values: dict[str, Fraction | None],
) -> None:
    judged = [100 * value for id in COUNTING if (value := values[id]) is not None]
    assume(judged)
    assert min(judged) <= points(plain(values)) <= max(judged)


@given(st.fixed_dictionaries(dict.fromkeys(IDS, MAYBE)), st.sampled_from(COUNTING), SHARES)
def test_a_better_value_never_loses_points(
    values: dict[str, Fraction | None], id: str, other: Fraction
) -> None:
    value = values[id]
    assume(value is not None)
    assert value is not None
    better = values | {id: max(value, other)}
    assert points(plain(better)) >= points(plain(values))


@given(st.fixed_dictionaries(dict.fromkeys(IDS, MAYBE)), st.sampled_from(COUNTING))
def test_more_data_that_is_perfect_never_loses_points(
    values: dict[str, Fraction | None], id: str
) -> None:
    missing = values | {id: None}
    assume(any(missing[other] is not None for other in COUNTING))
    found = missing | {id: Fraction(1)}
    assert points(plain(found)) >= points(plain(missing))


@given(st.fixed_dictionaries(dict.fromkeys(IDS, MAYBE)), st.sampled_from(COUNTING))
def test_leaving_out_the_best_value_never_helps(
    values: dict[str, Fraction | None], id: str
) -> None:
    without = values | {id: None}
    judged = [value for other in COUNTING if (value := without[other]) is not None]
    assume(judged)
    assert points(plain(without)) <= points(plain(values | {id: max(judged)}))


def _scheme(**changed: object) -> Callable[[], AssessmentScheme]:
    return lambda: a_scheme(a_definition(), **changed)  # type: ignore[arg-type]


VETO = Veto(indicator_id="mood", at_least=ratio(1), cap=ratio(60), name_zh="情绪", name_en="Mood")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (_scheme(weights={D.SERVICE: "99"}), "add to 100"),
        (_scheme(weights={D.SERVICE: "50", D.VALUE: "50"}), "dimension value: no indicator counts"),
        (_scheme(document_number=" "), "basis document number"),
        (_scheme(vetoes=(VETO,)), "veto mood: there is no such indicator"),
        (
            lambda: a_scheme(a_definition(), a_definition()),
            "indicator satisfaction: it is defined 2 times",
        ),
        (
            lambda: a_scheme(a_definition(), a_definition(id="allocated_share", dimension=D.VALUE)),
            "indicator allocated_share: its dimension has no weight",
        ),
        (lambda: a_scheme(a_definition(id="mood")), "does not compute it; it computes"),
        (lambda: a_scheme(a_definition(weight="0")), "weighs above 0"),
        (lambda: a_scheme(a_definition(limit_minutes=0)), "field limit_minutes"),
    ],
)
def test_a_scheme_that_does_not_fit_together_is_refused(
    made: Callable[[], AssessmentScheme], why: str
) -> None:
    with pytest.raises(CloudmgrError, match=why) as refused:
        made()
    assert refused.value.code == "bad_scheme"


def test_the_scheme_in_force_is_the_latest_that_took_effect() -> None:
    first = a_scheme(id="a", effective_from=at("01-01 00:00"))
    second = a_scheme(id="b", effective_from=at("04-01 00:00"))
    assert scheme_at((second, first), at("03-31 23:59")).id == "a"
    assert scheme_at((first, second), at("04-01 00:00")).id == "b"
    with pytest.raises(CloudmgrError, match="no assessment scheme is in force"):
        scheme_at((second,), at("03-31 23:59"))


def test_schemes_and_scorecards_survive_json() -> None:
    assert codec.load(AssessmentScheme, codec.dump(SCHEME)) == SCHEME
    assert codec.load(Scorecard, codec.dump(card())) == card()
