"""A city as its files say it: everything typed, nothing expanded and nothing stored.

Owns the shape of sample cities. Reading the files is `read`, what follows from the rules is
`opening`, `offers` and `limits`, putting it into a world is `load`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from catalog.money import Yuan
from catalog.period import midnight
from catalog.quantity import ResourceClass
from catalog.skus import Category
from cloudmgr.cities.plans import ContinuityPlan, Ledgers, PoolsPlan
from cloudmgr.domain.access import Role
from cloudmgr.domain.applications import Application, DrMode, Zone
from cloudmgr.domain.assessment import AssessmentScheme
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import bad_city
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quota import QuotaScope


class Archetype(StrEnum):
    """The shape of a system's demand over time; the simulator draws it."""

    PUBLIC_SERVICE = "public_service"
    OFFICE_HOURS = "office_hours"
    ANALYTICS_BATCH = "analytics_batch"
    VIDEO_DAY_NIGHT = "video_day_night"
    MONTH_END = "month_end"
    ENROLMENT_SEASON = "enrolment_season"
    FLOOD_SEASON = "flood_season"
    STEADY = "steady"


class Scale(StrEnum):
    """How large a system is, against the others of its archetype."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Stand(StrEnum):
    """Where an opening rule puts its allocation."""

    HOME = "home"
    PAIR = "pair"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in as `<organisation>.<post>`."""

    login: str
    name: str
    organisation_id: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What an application runs. Without a home pool it runs nothing at the cut-over."""

    application_id: str
    archetype: Archetype
    scale: Scale
    home_pool_id: str | None
    term_end: date | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Which chapters of the catalog a pool sells, less and plus single items."""

    pool_id: str
    categories: tuple[Category, ...]
    without: tuple[str, ...]
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRule:
    """The share of the ceiling a contract charges, by chapter where one is named."""

    contract_id: str
    share: Fraction
    by_category: Mapping[Category, Fraction]

    def share_of(self, category: Category) -> Fraction:
        return self.by_category.get(category, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRule:
    """One allocation for every application that fits; a scale without a Sku gets none.

    Empty conditions fit everything. `{vm}` and `{rds}` in a Sku are words of the pool's stack.
    """

    id: str
    place: str
    stand: Stand
    sku: Mapping[Scale, str]
    quantity: Mapping[Scale, int]
    estimate: Mapping[Scale, int]
    zones: tuple[Zone, ...]
    archetypes: tuple[Archetype, ...]
    mlps_levels: tuple[int, ...]
    dr_modes: tuple[DrMode, ...]
    application_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPlan:
    """The opening rules with the pairs of pools and the words of the stacks."""

    pairs: Mapping[str, str]
    remote_pool_id: str
    words: Mapping[str, Mapping[str, str]]
    rules: tuple[OpeningRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An explicit quota limit of one scope and class; -1 is unlimited."""

    scope: QuotaScope
    scope_id: str
    resource_class: ResourceClass
    limit_units: int
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaPlan:
    """Department limits: `percent` of what runs, up to whole steps, never below the floor."""

    percent: int
    floor: Mapping[ResourceClass, int]
    step: Mapping[ResourceClass, int]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """The approved money of a payer (no department) or of a department under it."""

    payer_id: str
    department_id: str | None
    year: int
    document_number: str
    project_code: str
    fund_source: str
    approved: Yuan
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A sample city. `planned` applications are known and not yet in the ledger."""

    id: str
    name_zh: str
    name_en: str
    kind: str
    source: str
    cut_over: date
    catalog_id: str
    sample_password: str
    regions: tuple[Region, ...]
    sites: tuple[Site, ...]
    organisations: tuple[Organisation, ...]
    people: tuple[Person, ...]
    applications: tuple[Application, ...]
    planned: tuple[Application, ...]
    workloads: Mapping[str, Workload]
    pools: tuple[ResourcePool, ...]
    offers: tuple[Offer, ...]
    inventories: tuple[Inventory, ...]
    contracts: tuple[Contract, ...]
    quote_rules: tuple[QuoteRule, ...]
    opening: OpeningPlan
    quotas: QuotaPlan
    budgets: tuple[BudgetRow, ...]
    policy: Policy
    scheme: AssessmentScheme
    pools_plan: PoolsPlan
    continuity: ContinuityPlan
    ledgers: Ledgers
    _organisations: dict[str, Organisation] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_organisations", {each.id: each for each in self.organisations})

    @property
    def opens_at(self) -> datetime:
        """The instant of the cut-over: nothing before it is billed."""
        return midnight(self.cut_over)

    def organisation(self, id: str) -> Organisation:
        return self._organisations[id]

    def organisations_of(self, kind: OrganisationKind) -> tuple[Organisation, ...]:
        return tuple(each for each in self.organisations if each.kind is kind)

    def logins(self, role: Role, organisation_id: str | None = None) -> tuple[str, ...]:
        """Who holds a role, anywhere or in one organisation, in the order of the files."""
        return tuple(
            person.login
            for person in self.people
            if role in person.roles and organisation_id in (None, person.organisation_id)
        )

    def archetype_of(self, application_id: str) -> Archetype:
        """The demand shape of an application; raises `bad_city` for one without a workload."""
        return self.workload_of(application_id).archetype

    def workload_of(self, application_id: str) -> Workload:
        if application_id not in self.workloads:
            raise bad_city("workloads.csv", f"application {application_id} has no row")
        return self.workloads[application_id]
