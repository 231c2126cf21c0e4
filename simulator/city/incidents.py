"""What breaks: a few incidents a month per provider, seen, restored and closed."""

from __future__ import annotations

from datetime import timedelta

from catalog.period import Month
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.incidents import Severity
from cloudmgr.services.incidents import (
    AcknowledgeIncident,
    CloseIncident,
    ReportIncident,
    RestoreIncident,
)
from simulator.city.stage import Process, Stage

MOST_A_MONTH = 3


def incidents(stage: Stage, month: Month, provider_id: str) -> Process:
    """The incidents of one provider's month, one after the other [sample]."""
    chance = stage.chance(f"incidents-{provider_id}-{month}")
    engineer = stage.login(Role.PROVIDER, provider_id)
    reviewer = stage.login(Role.TECHNICAL_REVIEWER)
    pools = [pool for pool in stage.city.pools if pool.provider_id == provider_id]
    count = chance.between(1, MOST_A_MONTH)
    hours = sorted(chance.between(12, month.days * 24 - 48) for _ in range(count))
    for hour in hours:
        yield stage.until(month.period.start + timedelta(hours=hour))
        pool = chance.one_of(pools)
        running = [
            allocation
            for allocation in stage.find(engineer, Allocation, pool_id=pool.id)
            if allocation.state is AllocationState.ACTIVE
        ]
        if not running:
            continue
        hit = {chance.one_of(running).id for _ in range(chance.between(1, 6))}
        severe = chance.happens(25)
        incident = stage.perform(
            engineer,
            ReportIncident(
                pool_id=pool.id,
                allocation_ids=tuple(sorted(hit)),
                severity=Severity.MAJOR if severe else Severity.MINOR,
                description="存储链路抖动" if severe else "宿主机故障迁移",
            ),
        )
        yield stage.until(stage.now + timedelta(minutes=chance.between(5, 30)))
        stage.perform(engineer, AcknowledgeIncident(incident_id=incident.id))
        lasting = chance.between(60, 420) if severe else chance.between(15, 90)
        yield stage.until(stage.now + timedelta(minutes=lasting))
        stage.perform(engineer, RestoreIncident(incident_id=incident.id, cause="硬件更换"))
        yield stage.working(chance.between(60, 600))
        stage.perform(reviewer, CloseIncident(incident_id=incident.id))
