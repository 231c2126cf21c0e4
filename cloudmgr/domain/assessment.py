"""The life of a provider's score for a cycle: scored, published, appealed, final.

Owns who it is about, what it says now and every version it said before. How a score is made is
`assessment_scores`; what is read for it is `measures`; what is paid by it is `settlement`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.errors import bad_period
from catalog.period import Month
from cloudmgr.domain.assessment_scores import (
    AssessmentScheme,
    Score,
    Scorecard,
    ScoredDimension,
    ScoredIndicator,
    scheme_at,
    score,
)
from cloudmgr.domain.errors import appeal_over, bad_value
from cloudmgr.domain.indicators import Measured
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.ratios import Ratio, ratio
from cloudmgr.domain.values import Value

__all__ = [
    "Adjustment",
    "Assessment",
    "AssessmentScheme",
    "AssessmentState",
    "AssessmentVersion",
    "Score",
    "Scorecard",
    "ScoredDimension",
    "ScoredIndicator",
    "adjusted",
    "appeal",
    "assessment_id",
    "cycle_months",
    "finalise",
    "opened",
    "publish",
    "resolve",
    "scheme_at",
    "score",
    "scored",
]


class AssessmentState(StrEnum):
    OPEN = "open"
    SCORED = "scored"
    PUBLISHED = "published"
    APPEALED = "appealed"
    FINAL = "final"


_S = AssessmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentVersion:
    """What an assessment said from `at` on, by whose hand and why."""

    number: int
    at: datetime
    user_id: str
    why: str
    scheme_id: str
    items: tuple[ScoredIndicator, ...]
    dimensions: tuple[ScoredDimension, ...]
    score: Score | None
    vetoed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A value an appeal set instead of what the records gave, with its reason."""

    indicator_id: str
    value: Ratio
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Value):
    """绩效考核 of one provider in one cycle, named by its first month (`2026-01`).

    `history` holds every version, the present one last. `score` is the published score with 2
    decimals; None means that nothing could be judged. `vetoed` names the indicator that capped it.
    """

    provider_id: str
    cycle: str
    months: tuple[str, ...]
    scheme_id: str = ""
    items: tuple[ScoredIndicator, ...] = ()
    dimensions: tuple[ScoredDimension, ...] = ()
    score: Score | None = None
    vetoed: str = ""
    scored_at: datetime | None = None
    published_at: datetime | None = None
    appeal_until: datetime | None = None
    appealed_at: datetime | None = None
    appeal: str = ""
    resolution: str = ""
    final_at: datetime | None = None
    history: tuple[AssessmentVersion, ...] = ()
    state: AssessmentState = AssessmentState.OPEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Assessment",
        {
            _S.OPEN: ("待评分", (_S.SCORED,)),
            _S.SCORED: ("已评分", (_S.PUBLISHED,)),
            _S.PUBLISHED: ("公示中", (_S.APPEALED, _S.FINAL)),
            _S.APPEALED: ("申诉中", (_S.FINAL,)),
            _S.FINAL: ("已定稿", ()),
        },
    )


def assessment_id(provider_id: str, cycle: str) -> str:
    """Sorts by cycle, then provider."""
    return f"ASM-{cycle}-{provider_id}"


def cycle_months(cycle: str, length_months: int) -> tuple[Month, ...]:
    """The months of the cycle that begins with month `cycle`; cycles start at 1 January.

    Raises `bad_period` when no cycle of that length begins there.
    """
    first = Month.parse(cycle)
    if (first.month - 1) % length_months:
        raise bad_period(
            f"no cycle of {length_months} months begins with {cycle}; count from January"
        )
    return tuple(first.plus(index) for index in range(length_months))


def opened(provider_id: str, months: tuple[Month, ...]) -> Assessment:
    """An assessment that says nothing yet."""
    cycle = str(months[0])
    return Assessment(
        id=assessment_id(provider_id, cycle),
        provider_id=provider_id,
        cycle=cycle,
        months=tuple(map(str, months)),
    )


def scored(
    assessment: Assessment, scheme_id: str, card: Scorecard, *, at: datetime, user_id: str
) -> Assessment:
    """Scored for the first time, or again before publication; later it is an appeal's matter."""
    why = "scored from the records"
    if assessment.state is not _S.SCORED:
        assessment = advance(assessment, _S.SCORED)
    return replace(
        _revised(assessment, scheme_id, card, at=at, user_id=user_id, why=why), scored_at=at
    )


def publish(assessment: Assessment, *, at: datetime, appeal_until: datetime) -> Assessment:
    """公示; it may be appealed until `appeal_until`."""
    return advance(assessment, _S.PUBLISHED, published_at=at, appeal_until=appeal_until)


def appeal(assessment: Assessment, text: str, *, at: datetime) -> Assessment:
    """The provider objects; raises `appeal_over` when the time is up."""
    assessment.LIFECYCLE.require(assessment.id, assessment.state, _S.APPEALED)
    if not text.strip():
        raise bad_value("text", "say which points are wrong and why")
    if assessment.appeal_until is not None and at >= assessment.appeal_until:
        raise appeal_over(assessment.id, assessment.appeal_until.isoformat())
    return advance(assessment, _S.APPEALED, appealed_at=at, appeal=text)


def adjusted(
    assessment: Assessment, scheme: AssessmentScheme, adjustments: Iterable[Adjustment]
) -> Scorecard:
    """The scorecard with the values an appeal set in place of the measured ones.

    Raises `bad_value` for an indicator the scheme does not have, twice the same, or no reason.
    """
    values = {item.indicator_id: item.measured for item in assessment.items}
    seen: set[str] = set()
    for each in adjustments:
        scheme.indicator(each.indicator_id)
        if each.indicator_id in seen:
            raise bad_value("adjustments", f"{each.indicator_id} is adjusted twice")
        if not each.reason.strip():
            raise bad_value("adjustments", f"{each.indicator_id} needs a reason")
        seen.add(each.indicator_id)
        values[each.indicator_id] = Measured(
            indicator_id=each.indicator_id,
            value=each.value,
            numerator=each.value,
            denominator=ratio(1),
            evidence=f"set on appeal: {each.reason}",
            manual=True,
        )
    return score(scheme, values.values())


def resolve(
    assessment: Assessment,
    card: Scorecard | None,
    opinion: str,
    *,
    at: datetime,
    user_id: str,
) -> Assessment:
    """The authority decided: a new scorecard, or None when the appeal is refused. Final."""
    final = advance(assessment, _S.FINAL, resolution=opinion, final_at=at)
    if card is None:
        return final
    why = f"appeal: {opinion}"
    return _revised(final, assessment.scheme_id, card, at=at, user_id=user_id, why=why)


def finalise(assessment: Assessment, *, at: datetime) -> Assessment:
    """Publicity and appeal time are over and nobody objected."""
    return advance(assessment, _S.FINAL, final_at=at)


def _revised(
    assessment: Assessment,
    scheme_id: str,
    card: Scorecard,
    *,
    at: datetime,
    user_id: str,
    why: str,
) -> Assessment:
    version = AssessmentVersion(
        number=len(assessment.history) + 1,
        at=at,
        user_id=user_id,
        why=why,
        scheme_id=scheme_id,
        items=card.items,
        dimensions=card.dimensions,
        score=card.score,
        vetoed=card.vetoed,
    )
    return replace(
        assessment,
        scheme_id=scheme_id,
        items=card.items,
        dimensions=card.dimensions,
        score=card.score,
        vetoed=card.vetoed,
        history=(*assessment.history, version),
    )
