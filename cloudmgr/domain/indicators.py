"""What is judged and how points are made of it: definitions and scoring functions as data.

Owns the meaning of a definition and of a measured value. How each computed indicator reads the
records is `measures`; how points become a score is `assessment`. Source: DOMAIN.md 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from catalog.errors import Invalid
from cloudmgr.domain.errors import bad_scheme
from cloudmgr.domain.ratios import Ratio, ratio_text

MOST_POINTS = Fraction(100)


class Dimension(StrEnum):
    """The five dimensions of the plan (商丘 2023, six (二) 4)."""

    ONBOARDING = "onboarding"
    SERVICE = "service"
    EFFICIENCY = "efficiency"
    OPERATION = "operation"
    VALUE = "value"

    @property
    def label_zh(self) -> str:
        return _DIMENSION_LABELS[self]


_DIMENSION_LABELS = {
    Dimension.ONBOARDING: "上云情况",
    Dimension.SERVICE: "服务能力",
    Dimension.EFFICIENCY: "集约效率",
    Dimension.OPERATION: "运营效果",
    Dimension.VALUE: "投资效益",
}


class ControlledBy(StrEnum):
    """Who causes the value. Only what the provider causes counts in its score."""

    PROVIDER = "provider"
    DEPARTMENT = "department"
    CITY = "city"


class Unit(StrEnum):
    """What a measured value is counted in."""

    SHARE = "share"
    RATIO = "ratio"
    STARS = "stars"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """0 points at `floor`, 100 at `target`, straight between; `floor` may be the larger."""

    floor: Ratio
    target: Ratio
    kind: Literal["linear"] = "linear"

    def __post_init__(self) -> None:
        if self.floor == self.target:
            raise bad_scheme("scoring linear", "floor and target are equal; set them apart")

    def score(self, value: Fraction) -> Fraction:
        share = (value - self.floor) / (self.target - self.floor)
        return min(max(share, Fraction(0)), Fraction(1)) * MOST_POINTS

    def text(self) -> str:
        return f"linear from {ratio_text(self.floor)} (0) to {ratio_text(self.target)} (100)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `from_value` upward, `score` points, until the next step."""

    from_value: Ratio
    score: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """`below` points under the first step, then the score of the last step reached."""

    below: Ratio
    steps: tuple[Step, ...]
    kind: Literal["steps"] = "steps"

    def __post_init__(self) -> None:
        values = [step.from_value for step in self.steps]
        if not values or values != sorted(set(values)):
            raise bad_scheme("scoring steps", "list at least one step, ascending in from_value")
        for points in (self.below, *(step.score for step in self.steps)):
            _points_in_range("scoring steps", points)

    def score(self, value: Fraction) -> Fraction:
        reached = self.below
        for step in self.steps:
            if value < step.from_value:
                break
            reached = step.score
        return reached

    def text(self) -> str:
        stairs = (f"from {ratio_text(s.from_value)}: {ratio_text(s.score)}" for s in self.steps)
        return f"steps {ratio_text(self.below)}; {'; '.join(stairs)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """100 points less `per_event` for every event after the first `free_events`; never below 0."""

    per_event: Ratio
    free_events: int = 0
    kind: Literal["deduction"] = "deduction"

    def __post_init__(self) -> None:
        if self.per_event <= 0 or self.free_events < 0:
            raise bad_scheme("scoring deduction", "deduct a positive number of points per event")

    def score(self, value: Fraction) -> Fraction:
        counted = max(value - self.free_events, Fraction(0))
        return max(MOST_POINTS - counted * self.per_event, Fraction(0))

    def text(self) -> str:
        free = f" after the first {self.free_events}" if self.free_events else ""
        return f"{ratio_text(self.per_event)} points off per event{free}"


Scoring = Linear | Steps | Deduction
SCORING_KINDS: dict[str, type[Linear] | type[Steps] | type[Deduction]] = {
    "linear": Linear,
    "steps": Steps,
    "deduction": Deduction,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorDefinition:
    """考核指标. `weight` counts against the other indicators of its dimension only.

    `source` says which records it is read from. `limit_minutes` is the promise that a response
    is judged by, where the indicator needs one. A computed one has a function in `measures`; any
    other is entered by people with evidence.
    """

    id: str
    name_zh: str
    name_en: str
    dimension: Dimension
    unit: Unit
    source: str
    controlled_by: ControlledBy
    computed: bool
    weight: Ratio
    scoring: Scoring
    limit_minutes: int | None = None

    @property
    def counts(self) -> bool:
        """Whether its points enter the provider's score, and by it the coefficient."""
        return self.controlled_by is ControlledBy.PROVIDER

    def score(self, value: Fraction) -> Fraction:
        """Points of a value, 0..100 exactly."""
        return self.scoring.score(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A value and where it comes from. None is "not set": there was nothing to judge.

    `value` = numerator / denominator; `evidence` names the counts. `manual` marks what a person
    set instead of the records.
    """

    indicator_id: str
    value: Ratio | None
    numerator: Ratio
    denominator: Ratio
    evidence: str
    manual: bool = False


def measured(
    definition: IndicatorDefinition,
    numerator: Fraction | int,
    denominator: Fraction | int,
    evidence: str,
) -> Measured:
    """numerator / denominator as a value; nothing to divide by means "not set", never zero."""
    return Measured(
        indicator_id=definition.id,
        value=Fraction(numerator) / denominator if denominator else None,
        numerator=Fraction(numerator),
        denominator=Fraction(denominator),
        evidence=evidence,
    )


def not_set(indicator_id: str, evidence: str) -> Measured:
    """Nothing to judge, and why."""
    return Measured(
        indicator_id=indicator_id,
        value=None,
        numerator=Fraction(0),
        denominator=Fraction(0),
        evidence=evidence,
    )


def definition_faults(definition: IndicatorDefinition) -> Iterator[Invalid]:
    """Everything that makes one definition unusable."""
    where = f"indicator {definition.id or '?'}"
    for field in ("id", "name_zh", "name_en", "source"):
        if not getattr(definition, field).strip():
            yield bad_scheme(f"{where}, field {field}", "it must not be empty")
    if definition.weight < 0 or (definition.counts and not definition.weight):
        yield bad_scheme(f"{where}, field weight", "what the provider controls weighs above 0")
    if definition.limit_minutes is not None and definition.limit_minutes < 1:
        yield bad_scheme(f"{where}, field limit_minutes", "it must be at least 1")


def _points_in_range(where: str, points: Fraction) -> None:
    if not 0 <= points <= MOST_POINTS:
        raise bad_scheme(where, f"{ratio_text(points)} points do not lie in 0..100")
