"""A small node in memory where months can be closed and settled; every argument by name.

Two departments: `dep` in the city, paid for by `city-finance`, and `self` in the county, which
pays itself. One provider `prv` with one pool `pool` under `contract`, the Skus and quotes of
`tests.support.money`. January 2026 is open, its grace ends on 4 February (three working days).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from catalog.money import amount
from catalog.period import Month
from catalog.tiers import flat
from catalog.versions import CatalogVersion
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.allocations import Allocation, Segment
from cloudmgr.domain.assessment import Assessment, AssessmentState, assessment_id
from cloudmgr.domain.budget import Budget, budget_id
from cloudmgr.domain.contracts import BillingStart, Contract, PriceLink
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region, RegionLevel
from cloudmgr.domain.policy import Clocks, PayerRule, Policy, Proration
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.rating import HourlySums
from cloudmgr.domain.values import Value
from cloudmgr.services.clock import run_due
from cloudmgr.services.closing import close_period
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.periods import ClosePeriod, open_period
from cloudmgr.services.pricing import keep_catalog
from cloudmgr.services.rating import Usage
from cloudmgr.services.world import Node, World
from tests.support.money import JANUARY, a_catalog, an_allocation, at, quotes

FINANCE = Actor("fin", (Grant(Role.FINANCE, "city-finance"),))
SECOND_FINANCE = Actor("fin2", (Grant(Role.FINANCE, "city-finance"),))
USER = Actor("user", (Grant(Role.DEPARTMENT_USER, "dep"),))
OTHER_USER = Actor("other", (Grant(Role.DEPARTMENT_USER, "self"),))
PROVIDER = Actor("seller", (Grant(Role.PROVIDER, "prv"),))
OTHER_PROVIDER = Actor("rival", (Grant(Role.PROVIDER, "prv2"),))
OPERATOR = Actor("ops", (Grant(Role.OPERATING_COMPANY, "ops"),))

GRACE_OVER = at("02-05")


def no_usage(world: World, month: Month, allocations: Collection[str]) -> Mapping[str, HourlySums]:
    return {}


def a_policy(**changed: Any) -> Policy:
    fields: dict[str, Any] = {
        "id": "policy-1",
        "effective_from": at("2025-01-01"),
        "document_number": "test 1",
        "kind": "sample",
        "proration": Proration.DAY,
        "settlement_cycle_months": 1,
        "clocks": Clocks(),
        "payers": (
            PayerRule(region_id="city", payer_id="city-finance"),
            PayerRule(region_id="county", payer_id=None),
        ),
        "chain": (),
    }
    return Policy(**(fields | changed))


def a_contract(**changed: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": "contract",
        "number": "test 1",
        "name": "test",
        "provider_id": "prv",
        "payee_id": "prv",
        "procurement_method": "open tender",
        "signatories": ("city", "prv"),
        "starts_at": at("2025-01-01"),
        "ends_at": at("2028-01-01"),
        "total": amount("10000000.00"),
        "price_link": PriceLink.FIXED,
        "billing_start": BillingStart.TRIAL_ACCEPTED,
        "pool_ids": ("pool",),
    }
    return Contract(**(fields | changed))


def a_budget(
    *,
    payer_id: str,
    department_id: str | None = None,
    approved: str = "100000.00",
    year: int = 2026,
) -> Budget:
    parent = None if department_id is None else budget_id(payer_id, None, year)
    return Budget(
        id=budget_id(payer_id, department_id, year),
        payer_id=payer_id,
        department_id=department_id,
        parent_id=parent,
        year=year,
        document_number="test",
        project_code="",
        fund_source="",
        approved=Decimal(approved),
    )


def put_budgets(world: World) -> None:
    """A budget for the payer and each department."""
    world.put_many(
        [
            a_budget(payer_id="city-finance"),
            a_budget(payer_id="city-finance", department_id="dep", approved="50000.00"),
            a_budget(payer_id="self", department_id="self"),
        ]
    )


def _parties() -> list[Value]:
    def organisation(id: str, kind: OrganisationKind, region_id: str) -> Organisation:
        return Organisation(id=id, kind=kind, name_zh=id, name_en=id, region_id=region_id)

    kinds = OrganisationKind
    return [
        Region(id="city", name_zh="市", name_en="City", level=RegionLevel.CITY),
        Region(
            id="county", name_zh="县", name_en="County", level=RegionLevel.COUNTY, parent_id="city"
        ),
        organisation("dep", kinds.DEPARTMENT, "city"),
        organisation("self", kinds.DEPARTMENT, "county"),
        organisation("city-finance", kinds.FINANCE, "city"),
        organisation("prv", kinds.PROVIDER, "city"),
    ]


def put_world(
    world: World,
    allocations: Collection[Allocation] = (),
    *,
    budgets: bool = True,
    policy: Policy | None = None,
    contract: Contract | None = None,
    versions: tuple[CatalogVersion, ...] = (),
    months: tuple[Month, ...] = (JANUARY,),
) -> None:
    """Everything a close needs, with the allocations given."""
    for value in _parties():
        world.put(value)
    world.put(policy or a_policy())
    contract = contract or a_contract()
    world.put(contract)
    for version in versions or (a_catalog(),):
        keep_catalog(world, version, at("2025-12-01"))
    world.put_many(
        Quote(
            id=quoted.quote_id,
            provider_id="prv",
            contract_id=contract.id,
            pool_id="pool",
            sku_id=quoted.sku_id,
            tiers=quoted.tiers,
            effective_from=quoted.effective_from,
            state=QuoteState.IN_FORCE,
        )
        for quoted in quotes()
    )
    if budgets:
        put_budgets(world)
    world.put_many(allocations)
    for month in months:
        open_period(world, month, month.period.start)


def a_node(*allocations: Allocation, **changed: Any) -> MemoryNode:
    node = MemoryNode()
    with node.transaction() as world:
        put_world(world, allocations, **changed)
    return node


def owned(
    *segments: Segment,
    id: str = "AL-1",
    department_id: str = "dep",
    end: str | None = None,
    **changed: Any,
) -> Allocation:
    """An allocation of a department."""
    made = an_allocation(*segments, id=id, end=end)
    return replace(made, department_id=department_id, **changed)


def later_quote(world: World, *, sku_id: str, price: str, effective_from: datetime) -> Quote:
    return world.put(
        Quote(
            id=f"later-{sku_id}-{effective_from:%m%d}",
            provider_id="prv",
            contract_id="contract",
            pool_id="pool",
            sku_id=sku_id,
            tiers=flat(price),
            effective_from=effective_from,
            state=QuoteState.IN_FORCE,
        )
    )


def pass_time(node: Node, now: datetime) -> int:
    with node.transaction() as world:
        return run_due(world, now)


def do(node: Node, command: Command, actor: Actor, now: datetime) -> Any:
    with node.transaction() as world:
        return perform(world, command, actor, now)


def close(
    node: Node,
    month: str = "2026-01",
    now: datetime = GRACE_OVER,
    usage: Usage = no_usage,
    **changed: Any,
) -> Any:
    """Let the grace pass and close the month."""
    pass_time(node, now)
    return close_period(node, ClosePeriod(month=month), FINANCE, now, usage=usage, **changed)


def put_score(node: Node, score: str | None, *, cycle: str = "2026-01", final: bool = True) -> None:
    """The provider's final assessment of a cycle."""
    with node.transaction() as world:
        assessment = Assessment(
            id=assessment_id("prv", cycle),
            provider_id="prv",
            cycle=cycle,
            months=(cycle,),
            score=Decimal(score) if score else None,
        )
        world.put(assessment)
        if final:
            for state in (AssessmentState.SCORED, AssessmentState.PUBLISHED, AssessmentState.FINAL):
                stored = world.get(Assessment, assessment.id)
                world.put(replace(stored, id=stored.id, state=state))


def soon(moment: datetime, *, days: int = 0, minutes: int = 0) -> datetime:
    return moment + timedelta(days=days, minutes=minutes)
