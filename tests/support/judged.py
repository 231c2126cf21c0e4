"""A node in memory whose provider can be judged for January 2026, and the people around it.

One pool `pool` of 100 vCPU of provider `prv`, a second provider `other` without anything, ten
running VMs of 2 vCPU (`AL-1` … `AL-10`), a catalog, a policy and the shipped scheme.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from catalog.money import amount, unit_price
from catalog.period import Month, midnight
from catalog.skus import PricingModel
from cloudmgr.cities.scheme import reference_scheme
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.lines import LineKind, RatedLine
from cloudmgr.domain.policy import Clocks, Policy, Proration
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, ResourcePool
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.clock import run_due
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.pricing import keep_catalog
from tests.support.assessments import JANUARY, an_allocation, at, vcpu_inventory
from tests.support.catalogs import a_version

AUTHORITY = Actor("chief", (Grant(Role.AUTHORITY, "bureau"),))
REVIEWER = Actor("officer", (Grant(Role.TECHNICAL_REVIEWER, "centre"),))
COUNTY_REVIEWER = Actor(
    "county-officer", (Grant(Role.TECHNICAL_REVIEWER, "county-centre", "county", True),)
)
PROVIDER = Actor("engineer", (Grant(Role.PROVIDER, "prv"),))
RIVAL = Actor("rival", (Grant(Role.PROVIDER, "other"),))
CLERK = Actor("clerk", (Grant(Role.DEPARTMENT_USER, "dep"),))


class Judged(MemoryNode):
    """The node, with shorter ways to give commands and to look."""

    def do(self, command: Command, actor: Actor, now: datetime) -> Any:
        with self.transaction() as world:
            return perform(world, command, actor, now)

    def keep(self, *records: Any) -> None:
        with self.transaction() as world:
            world.put_many(records)

    def walk(self, *records: Any) -> None:
        """Store records in states that are no first ones, along the shortest way there."""
        with self.transaction() as world:
            for record in records:
                first, *rest = _way(record)
                stored = world.put(replace(record, state=first))
                for state in rest:
                    stored = world.put(advance(stored, state))

    def look(self, kind: type[Any], id: str) -> Any:
        with self.transaction() as world:
            return world.get(kind, id)

    def wait_until(self, now: datetime) -> int:
        with self.transaction() as world:
            return run_due(world, now)


def _way(record: Any) -> tuple[StrEnum, ...]:
    """The shortest way of a record's lifecycle from a first state to its own."""
    states, table = type(record.state), record.LIFECYCLE
    ways: list[tuple[StrEnum, ...]] = [(states(each),) for each in sorted(table.initial)]
    for way in ways:
        if way[-1] is record.state:
            return way
        ways.extend((*way, states(to)) for to in sorted(table.moves[way[-1]]) if to not in way)
    raise AssertionError(f"{record.state} is out of reach")


def judged(*, cycle_months: int = 1) -> Judged:
    node = Judged()
    with node.transaction() as world:
        keep_catalog(world, a_version(), at("01-01 00:00"))
        world.put_many(
            [
                a_policy(cycle_months=cycle_months),
                reference_scheme(),
                a_pool(),
                vcpu_inventory(),
                *(an_allocation(id=f"AL-{number}") for number in range(1, 11)),
            ]
        )
    return node


def close_month(node: Judged, month: Month = JANUARY) -> None:
    node.walk(BillingPeriod(id=str(month), state=PeriodState.CLOSED))


def a_policy(*, cycle_months: int = 1) -> Policy:
    return Policy(
        id="policy-1",
        effective_from=midnight(JANUARY.first),
        document_number="test 1",
        kind="sample",
        proration=Proration.DAY,
        settlement_cycle_months=cycle_months,
        clocks=Clocks(),
        payers=(),
        chain=(),
    )


def a_pool(*, id: str = "pool", provider_id: str = "prv") -> ResourcePool:
    return ResourcePool(
        id=id,
        name_zh="资源池",
        name_en="Pool",
        provider_id=provider_id,
        site_id="site",
        kind=PoolKind.GENERAL,
        stack="x86",
        zones=(Zone.EXTRANET,),
        mlps_level=3,
        management_level=ManagementLevel.SCHEDULING,
        state=PoolState.ONBOARDED,
    )


def a_request(
    *,
    id: str = "REQ-1",
    kind: RequestKind = RequestKind.NEW,
    state: RequestState = RequestState.COMPLETED,
    department_id: str = "dep",
) -> ResourceRequest:
    return ResourceRequest(
        id=id,
        kind=kind,
        department_id=department_id,
        region_id="city",
        application_id="app",
        submitter_id="clerk",
        reason="a test",
        lines=(RequestLine(line=1, sku_id="vm", quantity=1),),
        created_at=at("01-02 09:00"),
        state=state,
    )


def a_rated_line(
    *, id: str, price: str, billed: str, kind: LineKind = LineKind.CHARGE, month: str = "2026-01"
) -> RatedLine:
    return RatedLine(
        id=id,
        month=month,
        served_month=month,
        statement_id=None,
        kind=kind,
        model=PricingModel.RECURRING,
        department_id="dep",
        application_id="app",
        region_id="city",
        payer_id="finance",
        provider_id="prv",
        payee_id="prv",
        contract_id="contract",
        pool_id="pool",
        allocation_id="AL-1",
        sku_id="vm",
        quote_id="q",
        catalog_version_id="v1",
        start=at("01-01 00:00"),
        end=at("02-01 00:00"),
        quantity=1,
        per_unit=1,
        fraction="1/1",
        tier_from=0,
        unit_price=unit_price(price),
        amount=amount(billed),
    )


def a_batch(
    *,
    id: str,
    sent: int,
    quarantined: int,
    days: tuple[str, ...] = (),
    received: str = "01-05 09:00",
) -> UsageBatch:
    return UsageBatch(
        id=id,
        pool_id="pool",
        provider_id="prv",
        digest=id,
        sequence=1,
        sent=sent,
        accepted=sent - quarantined,
        quarantined=quarantined,
        reasons=(),
        partitions=tuple(f"pool=pool/day={day}/{id}.parquet" for day in days),
        quarantine_path=None,
        received_at=at(received),
    )
