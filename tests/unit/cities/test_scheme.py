"""The shipped scheme is sound and marked, and a faulty one is refused with its place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from catalog.errors import CloudmgrError
from catalog.period import midnight
from cloudmgr.cities.scheme import REFERENCE, read_scheme, reference_scheme
from cloudmgr.domain.assessment_scores import AssessmentScheme
from cloudmgr.domain.indicators import ControlledBy, Dimension, Linear
from cloudmgr.services import codec
from tests.support.assessments import JANUARY

GOOD = REFERENCE.read_text(encoding="utf-8")


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "scheme.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CloudmgrError) as fault:
        read_scheme(file)
    assert fault.value.code == "bad_scheme"
    assert f"{tmp_path.name}/scheme.toml" in fault.value.message
    return fault.value.message


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_shipped_scheme_weighs_the_five_dimensions_and_says_it_is_a_sample() -> None:
    scheme = reference_scheme()
    assert {each.dimension: each.weight for each in scheme.dimensions} == {
        Dimension.ONBOARDING: 15,
        Dimension.SERVICE: 25,
        Dimension.EFFICIENCY: 20,
        Dimension.OPERATION: 25,
        Dimension.VALUE: 15,
    }
    assert scheme.kind == "sample"
    assert "示例参数" in scheme.name_zh
    assert "示例参数" in scheme.source
    assert scheme.effective_from == midnight(JANUARY.first)


def test_only_what_departments_cause_stays_out_of_the_score() -> None:
    scheme = reference_scheme()
    shown_only = {each.id for each in scheme.indicators if not each.counts}
    assert shown_only == {"allocation_mean_use"}
    idle = scheme.indicator("allocation_mean_use")
    assert idle.controlled_by is ControlledBy.DEPARTMENT
    assert scheme.indicator("pool_peak_use").counts


def test_the_weights_inside_every_dimension_are_percentages() -> None:
    sums = dict.fromkeys(Dimension, Fraction(0))
    for each in reference_scheme().indicators:
        sums[each.dimension] += each.weight
    assert set(sums.values()) == {Fraction(100)}


def test_decimals_of_the_file_are_exact() -> None:
    scoring = reference_scheme().indicator("metering_quarantine").scoring
    assert isinstance(scoring, Linear)
    assert (scoring.floor, scoring.target) == (Fraction(1, 50), Fraction(1, 2000))


def test_a_scheme_survives_json() -> None:
    scheme = reference_scheme()
    assert codec.load(AssessmentScheme, codec.dump(scheme)) == scheme


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("service = 25", "service = 24", "weights are positive and add to 100"),
        ("service = 25", 'service = "much"', "dimensions, service: .*is not an exact ratio"),
        ("onboarding = 15", "welcome = 15", "dimensions, welcome: dimension"),
        ("[dimensions]", "[sizes]", "field sizes: is unknown"),
        ('kind = "sample"', 'knd = "sample"', "field knd: is unknown"),
        ("effective_from = 2026-01-01", 'effective_from = "2026-01-01"', "is not a date"),
        ('unit = "share"', 'unit = "mood"', "indicator migrations_on_time: unit"),
        ("weight = 60", "wieght = 60", "migrations_on_time, field wieght: is unknown"),
        ("weight = 60\n", "", "migrations_on_time: weight: Field required"),
        (
            'kind = "linear", floor = 0.70',
            'kind = "curved", floor = 0.70',
            "migrations_on_time, field scoring: name its kind: one of linear, steps, deduction",
        ),
        ("floor = 0.70", "flor = 0.70", "scoring linear, field flor: is unknown"),
        ("floor = 0.70, ", "", "scoring linear: floor: Field required"),
        ("floor = 0.70", "floor = true", "scoring linear: floor: True is not an exact ratio"),
        ("target = 0.98", "target = 0.70", "floor and target are equal"),
        ("score = 60 }", "scor = 60 }", "scoring steps"),
        ("per_event = 50", "per_event = 0", "positive number of points"),
        (
            'id = "first_time_acceptance"',
            'id = "beauty"',
            "indicator beauty: the node does not compute it",
        ),
        ("cap = 59.99", "cap = 159.99", "its cap lies in 0..100"),
        ('[[vetoes]]\nindicator_id = "c', '[[vetoes]]\nindicator_id = "x', "no such indicator"),
        ("[[vetoes]]", "[vetoes]", "vetoes: write each one as a table"),
        ("[dimensions]", "[dimensions", "cannot be read"),
    ],
)
def test_a_faulty_scheme_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    message = refused(tmp_path, changed(old, new))
    assert why.split(": .*")[0] in message
    assert why.split(": .*")[-1] in message


def test_a_scheme_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CloudmgrError, match="cannot be read") as fault:
        read_scheme(tmp_path / "none.toml")
    assert fault.value.code == "bad_scheme"
