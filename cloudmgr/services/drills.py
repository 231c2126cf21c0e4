"""Drills as commands: plan, record, cancel; what is overdue, and who is told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.continuity import Replica, obligations_of, promised
from cloudmgr.domain.drills import (
    Drill,
    DrillKind,
    DrillState,
    OverdueDrill,
    check_held,
    due_after,
    overdue_drill,
)
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import continuity_rules
from cloudmgr.services.reading import read, visible
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDrill(Command):
    """Plan a drill of an application; what is promised today is what it will be held against."""

    application_id: str
    kind: DrillKind
    scenario: str
    planned_for: datetime
    participants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDrill(Command):
    """Record how a planned drill went: what was reached, who took part, and what follows."""

    drill_id: str
    held_at: datetime
    participants: tuple[str, ...]
    reached_rto_minutes: int | None = None
    reached_rpo_minutes: int | None = None
    evidence_file_id: str | None = None
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDrill(Command):
    """Take a planned drill back; it stays due."""

    drill_id: str
    reason: str


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def plan_drill(world: World, command: PlanDrill, actor: Actor, now: datetime) -> Drill:
    application = world.get(Application, command.application_id)
    _require_own(actor, application.department_id, "Application", application.id)
    if not command.scenario.strip():
        raise bad_value("scenario", "say what fails in the drill and what is switched or restored")
    if utc(command.planned_for) < now:
        raise bad_value("planned_for", "a drill is planned for a day to come")
    rto, rpo = _promised(world, application, now)
    return world.put(
        Drill(
            id=next_id(world, "DRILL"),
            application_id=application.id,
            department_id=application.department_id,
            kind=command.kind,
            scenario=command.scenario,
            participants=command.participants,
            planned_for=utc(command.planned_for),
            planned_by=actor.user_id,
            promised_rto_minutes=rto,
            promised_rpo_minutes=rpo,
        )
    )


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def record_drill(world: World, command: RecordDrill, actor: Actor, now: datetime) -> Drill:
    drill = _own_drill(world, command.drill_id, actor)
    if command.evidence_file_id is not None:
        read(world, actor, StoredFile, command.evidence_file_id)
    held = advance(
        drill,
        DrillState.HELD,
        held_at=utc(command.held_at),
        participants=command.participants,
        reached_rto_minutes=command.reached_rto_minutes,
        reached_rpo_minutes=command.reached_rpo_minutes,
        evidence_file_id=command.evidence_file_id,
        finding=command.finding,
        recorded_by=actor.user_id,
    )
    check_held(held, now)
    if held.kind is not DrillKind.TABLETOP:
        watch(world, held.application_id, utc(command.held_at), now)
    return world.put(held)


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def cancel_drill(world: World, command: CancelDrill, actor: Actor, now: datetime) -> Drill:
    drill = _own_drill(world, command.drill_id, actor)
    if not command.reason.strip():
        raise bad_value("reason", "say why the drill is not held")
    return world.put(advance(drill, DrillState.CANCELLED, finding=command.reason))


def watch(world: World, application_id: str, held_at: datetime, now: datetime) -> None:
    """Have it told when the next drill should have been held."""
    due = due_after(held_at, continuity_rules(world, now).drill_interval_months)
    if due > now:
        timers.schedule(world, "drill_due", application_id, due)


@timers.on_timer("drill_due")
def tell_of_overdue(world: World, timer: Timer, at: datetime) -> None:
    application = world.get(Application, timer.subject_id)
    rules = continuity_rules(world, at)
    if not obligations_of(application, rules):
        return
    drills = world.find(Drill, application_id=application.id)
    late = overdue_drill(
        application.id, application.department_id, drills, rules.drill_interval_months, at
    )
    if late is not None:
        payload = {"department_id": application.department_id}
        world.outbox(Message(topic="drill_overdue", subject=application.id, payload=payload, at=at))


def find_overdue(world: World, actor: Actor, now: datetime) -> tuple[OverdueDrill, ...]:
    """Every application the actor may see that owes a copy and has not tried it out in time."""
    scope: Any = visible(world, actor, Drill)
    if scope is None:
        return ()
    rules = continuity_rules(world, now)
    by_application = defaultdict(list)
    for drill in world.find(Drill, state=DrillState.HELD, **scope):
        by_application[drill.application_id].append(drill)
    late = (
        overdue_drill(
            application.id,
            application.department_id,
            by_application[application.id],
            rules.drill_interval_months,
            now,
        )
        for application in world.find(Application, **scope)
        if obligations_of(application, rules)
    )
    return tuple(each for each in late if each is not None)


def _promised(
    world: World, application: Application, now: datetime
) -> tuple[int | None, int | None]:
    """The best of the declared copies, else what the mode promises."""
    rules = continuity_rules(world, now)
    declared = [
        each
        for each in world.find(Replica, application_id=application.id)
        if each.withdrawn_at is None
    ]
    promises = [promised(application, each, rules) for each in declared] or [
        promised(application, None, rules)
    ]
    rtos = [rto for rto, _ in promises if rto is not None]
    rpos = [rpo for _, rpo in promises if rpo is not None]
    return min(rtos, default=None), min(rpos, default=None)


def _own_drill(world: World, id: str, actor: Actor) -> Drill:
    drill = world.get(Drill, id)
    _require_own(actor, drill.department_id, "Drill", id)
    return drill


def _require_own(actor: Actor, department_id: str, kind: str, id: str) -> None:
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, department_id, kind, id, Role.DEPARTMENT_USER)
