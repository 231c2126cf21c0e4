"""Running resources as commands: stopped and started again, trials made longer once.

Scaling and weekly plans are `allocations_elastic`, terms `allocations_terms`, the last papers
`allocations_papers`; a trial accepted early is `provisioning`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.period import local_day, midnight
from cloudmgr.domain import allocations
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.allocations_trials import TrialExtension, TrialExtensionState, check_asking
from cloudmgr.domain.errors import bad_value, same_person
from cloudmgr.domain.lifecycle import advance
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles, require_city_office, require_in
from cloudmgr.services.policies import allocation_rules
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAllocation(Command):
    """The department stops a running resource (停用); its capacity stays its own, its computing is
    not charged, its storage as the policy says."""

    allocation_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAllocation(Command):
    """The department starts a stopped resource again (启用)."""

    allocation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTrialExtension(Command):
    """The department asks for a longer trial; it gets one at most."""

    allocation_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideTrialExtension(Command):
    """A technical reviewer grants a longer trial by the policy's days, or refuses it."""

    extension_id: str
    approved: bool
    opinion: str = ""


@handles(Role.DEPARTMENT_USER)
def stop_allocation(
    world: World, command: StopAllocation, actor: Actor, now: datetime
) -> Allocation:
    return stopped(world, own_allocation(world, command.allocation_id, actor), now)


@handles(Role.DEPARTMENT_USER)
def start_allocation(
    world: World, command: StartAllocation, actor: Actor, now: datetime
) -> Allocation:
    return started(world, own_allocation(world, command.allocation_id, actor), now)


@handles(Role.DEPARTMENT_USER)
def ask_trial_extension(
    world: World, command: AskTrialExtension, actor: Actor, now: datetime
) -> TrialExtension:
    """Raises `trial_extended_already`, `trial_extension_waiting`, or `illegal_transition` for a
    trial that is over."""
    allocation = own_allocation(world, command.allocation_id, actor)
    if not command.reason.strip():
        raise bad_value("reason", "say what is still to be tried")
    days = allocation_rules(world, now).trial_extension_days
    allocations.extend_trial(allocation, _longer(allocation, days))
    check_asking(allocation.id, world.find(TrialExtension, allocation_id=allocation.id))
    asked = world.put(
        TrialExtension(
            id=next_id(world, "TRX"),
            allocation_id=allocation.id,
            department_id=allocation.department_id,
            provider_id=allocation.provider_id,
            days=days,
            reason=command.reason,
            asked_by=actor.user_id,
            asked_at=now,
        )
    )
    _tell_extension(world, "trial_extension_asked", asked, now)
    return asked


@handles(Role.TECHNICAL_REVIEWER)
def decide_trial_extension(
    world: World, command: DecideTrialExtension, actor: Actor, now: datetime
) -> TrialExtension:
    """Raises `same_person` for who asked. The trial's end moves; a trial that ended meanwhile can
    only be refused."""
    asked = world.get(TrialExtension, command.extension_id)
    require_city_office(actor, "TrialExtension", asked.id, Role.TECHNICAL_REVIEWER)
    if actor.user_id == asked.asked_by:
        raise same_person("a longer trial")
    if not command.approved and not command.opinion.strip():
        raise bad_value("opinion", "say why the trial is not made longer")
    to = TrialExtensionState.APPROVED if command.approved else TrialExtensionState.REFUSED
    decided = world.put(
        advance(asked, to, decided_by=actor.user_id, decided_at=now, opinion=command.opinion)
    )
    if command.approved:
        allocation = world.get(Allocation, asked.allocation_id)
        until = _longer(allocation, asked.days)
        world.put(allocations.extend_trial(allocation, until))
        timers.schedule(world, "trial_end", allocation.id, until)
    _tell_extension(world, "trial_extension_decided", decided, now)
    return decided


def own_allocation(world: World, id: str, actor: Actor) -> Allocation:
    """The allocation if the actor works for its department; raises `not_found`."""
    allocation = world.get(Allocation, id)
    require_in(actor, allocation.department_id, "Allocation", id, Role.DEPARTMENT_USER)
    return allocation


def stopped(world: World, allocation: Allocation, at: datetime) -> Allocation:
    """Stop it, and let its provider know."""
    tell_provider(world, "allocation_stopped", allocation, at)
    return world.put(allocations.stop(allocation, at))


def started(world: World, allocation: Allocation, at: datetime) -> Allocation:
    """Start it again, and let its provider know."""
    tell_provider(world, "allocation_started", allocation, at)
    return world.put(allocations.start(allocation, at))


def tell_provider(world: World, topic: str, allocation: Allocation, at: datetime) -> None:
    payload = {
        "allocation_id": allocation.id,
        "department_id": allocation.department_id,
        "provider_id": allocation.provider_id,
        "pool_id": allocation.pool_id,
        "quantity": allocation.quantity,
    }
    world.outbox(Message(topic=topic, subject=allocation.id, payload=payload, at=at))


def _longer(allocation: Allocation, days: int) -> datetime:
    """The Shanghai midnight `days` after the trial's present end."""
    until = allocation.trial_until
    if until is None:
        return allocations.FOREVER
    return midnight(local_day(until) + timedelta(days=days))


def _tell_extension(world: World, topic: str, asked: TrialExtension, now: datetime) -> None:
    payload = {
        "extension_id": asked.id,
        "allocation_id": asked.allocation_id,
        "department_id": asked.department_id,
        "state": str(asked.state),
    }
    world.outbox(Message(topic=topic, subject=asked.allocation_id, payload=payload, at=now))
