"""From measured indicators to one score: weights, redistribution, veto, and how each point came.

Owns `AssessmentScheme`, the dated rules, and `score()`, which is pure. The life of a score is
`assessment`; what money follows from it is `settlement`. Source: DOMAIN.md 9.

    effective weight of a dimension = 100 x weight / weights of all dimensions with a value
    effective weight of an indicator = that x weight / weights of its dimension's set indicators
    score = sum of effective weight x points / 100, capped by a veto, 2 decimals half up
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from catalog.errors import Invalid
from catalog.money import Exact, round_half_away
from cloudmgr.domain.errors import bad_scheme, bad_value, no_scheme
from cloudmgr.domain.indicators import (
    MOST_POINTS,
    Dimension,
    IndicatorDefinition,
    Measured,
    definition_faults,
    not_set,
)
from cloudmgr.domain.measures import MEASURES
from cloudmgr.domain.ratios import Ratio, ratio_text
from cloudmgr.domain.values import Value

SCORE_PLACES = 2
Score = Annotated[Decimal, Exact(SCORE_PLACES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionWeight:
    """What a dimension weighs in the score; all of a scheme add to 100."""

    dimension: Dimension
    weight: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """一票否决: once the indicator's value reaches `at_least`, the score is at most `cap`."""

    indicator_id: str
    at_least: Ratio
    cap: Ratio
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentScheme(Value):
    """考核办法: one dated version with its basis document; `kind` "sample" is 示例参数.

    `source` says where its figures come from.
    `credited_incidents_score` lets an incident cost points although service credits are paid
    for it. Raises `bad_scheme` when its parts do not fit together.
    """

    name_zh: str
    name_en: str
    document_number: str
    effective_from: datetime
    kind: str
    source: str
    dimensions: tuple[DimensionWeight, ...]
    indicators: tuple[IndicatorDefinition, ...]
    vetoes: tuple[Veto, ...] = ()
    credited_incidents_score: bool = False

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise fault

    def indicator(self, indicator_id: str) -> IndicatorDefinition:
        """The definition of that id; raises `bad_value`."""
        for definition in self.indicators:
            if definition.id == indicator_id:
                return definition
        raise bad_value("indicator_id", f"the scheme {self.id} has no indicator {indicator_id!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredIndicator:
    """One line of a scorecard. `weight` is what it weighed in fact, of 100.

    An indicator that is not set, or that the provider does not control, weighs 0 and gives no
    points; the latter is shown with its own `score` all the same.
    """

    indicator_id: str
    dimension: Dimension
    weight: Ratio
    measured: Measured
    score: Ratio | None
    points: Ratio
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDimension:
    """`score` is the dimension's own, of 100; None when none of its indicators has a value."""

    dimension: Dimension
    nominal_weight: Ratio
    weight: Ratio
    score: Ratio | None
    points: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """考核得分表. `score` None: nothing at all could be judged. `vetoed` names the indicator."""

    items: tuple[ScoredIndicator, ...]
    dimensions: tuple[ScoredDimension, ...]
    score: Score | None
    vetoed: str = ""


def scheme_at(schemes: Iterable[AssessmentScheme], moment: datetime) -> AssessmentScheme:
    """The scheme in force: the latest that is effective at `moment`; raises `no_scheme`."""
    in_force = [scheme for scheme in schemes if scheme.effective_from <= moment]
    if not in_force:
        raise no_scheme(moment.isoformat())
    return max(in_force, key=lambda scheme: (scheme.effective_from, scheme.id))


def score(scheme: AssessmentScheme, values: Iterable[Measured]) -> Scorecard:
    """The scorecard of one provider's values; indicators without a value are "not set".

    Raises `bad_value` for a value of an indicator the scheme does not have.
    """
    by_id = {scheme.indicator(each.indicator_id).id: each for each in values}
    found = [by_id.get(d.id, not_set(d.id, "no value was given")) for d in scheme.indicators]
    weights = _effective_weights(scheme, by_id)
    items = tuple(
        _scored(definition, value, weights.get(definition.id, Fraction(0)))
        for definition, value in zip(scheme.indicators, found, strict=True)
    )
    dimensions = tuple(_dimension(each, items) for each in scheme.dimensions)
    if not weights:
        return Scorecard(items=items, dimensions=dimensions, score=None)
    total = sum((item.points for item in items), Fraction(0))
    struck = [veto for veto in scheme.vetoes if _strikes(veto, by_id)]
    lowest = min(struck, key=lambda veto: veto.cap, default=None)
    if lowest is not None:
        total = min(total, lowest.cap)
    return Scorecard(
        items=items,
        dimensions=dimensions,
        score=round_half_away(total, SCORE_PLACES),
        vetoed=lowest.indicator_id if lowest else "",
    )


def _effective_weights(
    scheme: AssessmentScheme, by_id: Mapping[str, Measured]
) -> dict[str, Fraction]:
    """What each indicator that counts and has a value weighs; together exactly 100, or none."""
    counted: dict[Dimension, list[IndicatorDefinition]] = {}
    for definition in scheme.indicators:
        value = by_id.get(definition.id)
        if definition.counts and value is not None and value.value is not None:
            counted.setdefault(definition.dimension, []).append(definition)
    filled = [each for each in scheme.dimensions if each.dimension in counted]
    of_dimensions = sum((each.weight for each in filled), Fraction(0))
    weights: dict[str, Fraction] = {}
    for each in filled:
        inside = counted[each.dimension]
        of_indicators = sum((definition.weight for definition in inside), Fraction(0))
        for definition in inside:
            share = definition.weight / of_indicators
            weights[definition.id] = MOST_POINTS * each.weight / of_dimensions * share
    return weights


def _scored(definition: IndicatorDefinition, value: Measured, weight: Fraction) -> ScoredIndicator:
    points_of_100 = None if value.value is None else definition.score(value.value)
    points = Fraction(0) if points_of_100 is None else weight * points_of_100 / MOST_POINTS
    return ScoredIndicator(
        indicator_id=definition.id,
        dimension=definition.dimension,
        weight=weight,
        measured=value,
        score=points_of_100,
        points=points,
        explanation=_explanation(definition, value, weight, points),
    )


def _explanation(
    definition: IndicatorDefinition, value: Measured, weight: Fraction, points: Fraction
) -> str:
    """How the points came about, in one sentence."""
    if value.value is None:
        return f"not set: {value.evidence}; what it weighs goes to the others"
    reached = definition.score(value.value)
    how = (
        f"{ratio_text(value.value)} {definition.unit}: {value.evidence}; "
        f"{definition.scoring.text()} = {ratio_text(reached, 2)}"
    )
    if not definition.counts:
        return f"{how}; shown only, because the {definition.controlled_by} controls it"
    return f"{how}; x weight {ratio_text(weight, 2)} / 100 = {ratio_text(points, 2)} points"


def _dimension(each: DimensionWeight, items: Sequence[ScoredIndicator]) -> ScoredDimension:
    inside = [item for item in items if item.dimension is each.dimension]
    weight = sum((item.weight for item in inside), Fraction(0))
    points = sum((item.points for item in inside), Fraction(0))
    return ScoredDimension(
        dimension=each.dimension,
        nominal_weight=each.weight,
        weight=weight,
        score=points / weight * MOST_POINTS if weight else None,
        points=points,
    )


def _strikes(veto: Veto, by_id: Mapping[str, Measured]) -> bool:
    found = by_id.get(veto.indicator_id)
    return found is not None and found.value is not None and found.value >= veto.at_least


def _faults(scheme: AssessmentScheme) -> Iterator[Invalid]:
    """Everything that makes a scheme unusable."""
    where = f"scheme {scheme.id}"
    if not scheme.document_number.strip() or not scheme.kind.strip():
        yield bad_scheme(where, "it needs a basis document number and a kind")
    weights = [each.weight for each in scheme.dimensions]
    if sum(weights) != MOST_POINTS or any(weight <= 0 for weight in weights):
        yield bad_scheme(f"{where}, dimensions", "weights are positive and add to 100")
    names = Counter(str(each.dimension) for each in scheme.dimensions)
    yield from _repeated(where, "dimension", names)
    yield from _repeated(where, "indicator", Counter(d.id for d in scheme.indicators))
    counted = {d.dimension for d in scheme.indicators if d.counts}
    for dimension in names:
        if dimension not in counted:
            yield bad_scheme(f"{where}, dimension {dimension}", "no indicator counts in it")
    for definition in scheme.indicators:
        yield from definition_faults(definition)
        if definition.dimension not in names:
            yield bad_scheme(f"{where}, indicator {definition.id}", "its dimension has no weight")
        if definition.computed and definition.id not in MEASURES:
            computed = ", ".join(MEASURES)
            yield bad_scheme(
                f"{where}, indicator {definition.id}",
                f"the node does not compute it; it computes {computed}",
            )
    ids = {definition.id for definition in scheme.indicators}
    for veto in scheme.vetoes:
        if veto.indicator_id not in ids:
            yield bad_scheme(f"{where}, veto {veto.indicator_id}", "there is no such indicator")
        if not 0 <= veto.cap <= MOST_POINTS:
            yield bad_scheme(f"{where}, veto {veto.indicator_id}", "its cap lies in 0..100")


def _repeated(where: str, what: str, counts: Mapping[str, int]) -> Iterator[Invalid]:
    for name, count in counts.items():
        if count > 1:
            yield bad_scheme(f"{where}, {what} {name}", f"it is defined {count} times")
