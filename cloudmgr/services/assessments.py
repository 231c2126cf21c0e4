"""Assessments as commands: score a closed cycle, publish, appeal, decide; silence makes final.

What is read is `measures`, what points it gives `cloudmgr.domain.assessment_scores`; settlements
follow a final score elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.period import Month
from cloudmgr.domain import assessment as life
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.assessment import (
    Adjustment,
    Assessment,
    AssessmentScheme,
    AssessmentState,
    Score,
    cycle_months,
    scheme_at,
)
from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.domain.errors import bad_value, cycle_not_closed
from cloudmgr.domain.measures import measure
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_city_office, require_in
from cloudmgr.services.measures import gather
from cloudmgr.services.policies import policy_now
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.world import Message, World

open_to_all(AssessmentScheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreAssessment(Command):
    """Score every provider for the cycle that begins with month `cycle` (`2026-01`).

    Again before publication makes a new version; a published one is an appeal's matter.
    """

    cycle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishAssessment(Command):
    """Publish a score (公示); publicity and appeal time begin."""

    assessment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealAssessment(Command):
    """The provider objects to its published score."""

    assessment_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveAppeal(Command):
    """Decide an appeal: with adjusted values it is granted, without any it is refused."""

    assessment_id: str
    accepted: bool
    opinion: str
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredProvider:
    """A line of a cycle's scoring; `score` None means that nothing could be judged."""

    assessment_id: str
    provider_id: str
    score: Score | None
    vetoed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleScored:
    """Every provider that had something running in the cycle."""

    cycle: str
    scheme_id: str
    providers: tuple[ScoredProvider, ...]


@handles(Role.AUTHORITY, Role.TECHNICAL_REVIEWER)
def score_assessment(
    world: World, command: ScoreAssessment, actor: Actor, now: datetime
) -> CycleScored:
    """Raises `cycle_not_closed` naming the months that are still open."""
    require_city_office(actor, "cycle", command.cycle, Role.AUTHORITY, Role.TECHNICAL_REVIEWER)
    # What counted when the cycle began counts for all of it; nobody is judged by later rules.
    begin = Month.parse(command.cycle).period.start
    months = cycle_months(command.cycle, policy_now(world, begin).settlement_cycle_months)
    _require_closed(world, command.cycle, months)
    scheme = scheme_at(world.find(AssessmentScheme), begin)
    scored = []
    for records in gather(world, months, credited_incidents_score=scheme.credited_incidents_score):
        card = life.score(scheme, measure(scheme.indicators, records))
        known = world.seek(Assessment, life.assessment_id(records.provider_id, command.cycle))
        before = known or life.opened(records.provider_id, months)
        after = life.scored(before, scheme.id, card, at=now, user_id=actor.user_id)
        scored.append(_line(world.put(after)))
    return CycleScored(cycle=command.cycle, scheme_id=scheme.id, providers=tuple(scored))


@handles(Role.AUTHORITY)
def publish_assessment(
    world: World, command: PublishAssessment, actor: Actor, now: datetime
) -> Assessment:
    assessment = _for_the_city(world, command.assessment_id, actor)
    clocks = policy_now(world, now).clocks
    until = add_workdays(now, clocks.publicity_workdays + clocks.appeal_workdays)
    published = world.put(life.publish(assessment, at=now, appeal_until=until))
    timers.schedule(world, "assessment_final", assessment.id, until)
    _tell(world, "assessment_published", published, now)
    return published


@handles(Role.PROVIDER)
def appeal_assessment(
    world: World, command: AppealAssessment, actor: Actor, now: datetime
) -> Assessment:
    assessment = world.get(Assessment, command.assessment_id)
    require_in(actor, assessment.provider_id, "Assessment", assessment.id, Role.PROVIDER)
    appealed = world.put(life.appeal(assessment, command.text, at=now))
    _tell(world, "assessment_appealed", appealed, now)
    return appealed


@handles(Role.AUTHORITY)
def resolve_appeal(world: World, command: ResolveAppeal, actor: Actor, now: datetime) -> Assessment:
    assessment = _for_the_city(world, command.assessment_id, actor)
    if not command.opinion.strip():
        raise bad_value("opinion", "say why the appeal is granted or refused")
    if command.accepted != bool(command.adjustments):
        raise bad_value(
            "adjustments", "a granted appeal adjusts at least one value, a refused one none"
        )
    card = None
    if command.accepted:
        scheme = world.get(AssessmentScheme, assessment.scheme_id)
        card = life.adjusted(assessment, scheme, command.adjustments)
    final = world.put(
        life.resolve(assessment, card, command.opinion, at=now, user_id=actor.user_id)
    )
    timers.cancel(world, "assessment_final", assessment.id)
    _tell(world, "assessment_final", final, now)
    return final


@timers.on_timer("assessment_final")
def end_of_appeal_time(world: World, timer: Timer, at: datetime) -> None:
    """Unopposed, the score is final; an appeal nobody has decided is brought to mind."""
    assessment = world.get(Assessment, timer.subject_id)
    if assessment.state is AssessmentState.APPEALED:
        _tell(world, "appeal_undecided", assessment, at)
        return
    _tell(world, "assessment_final", world.put(life.finalise(assessment, at=at)), at)


def _require_closed(world: World, cycle: str, months: tuple[Month, ...]) -> None:
    waiting = []
    for month in map(str, months):
        period = world.seek(BillingPeriod, month)
        if period is None or period.state is not PeriodState.CLOSED:
            waiting.append(month)
    if waiting:
        raise cycle_not_closed(cycle, waiting)


def _for_the_city(world: World, id: str, actor: Actor) -> Assessment:
    assessment = world.get(Assessment, id)
    require_city_office(actor, "Assessment", id, Role.AUTHORITY)
    return assessment


def _line(assessment: Assessment) -> ScoredProvider:
    return ScoredProvider(
        assessment_id=assessment.id,
        provider_id=assessment.provider_id,
        score=assessment.score,
        vetoed=assessment.vetoed,
    )


def _tell(world: World, topic: str, assessment: Assessment, at: datetime) -> None:
    world.outbox(
        Message(
            topic=topic,
            subject=assessment.id,
            payload={
                "provider_id": assessment.provider_id,
                "score": None if assessment.score is None else str(assessment.score),
            },
            at=at,
        )
    )
