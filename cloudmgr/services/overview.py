"""The overview of a month: what was asked, ran, was billed, scored and settled, on one page.

Reads only and decides nothing: every figure is a record's own or comes from the function that owns
its rule. What it looks like is left to the API and the portal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction

from catalog.money import ZERO, total
from catalog.period import Month
from catalog.quantity import ResourceClass
from catalog.skus import FigureKind
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.assessment import AssessmentScheme, scheme_at
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.measures_operation import MILLICORES
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.policy import Policy, policy_at
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.journal import trial_balance
from cloudmgr.services.measures import month_of_batch
from cloudmgr.services.overview_providers import assessments_of, settlements_of
from cloudmgr.services.overview_values import (
    CapacityOverview,
    CpuOverview,
    DepartmentOverview,
    MonthOverview,
    PoolOverview,
    RequestsOverview,
    UsageOverview,
    named,
)
from cloudmgr.services.usage import pool_hourly_cpu
from cloudmgr.services.world import Ge, World

_INSTANT = timedelta(microseconds=1)


def latest_month(world: World) -> Month | None:
    """The last month that is closed, else the first that is not; None before any has begun."""
    periods = world.find(BillingPeriod)
    closed = [period for period in periods if period.state is PeriodState.CLOSED]
    if closed:
        return Month.parse(closed[-1].id)
    return Month.parse(periods[0].id) if periods else None


def known_months(world: World) -> tuple[Month, ...]:
    """Every month that has begun, in order."""
    return tuple(Month.parse(period.id) for period in world.find(BillingPeriod))


def month_overview(world: World, month: Month, now: datetime) -> MonthOverview:
    """Everything of a month as the records say it at `now`; raises `not_found` before it begins.

    Requests are those entered in the month, by the state they have reached since. What runs is
    counted at the month's last instant, or at `now` while it lasts; capacity is that of `now`.
    """
    period = world.get(BillingPeriod, str(month))
    settings = world.seek(NodeSettings, NODE_ID)
    last = min(now, month.period.end - _INSTANT)
    organisations = {each.id: each for each in world.find(Organisation)}
    departments = _departments(world, month, last, organisations)
    statements = [each.total for each in departments if each.total is not None]
    pools = _pools(world, month, organisations)
    settlements = settlements_of(world, month, organisations)
    payables = [each.payable for each in settlements if each.payable is not None]
    return MonthOverview(
        month=str(month),
        at=now,
        rehearsal=bool(settings and settings.rehearsal),
        sample=_sample(world, last),
        state=period.state,
        departments=departments,
        applications=sum(each.applications for each in departments),
        allocations=sum(each.allocations for each in departments),
        requests=_requests(world, month),
        pools=pools,
        vcpu_allocated_share=_allocated_share(pools),
        cpu_mean_share=_mean_share(pools),
        billed=total(statements) if statements else None,
        assessments=assessments_of(world, month, organisations),
        settlements=settlements,
        settled=total(payables) if payables else None,
        paid=total(each.paid for each in settlements),
        journal_balance=trial_balance(world).difference,
        audit_events=audit_length(world),
        usage=_usage(world, month),
    )


def audit_length(world: World) -> int:
    """How many events the audit chain holds: their sequence has no gaps, so it is searched for
    its last one and not walked."""
    there, beyond = 0, 1
    while world.audit_events(after=beyond - 1, limit=1):
        there, beyond = beyond, beyond * 2
    while there + 1 < beyond:
        middle = (there + beyond) // 2
        if world.audit_events(after=middle - 1, limit=1):
            there = middle
        else:
            beyond = middle
    return there


def _departments(
    world: World, month: Month, last: datetime, organisations: Mapping[str, Organisation]
) -> tuple[DepartmentOverview, ...]:
    """The dearest first, those without a statement last."""
    applications = Counter(each.department_id for each in world.stream(Application))
    running = Counter(
        each.department_id
        for each in world.stream(Allocation)
        if each.life is not None and each.life.contains(last)
    )
    regions = {each.id: each for each in world.find(Region)}
    statements = {each.department_id: each for each in world.find(Statement, month=str(month))}
    found = []
    for each in organisations.values():
        if each.kind is not OrganisationKind.DEPARTMENT:
            continue
        statement = statements.get(each.id)
        found.append(
            DepartmentOverview(
                department=named(each, statement.issued_at if statement else None),
                region=named(regions[each.region_id]),
                applications=applications[each.id],
                allocations=running[each.id],
                total=statement.total if statement else None,
                state=statement.state if statement else None,
                deemed=bool(statement and statement.deemed),
            )
        )
    return tuple(sorted(found, key=lambda each: (-(each.total or ZERO), each.department.id)))


def _requests(world: World, month: Month) -> RequestsOverview:
    entered = [
        request
        for request in world.stream(ResourceRequest, created_at=Ge(month.period.start))
        if month.period.contains(request.created_at)
    ]
    by_state = Counter(request.state for request in entered)
    by_kind = Counter((request.kind, request.state) for request in entered)
    return RequestsOverview(
        total=len(entered),
        by_state={state: by_state[state] for state in RequestState if by_state[state]},
        by_kind={
            kind: {state: by_kind[kind, state] for state in RequestState if by_kind[kind, state]}
            for kind in RequestKind
            if any(of_kind is kind for of_kind, _ in by_kind)
        },
    )


def _pools(
    world: World, month: Month, organisations: Mapping[str, Organisation]
) -> tuple[PoolOverview, ...]:
    inventories = {each.id: each for each in world.find(Inventory)}
    sites = {each.id: each for each in world.find(Site)}
    use = world.derived(
        f"pool hours {month}", (UsageBatch, Allocation), lambda: pool_hourly_cpu(world, month)
    )
    found = []
    for pool in world.find(ResourcePool):
        vcpu = inventories.get(inventory_id(pool.id, ResourceClass.VCPU))
        memory = inventories.get(inventory_id(pool.id, ResourceClass.MEMORY_MIB))
        hours = [millicores for _, millicores in use.get(pool.id, ())]
        found.append(
            PoolOverview(
                pool=named(pool),
                provider=named(organisations[pool.provider_id]),
                site=named(sites[pool.site_id]),
                kind=pool.kind,
                stack=pool.stack,
                state=pool.state,
                vcpu=_capacity(vcpu) if vcpu else None,
                memory_mib=_capacity(memory) if memory else None,
                cpu=_cpu(hours, vcpu.total * MILLICORES if vcpu else 0) if hours else None,
            )
        )
    return tuple(sorted(found, key=_largest_first))


def _largest_first(pool: PoolOverview) -> tuple[int, str]:
    return (-pool.vcpu.offered if pool.vcpu else 0, pool.pool.id)


def _capacity(inventory: Inventory) -> CapacityOverview:
    return CapacityOverview(
        total=inventory.total,
        offered=inventory.offered,
        reserved=inventory.reserved,
        held=inventory.held,
        allocated=inventory.allocated,
        free=inventory.free,
        allocated_share=inventory.allocated_share,
    )


def _cpu(hours: list[int], physical_millicores: int) -> CpuOverview:
    mean, peak = Fraction(sum(hours), len(hours)), max(hours)
    return CpuOverview(
        hours=len(hours),
        mean_millicores=mean,
        peak_millicores=peak,
        physical_millicores=physical_millicores,
        mean_share=mean / physical_millicores if physical_millicores else None,
        peak_share=Fraction(peak, physical_millicores) if physical_millicores else None,
    )


def _allocated_share(pools: Iterable[PoolOverview]) -> Fraction | None:
    offering = [pool.vcpu for pool in pools if pool.vcpu is not None]
    offered = sum(vcpu.offered for vcpu in offering)
    return Fraction(sum(vcpu.allocated for vcpu in offering), offered) if offered else None


def _mean_share(pools: Iterable[PoolOverview]) -> Fraction | None:
    """Mean use of all pools that sent readings / their physical capacity."""
    read = [pool.cpu for pool in pools if pool.cpu is not None]
    physical = sum(cpu.physical_millicores for cpu in read)
    used = sum((cpu.mean_millicores for cpu in read), Fraction(0))
    return used / physical if physical else None


def _usage(world: World, month: Month) -> UsageOverview:
    batches = [each for each in world.find(UsageBatch) if month_of_batch(each) == month]
    return UsageOverview(
        batches=len(batches),
        sent=sum(each.sent for each in batches),
        accepted=sum(each.accepted for each in batches),
        quarantined=sum(each.quarantined for each in batches),
    )


def _sample(world: World, moment: datetime) -> bool:
    """Whether what was in force to move money or scores were sample parameters (示例参数)."""
    policies = [each for each in world.find(Policy) if each.effective_from <= moment]
    schemes = [each for each in world.find(AssessmentScheme) if each.effective_from <= moment]
    return (bool(policies) and policy_at(policies, moment).kind == FigureKind.SAMPLE) or (
        bool(schemes) and scheme_at(schemes, moment).kind == FigureKind.SAMPLE
    )
