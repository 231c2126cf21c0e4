"""A small city in memory where requests live: a city with one county, their offices, three
departments, two providers with a pool each, limits, money and the sample chain.

    bureau, centre, desk, treasury   offices of the city: authority, data centre, operating company,
                                     finance; county-treasury and county-centre are the county's
    health, transport, county-health the departments, each with an application `<department>-app`
    x86 (of prv), kunpeng (of rival) the pools, both at `site`

People are called `<organisation>.<post>`: `health.user`, `health.lead`, `centre.a`, `centre.b`.
What is asked for and how it is lived through is `tests.support.requests`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from catalog.errors import CloudmgrError
from catalog.money import amount
from catalog.quantity import ResourceClass
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone
from cloudmgr.domain.approvals import ChainStep, Condition, Where
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
    RoleGrant,
    User,
)
from cloudmgr.domain.policy import Clocks, PayerRule, Policy, Proration
from cloudmgr.domain.pools import Site, SiteRole
from cloudmgr.domain.quota import UNLIMITED, Quota, QuotaScope, quota_id
from cloudmgr.domain.requests import RequestState
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.pricing import keep_catalog
from cloudmgr.services.sessions import actor_of
from tests.support.assessments import at
from tests.support.billing_world import a_budget
from tests.support.catalogs import a_version
from tests.support.judged import Judged
from tests.support.supply import (
    CEILINGS,
    MEMORY,
    PRICES,
    SKUS,
    VCPU,
    a_contract,
    a_pool,
    a_quote,
    an_inventory,
)

V = TypeVar("V", bound=Value)

MONDAY = at("01-05 09:00")
"""When a town's clock begins: the first Monday of 2026, an ordinary working week."""

BEFORE = date(2025, 1, 1)
KIND = OrganisationKind
DEPARTMENTS = ("county-health", "health", "transport")


class Town(Judged):
    """The city with its clock; commands are given by people, by their login."""

    now: datetime = MONDAY

    def actor(self, login: str) -> Actor:
        with self.reading() as world:
            return actor_of(world, login)

    def give(self, command: Command, by: str) -> Any:
        return self.do(command, self.actor(by), self.now)

    def refusal(self, command: Command, by: str) -> CloudmgrError:
        """The refusal of a command; one that is not refused fails the test."""
        try:
            answer = self.give(command, by)
        except CloudmgrError as error:
            return error
        raise AssertionError(f"{command} was not refused but answered {answer}")

    def code(self, command: Command, by: str) -> str:
        return self.refusal(command, by).code

    def wait(self, until: str | datetime) -> int:
        """Let time pass, and what is due on the way happen; returns how many dues ran."""
        self.now = at(until) if isinstance(until, str) else until
        return self.wait_until(self.now)

    def all(self, kind: type[V], /, **where: Any) -> tuple[V, ...]:
        with self.reading() as world:
            return world.find(kind, **where)

    def change(self, record: Value, **fields: Any) -> None:
        """Put a record with other fields, as an import or an earlier time would have left it."""
        with self.transaction() as world:
            world.lock((type(record), record.id))
            world.put(replace(world.get(type(record), record.id), **fields))

    def snapshot(self) -> dict[type[Value], dict[str, Value]]:
        """All records, to compare with what they are later."""
        return {kind: dict(records) for kind, records in self.records.items() if records}

    def twin(self) -> Town:
        """Another node with the same records, to compare what two ways lead to."""
        other = Town()
        for kind, records in self.records.items():
            other.records[kind] = dict(records)
        other.numbers.update(self.numbers)
        other.events = list(self.events)
        other.now = self.now
        return other


def a_town() -> Town:
    return _template().twin()


@cache
def _template() -> Town:
    town = Town()
    with town.transaction() as world:
        keep_catalog(world, a_version(day=BEFORE, skus=SKUS, ceilings=CEILINGS), at("01-01 00:00"))
        world.put_many(_records())
    return town


def perform_as(town: Town, world: Any, command: Command, by: str) -> Any:
    """A command inside a transaction that is open already."""
    return perform(world, command, actor_of(world, by), town.now)


# --- rules and limits -----------------------------------------------------------------------

CHAIN = (
    ChainStep(
        id="unit",
        label="单位审签",
        role=Role.DEPARTMENT_LEAD,
        state=RequestState.UNIT_SIGNING,
        where=Where.DEPARTMENT,
        limit_workdays=2,
    ),
    ChainStep(
        id="county",
        label="县区初审",
        role=Role.COUNTY_REVIEWER,
        state=RequestState.FIRST_REVIEW,
        where=Where.REGION,
        limit_workdays=2,
        condition=Condition(region_levels=(RegionLevel.COUNTY,)),
    ),
    ChainStep(
        id="acceptance",
        label="受理",
        role=Role.OPERATING_COMPANY,
        state=RequestState.SUBMITTED,
        where=Where.CITY,
        limit_workdays=3,
    ),
    ChainStep(
        id="technical",
        label="技术审核",
        role=Role.TECHNICAL_REVIEWER,
        state=RequestState.IN_REVIEW,
        where=Where.CITY,
        limit_workdays=2,
    ),
    ChainStep(
        id="finance",
        label="财政会签",
        role=Role.FINANCE,
        state=RequestState.IN_REVIEW,
        where=Where.CITY,
        limit_workdays=2,
        condition=Condition(min_monthly_price=amount("20000.00"), or_over_budget=True),
    ),
    ChainStep(
        id="head",
        label="主管部门负责人审批",
        role=Role.AUTHORITY,
        state=RequestState.IN_REVIEW,
        where=Where.CITY,
        limit_workdays=2,
        condition=Condition(min_monthly_price=amount("100000.00")),
    ),
)
"""The sample chain of DOMAIN.md 5."""


def a_policy(**changed: Any) -> Policy:
    fields: dict[str, Any] = {
        "id": "policy",
        "effective_from": datetime.fromisoformat("2025-01-01T00:00:00+08:00"),
        "document_number": "test 1",
        "kind": "sample",
        "proration": Proration.DAY,
        "settlement_cycle_months": 3,
        "clocks": Clocks(),
        "payers": (
            PayerRule(region_id="city", payer_id="treasury"),
            PayerRule(region_id="county", payer_id="county-treasury"),
        ),
        "chain": CHAIN,
    }
    return Policy(**(fields | changed))


def a_quota(
    *,
    scope: QuotaScope = QuotaScope.DEPARTMENT,
    scope_id: str = "health",
    parent_id: str | None = "city",
    of: ResourceClass = VCPU,
    limit_units: int | None = 60,
    **changed: Any,
) -> Quota:
    return Quota(
        id=quota_id(scope_id, of),
        scope=scope,
        scope_id=scope_id,
        parent_id=quota_id(parent_id, of) if parent_id else None,
        resource_class=of,
        limit_units=limit_units,
        **changed,
    )


def an_application(*, department_id: str = "health", **changed: Any) -> Application:
    fields: dict[str, Any] = {
        "id": f"{department_id}-app",
        "code": f"A-{department_id}",
        "name_zh": "预约系统",
        "name_en": "Appointments",
        "department_id": department_id,
        "mlps_level": 2,
        "classified": False,
        "zone": Zone.EXTRANET,
        "dr_level": 2,
        "dr_mode": DrMode.LOCAL_BACKUP,
        "xinchuang": False,
        "important": False,
        "state": DeploymentStatus.PLANNED,
        "approval_document": "test approval 1",
        "security_check_passed": True,
    }
    return Application(**(fields | changed))


# --- who lives there ------------------------------------------------------------------------

ORGANISATIONS = {
    "bureau": (KIND.AUTHORITY, "city"),
    "centre": (KIND.DATA_CENTRE, "city"),
    "desk": (KIND.OPERATING_COMPANY, "city"),
    "treasury": (KIND.FINANCE, "city"),
    "county-treasury": (KIND.FINANCE, "county"),
    "county-centre": (KIND.DATA_CENTRE, "county"),
    "prv": (KIND.PROVIDER, "city"),
    "rival": (KIND.PROVIDER, "city"),
    "health": (KIND.DEPARTMENT, "city"),
    "transport": (KIND.DEPARTMENT, "city"),
    "county-health": (KIND.DEPARTMENT, "county"),
}
POSTS: dict[OrganisationKind, dict[str, tuple[Role, ...]]] = {
    KIND.AUTHORITY: {
        "a": (Role.AUTHORITY,),
        "b": (Role.AUTHORITY,),
        "system": (Role.SYSTEM_ADMIN,),
        "security": (Role.SECURITY_ADMIN,),
        "audit": (Role.AUDIT_ADMIN,),
    },
    KIND.DATA_CENTRE: {"a": (Role.TECHNICAL_REVIEWER,), "b": (Role.TECHNICAL_REVIEWER,)},
    KIND.OPERATING_COMPANY: {"a": (Role.OPERATING_COMPANY,), "b": (Role.OPERATING_COMPANY,)},
    KIND.FINANCE: {"a": (Role.FINANCE,), "b": (Role.FINANCE,)},
    KIND.PROVIDER: {"engineer": (Role.PROVIDER,)},
    KIND.DEPARTMENT: {
        "user": (Role.DEPARTMENT_USER,),
        "lead": (Role.DEPARTMENT_LEAD,),
        "both": (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD),
    },
}


def _people() -> Iterator[Value]:
    for organisation_id, (kind, _) in ORGANISATIONS.items():
        for post, roles in POSTS[kind].items():
            yield from a_person(
                login=f"{organisation_id}.{post}", organisation_id=organisation_id, roles=roles
            )
    yield from a_person(
        login="county-health.reviewer",
        organisation_id="county-health",
        roles=(Role.COUNTY_REVIEWER,),
    )


def a_person(*, login: str, organisation_id: str, roles: tuple[Role, ...]) -> Iterator[Value]:
    """A user and the roles held in one organisation."""
    yield User(id=login, login=login, name=login)
    for role in roles:
        yield RoleGrant(
            id=f"{login}/{role}/{organisation_id}",
            user_id=login,
            role=role,
            organisation_id=organisation_id,
        )


def _records() -> Iterator[Value]:
    yield NodeSettings(id=NODE_ID, rehearsal=True, city="test", created_at=MONDAY, clock=MONDAY)
    yield Region(id="city", name_zh="市", name_en="City", level=RegionLevel.CITY)
    yield Region(
        id="county", name_zh="县", name_en="County", level=RegionLevel.COUNTY, parent_id="city"
    )
    for id, (kind, region_id) in ORGANISATIONS.items():
        yield Organisation(id=id, kind=kind, name_zh=id, name_en=id, region_id=region_id)
    yield from _people()
    yield Site(
        id="site",
        name_zh="机房",
        name_en="Site",
        region_id="city",
        role=SiteRole.PRIMARY,
        latitude_microdegrees=30_000_000,
        longitude_microdegrees=120_000_000,
    )
    yield a_policy()
    yield from _supply()
    yield from _limits()


def _supply() -> Iterator[Value]:
    for pool_id, prices in PRICES.items():
        yield a_pool(id=pool_id)
        yield a_contract(id=f"contract-{pool_id}")
        for sku_id in prices:
            yield a_quote(pool_id=pool_id, sku_id=sku_id)
        for resource_class in (VCPU, MEMORY):
            yield an_inventory(pool_id=pool_id, of=resource_class)


def _limits() -> Iterator[Value]:
    for of, limit in ((VCPU, 150), (MEMORY, UNLIMITED)):
        yield a_quota(
            scope=QuotaScope.REGION, scope_id="city", parent_id=None, of=of, limit_units=limit
        )
    yield a_quota(scope=QuotaScope.REGION, scope_id="county", limit_units=50)
    for department_id in DEPARTMENTS:
        region_id = ORGANISATIONS[department_id][1]
        yield an_application(department_id=department_id)
        limit = 40 if region_id == "county" else 60
        yield a_quota(scope_id=department_id, parent_id=region_id, limit_units=limit)
        payer = "treasury" if region_id == "city" else "county-treasury"
        yield a_budget(payer_id=payer, department_id=department_id, approved="500000.00")
    for payer_id in ("treasury", "county-treasury"):
        yield a_budget(payer_id=payer_id, approved="900000.00")
