"""A pool's life as commands: conformance, onboarding, restriction, and the retirement by waves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import (
    Allocation,
    AllocationState,
    Reservation,
    ReservationState,
)
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.certificates import Certificate, CertificateKind, SubjectKind, holds
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.policy_pools import OnboardingCheck
from cloudmgr.domain.pools import ManagementLevel, PoolState, ResourcePool
from cloudmgr.domain.pools_life import (
    FORBIDDEN,
    LEVELS,
    ChecklistItem,
    ConformanceReport,
    ExitPlan,
    Forbidden,
    MigrationWave,
    check_empty,
    check_onboarding,
    check_reason,
    check_wave,
    exit_plan,
    passed_for,
)
from cloudmgr.domain.pools_makeup import DomesticShare, domestic_share, domestic_shares
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.policies import pool_rules
from cloudmgr.services.pools import open_pool
from cloudmgr.services.reading import read
from cloudmgr.services.resource_lists import start_lists
from cloudmgr.services.world import Message, World, next_id

THERE = tuple(state for state in AllocationState if state is not AllocationState.RELEASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePool(Command):
    """Onboard, restrict, open again or retire a pool, with the reason; a retiring one names its
    exit date, and is retired once it is empty."""

    pool_id: str
    to: PoolState
    exit_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConformance(Command):
    """Record how a pool did in the conformance test of a management level."""

    pool_id: str
    level: ManagementLevel
    passed: bool
    notes: str
    tested_at: datetime
    file_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeManagementLevel(Command):
    """Manage a pool at another level; a higher one needs its conformance test passed first."""

    pool_id: str
    level: ManagementLevel
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMigrationWave(Command):
    """Plan which allocations leave a retiring pool together, and by when."""

    pool_id: str
    name: str
    starts_at: datetime
    due_at: datetime
    allocation_ids: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseMigrationWave(Command):
    """Change a planned wave; what is left out stays."""

    wave_id: str
    starts_at: datetime | None = None
    due_at: datetime | None = None
    allocation_ids: tuple[str, ...] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStanding:
    """What is known of a pool besides its record: what its state forbids, the onboarding
    checklist, and how much of it is domestic."""

    pool_id: str
    state: PoolState
    forbidden: tuple[Forbidden, ...]
    checklist: tuple[ChecklistItem, ...]
    domestic_share: Ratio | None
    domestic_shares: tuple[DomesticShare, ...]


@handles(Role.TECHNICAL_REVIEWER)
def move_pool(world: World, command: MovePool, actor: Actor, now: datetime) -> ResourcePool:
    """Raises `pool_not_ready` (onboarding), `pool_not_empty` (retired), `bad_value`."""
    pool = world.get(ResourcePool, command.pool_id)
    pool.LIFECYCLE.require(pool.id, pool.state, command.to)
    check_reason(command.to, pool.state, command.reason)
    exit_at = utc(command.exit_at) if command.exit_at else pool.exit_at
    if command.to is PoolState.RETIRING and (exit_at is None or exit_at <= now):
        raise bad_value("exit_at", "a retiring pool names the date to come by which it is empty")
    if pool.state is PoolState.REGISTERED:
        check_onboarding(pool.id, checklist(world, pool, now))
        start_lists(world, now)
    if command.to is PoolState.RETIRED:
        _lock(world, pool)
        check_empty(pool.id, tuple(_there(world, pool)))
    if command.to is PoolState.RETIRING and exit_at is not None:
        timers.schedule(world, "pool_exit", pool.id, exit_at)
    return world.put(
        advance(
            pool, command.to, exit_at=exit_at, state_reason=command.reason.strip(), state_since=now
        )
    )


@handles(Role.TECHNICAL_REVIEWER)
def record_conformance(
    world: World, command: RecordConformance, actor: Actor, now: datetime
) -> ConformanceReport:
    pool = open_pool(world, command.pool_id, "tests")
    if utc(command.tested_at) > now:
        raise bad_value("tested_at", "a test is recorded once it was made")
    if not command.notes.strip():
        raise bad_value("notes", "say what was tested and what was found")
    if command.file_id is not None:
        read(world, actor, StoredFile, command.file_id)
    return world.put(
        ConformanceReport(
            id=next_id(world, "CONF"),
            pool_id=pool.id,
            provider_id=pool.provider_id,
            level=command.level,
            passed=command.passed,
            notes=command.notes,
            file_id=command.file_id,
            recorded_by=actor.user_id,
            tested_at=utc(command.tested_at),
        )
    )


@handles(Role.TECHNICAL_REVIEWER)
def change_management_level(
    world: World, command: ChangeManagementLevel, actor: Actor, now: datetime
) -> ResourcePool:
    pool = open_pool(world, command.pool_id, "another level")
    if not command.reason.strip():
        raise bad_value("reason", "say why the pool is managed at another level")
    rises = LEVELS.index(command.level) > LEVELS.index(pool.management_level)
    reports = world.find(ConformanceReport, pool_id=pool.id)
    if rises and not passed_for(reports, command.level):
        raise bad_value("level", f"{pool.id} has not passed the test of the level {command.level}")
    return world.put(replace(pool, management_level=command.level))


@handles(Role.TECHNICAL_REVIEWER)
def plan_migration_wave(
    world: World, command: PlanMigrationWave, actor: Actor, now: datetime
) -> MigrationWave:
    pool = world.get(ResourcePool, command.pool_id)
    others = world.find(MigrationWave, pool_id=pool.id)
    wave = MigrationWave(
        id=next_id(world, "WAVE"),
        pool_id=pool.id,
        provider_id=pool.provider_id,
        number=len(others) + 1,
        name=command.name,
        starts_at=utc(command.starts_at),
        due_at=utc(command.due_at),
        allocation_ids=command.allocation_ids,
        note=command.note,
    )
    check_wave(pool, wave, others, world.find(Allocation, pool_id=pool.id, state=THERE))
    timers.schedule(world, "wave_due", wave.id, wave.due_at)
    return world.put(wave)


@handles(Role.TECHNICAL_REVIEWER)
def revise_migration_wave(
    world: World, command: ReviseMigrationWave, actor: Actor, now: datetime
) -> MigrationWave:
    wave = world.get(MigrationWave, command.wave_id)
    pool = world.get(ResourcePool, wave.pool_id)
    revised = replace(
        wave,
        starts_at=utc(command.starts_at) if command.starts_at else wave.starts_at,
        due_at=utc(command.due_at) if command.due_at else wave.due_at,
        allocation_ids=wave.allocation_ids
        if command.allocation_ids is None
        else command.allocation_ids,
        note=wave.note if command.note is None else command.note,
    )
    others = [each for each in world.find(MigrationWave, pool_id=pool.id) if each.id != wave.id]
    # What has left already may stay in its wave: it shows that the wave did its work.
    check_wave(pool, revised, others, world.find(Allocation, pool_id=pool.id))
    timers.cancel(world, "wave_due", wave.id)
    if revised.due_at > now:
        timers.schedule(world, "wave_due", wave.id, revised.due_at)
    return world.put(revised)


@timers.on_timer("wave_due")
def tell_of_late_wave(world: World, timer: Timer, at: datetime) -> None:
    wave = world.get(MigrationWave, timer.subject_id)
    plan = plan_of_exit(world, world.get(ResourcePool, wave.pool_id), at)
    late = next(each for each in plan.waves if each.wave.id == wave.id)
    if late.remaining:
        _tell(world, "migration_wave_overdue", wave.id, wave.pool_id, len(late.remaining), at)


@timers.on_timer("pool_exit")
def tell_of_late_exit(world: World, timer: Timer, at: datetime) -> None:
    pool = world.get(ResourcePool, timer.subject_id)
    if pool.state is PoolState.RETIRING and (there := tuple(_there(world, pool))):
        _tell(world, "pool_exit_overdue", pool.id, pool.id, len(there), at)


def plan_of_exit(world: World, pool: ResourcePool, now: datetime) -> ExitPlan:
    """The waves of a pool and what is still in it at `now`."""
    there = (each.id for each in world.find(Allocation, pool_id=pool.id, state=THERE))
    return exit_plan(pool, world.find(MigrationWave, pool_id=pool.id), there, now)


def standing_of_pool(world: World, pool: ResourcePool, now: datetime) -> PoolStanding:
    return PoolStanding(
        pool_id=pool.id,
        state=pool.state,
        forbidden=FORBIDDEN[pool.state],
        checklist=checklist(world, pool, now),
        domestic_share=domestic_share(pool.makeup),
        domestic_shares=domestic_shares(pool.makeup),
    )


def checklist(world: World, pool: ResourcePool, now: datetime) -> tuple[ChecklistItem, ...]:
    """What onboarding asks of a pool, each with what was found; the policy says what it takes."""
    required = pool_rules(world, now).onboarding
    findings = {
        OnboardingCheck.INVENTORY: _inventory_known(world, pool),
        OnboardingCheck.CONTRACT: _contract_covers(world, pool, now),
        OnboardingCheck.CONFORMANCE: _conforms(world, pool),
        OnboardingCheck.CERTIFICATES: _certified(world, pool, now),
    }
    return tuple(
        ChecklistItem(check, fulfilled, check in required, finding)
        for check, (fulfilled, finding) in findings.items()
    )


def _inventory_known(world: World, pool: ResourcePool) -> tuple[bool, str]:
    stated = [each for each in world.find(Inventory, pool_id=pool.id) if each.total]
    if stated:
        return True, f"{len(stated)} resource classes are stated"
    return False, "state its inventory"


def _contract_covers(world: World, pool: ResourcePool, now: datetime) -> tuple[bool, str]:
    for contract in world.find(Contract, provider_id=pool.provider_id):
        if pool.id in contract.pool_ids and contract.term.contains(now):
            return True, f"contract {contract.number} covers it"
    return False, "register a contract in force that covers it"


def _conforms(world: World, pool: ResourcePool) -> tuple[bool, str]:
    reports = world.find(ConformanceReport, pool_id=pool.id)
    if passed_for(reports, pool.management_level):
        return True, f"it passed the test of the level {pool.management_level}"
    return False, f"record a passed test of the level {pool.management_level}"


def _certified(world: World, pool: ResourcePool, now: datetime) -> tuple[bool, str]:
    papers = world.find(Certificate, subject_kind=SubjectKind.POOL, subject_id=pool.id)
    missing = [str(kind) for kind in CertificateKind if not holds(papers, kind, now)]
    if missing:
        return False, f"register certificates in force: {', '.join(missing)}"
    return True, "all certificates are in force"


def _lock(world: World, pool: ResourcePool) -> None:
    """Nobody reserves here while we look whether the pool is empty."""
    world.lock(*((Inventory, each.id) for each in world.find(Inventory, pool_id=pool.id)))


def _there(world: World, pool: ResourcePool) -> Iterator[str]:
    yield from (each.id for each in world.find(Allocation, pool_id=pool.id, state=THERE))
    held = world.find(Reservation, pool_id=pool.id, state=ReservationState.HELD)
    yield from (each.id for each in held)


def _tell(
    world: World, topic: str, subject: str, pool_id: str, remaining: int, at: datetime
) -> None:
    payload = {"pool_id": pool_id, "remaining": remaining}
    world.outbox(Message(topic=topic, subject=subject, payload=payload, at=at))
