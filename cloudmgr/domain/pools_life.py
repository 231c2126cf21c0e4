"""A pool's life beside its capacity: what each state forbids, what onboarding asks, and the waves
by which a retiring pool becomes empty.

Owns the decisions; the states and their moves stand with the pool in `pools`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.errors import bad_value, pool_not_empty, pool_not_ready
from cloudmgr.domain.policy_pools import OnboardingCheck
from cloudmgr.domain.pools import ManagementLevel, PoolState, ResourcePool
from cloudmgr.domain.values import Value


class Forbidden(StrEnum):
    """What may not be done with a pool."""

    NEW_ALLOCATIONS = "new_allocations"
    GROWTH = "growth"
    EXPANSION = "expansion"
    EVERYTHING = "everything"


_GROWTH = (Forbidden.NEW_ALLOCATIONS, Forbidden.GROWTH)
FORBIDDEN: dict[PoolState, tuple[Forbidden, ...]] = {
    PoolState.REGISTERED: _GROWTH,
    PoolState.ONBOARDED: (),
    PoolState.RESTRICTED: (*_GROWTH, Forbidden.EXPANSION),
    PoolState.RETIRING: (*_GROWTH, Forbidden.EXPANSION),
    PoolState.RETIRED: (*_GROWTH, Forbidden.EXPANSION, Forbidden.EVERYTHING),
}
"""By state: no new allocation and no growth, no more hardware. What runs there may be renewed,
made smaller, moved away or released until the pool is retired."""

REASONED = (PoolState.RESTRICTED, PoolState.RETIRING, PoolState.RETIRED)
"""States into which a pool comes for a reason that is written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceReport(Value):
    """符合性测试: whether a pool did what its management level asks, and what shows it."""

    pool_id: str
    provider_id: str
    level: ManagementLevel
    passed: bool
    notes: str
    file_id: str | None
    recorded_by: str
    tested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReport(Value):
    """报送: a workbook a provider sent of its pool, and what became of its rows."""

    pool_id: str
    provider_id: str
    file_id: str
    submitted_by: str
    submitted_at: datetime
    inventory_rows: int
    usage_batch_id: str | None
    sent: int
    accepted: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One thing onboarding asks: whether it is there, and what was found or is to be done.

    What the policy in force does not ask for is shown and stops nobody.
    """

    check: OnboardingCheck
    fulfilled: bool
    required: bool
    finding: str


def check_onboarding(pool_id: str, checklist: Iterable[ChecklistItem]) -> None:
    """Raise `pool_not_ready` naming what is required and not there yet."""
    missing = [each for each in checklist if each.required and not each.fulfilled]
    if missing:
        raise pool_not_ready(pool_id, [f"{each.check}: {each.finding}" for each in missing])


def check_reason(to: PoolState, before: PoolState, reason: str) -> None:
    """Raise `bad_value` where a pool is restricted, retired or opened again without a reason."""
    reopened = before is PoolState.RESTRICTED and to is PoolState.ONBOARDED
    if (to in REASONED or reopened) and not reason.strip():
        raise bad_value("reason", f"say why the pool becomes {to}, for those who ask next year")


def check_empty(pool_id: str, held_or_running: Collection[str]) -> None:
    """Raise `pool_not_empty` naming what is still there."""
    if held_or_running:
        raise pool_not_empty(pool_id, sorted(held_or_running))


def passed_for(reports: Iterable[ConformanceReport], level: ManagementLevel) -> bool:
    """Whether the latest test at the level, or at a higher one, was passed."""
    above = LEVELS[LEVELS.index(level) :]
    latest = max(
        (report for report in reports if report.level in above),
        key=lambda report: (report.tested_at, report.id),
        default=None,
    )
    return latest is not None and latest.passed


LEVELS = (ManagementLevel.REPORTING, ManagementLevel.MONITORING, ManagementLevel.SCHEDULING)
"""From the least a pool can do to the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWave(Value):
    """迁移批次: allocations that leave a retiring pool together, by a date."""

    pool_id: str
    provider_id: str
    number: int
    name: str
    starts_at: datetime
    due_at: datetime
    allocation_ids: tuple[str, ...]
    note: str = ""


def check_wave(
    pool: ResourcePool,
    wave: MigrationWave,
    others: Iterable[MigrationWave],
    there: Iterable[Allocation],
) -> None:
    """Raise `bad_value` unless the wave moves what is in the pool, once, before the exit."""
    if pool.state is not PoolState.RETIRING or pool.exit_at is None:
        raise bad_value("pool_id", f"{pool.id} is {pool.state}; only a retiring pool is moved out")
    if not wave.starts_at < wave.due_at <= pool.exit_at:
        raise bad_value(
            "due_at", f"a wave ends after it starts and by the exit at {pool.exit_at.isoformat()}"
        )
    if not wave.allocation_ids or len(set(wave.allocation_ids)) != len(wave.allocation_ids):
        raise bad_value("allocation_ids", "name the allocations of the wave, each once")
    here = {allocation.id for allocation in there}
    planned = {id: other.number for other in others for id in other.allocation_ids}
    for id in wave.allocation_ids:
        if id not in here:
            raise bad_value("allocation_ids", f"{id} is not in {pool.id}")
        if id in planned:
            raise bad_value("allocation_ids", f"{id} leaves with wave {planned[id]} already")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveProgress:
    """How far a wave is: what has left, what is still there, and whether it is late."""

    wave: MigrationWave
    gone: int
    remaining: tuple[str, ...]
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """退出计划: the waves of a pool, and what is still there that no wave takes along."""

    pool_id: str
    exit_at: datetime | None
    waves: tuple[WaveProgress, ...]
    unplanned: tuple[str, ...]
    remaining: int
    overdue: int

    @property
    def empty(self) -> bool:
        return not self.remaining


def exit_plan(
    pool: ResourcePool, waves: Iterable[MigrationWave], there: Iterable[str], now: datetime
) -> ExitPlan:
    """The plan of a pool as it stands at `now`; `there` are the allocations that have not left."""
    remaining = set(there)
    progress = tuple(_progress(wave, remaining, now) for wave in waves)
    planned = {id for each in progress for id in each.wave.allocation_ids}
    late = {id for each in progress if each.overdue for id in each.remaining}
    if pool.exit_at is not None and pool.exit_at <= now:
        late = remaining
    return ExitPlan(
        pool_id=pool.id,
        exit_at=pool.exit_at,
        waves=progress,
        unplanned=tuple(sorted(remaining - planned)),
        remaining=len(remaining),
        overdue=len(late),
    )


def _progress(wave: MigrationWave, there: set[str], now: datetime) -> WaveProgress:
    remaining = tuple(_still(wave, there))
    return WaveProgress(
        wave=wave,
        gone=len(wave.allocation_ids) - len(remaining),
        remaining=remaining,
        overdue=bool(remaining) and wave.due_at <= now,
    )


def _still(wave: MigrationWave, there: set[str]) -> Iterator[str]:
    yield from (id for id in wave.allocation_ids if id in there)
