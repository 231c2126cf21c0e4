"""Who reads what: a department its own, a county its county's, a provider its own things."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr import services
from cloudmgr.domain.allocations import Allocation, Reservation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetChangeKind, BudgetCommitment
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.parties import Organisation, Region, RoleGrant, Token, User
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.domain.sessions import Attempt, SignInAttempts
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.values import Value
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.commands import IdempotencyRecord, perform_once
from cloudmgr.services.reading import page, read, visible
from cloudmgr.services.sessions_attempts import record_failure
from tests.support.judged import a_rated_line
from tests.support.requests import a_draft, a_line, completed, delivered
from tests.support.supply import a_quote
from tests.support.worlds import Town, a_town

CITY_OFFICES = ("bureau.a", "centre.a", "desk.a", "treasury.a", "bureau.audit")
NOT_CITY = (
    "health.user",
    "health.lead",
    "county-health.reviewer",
    "county-treasury.a",
    "county-centre.a",
    "prv.engineer",
    "bureau.system",
    "bureau.security",
)


@pytest.fixture(scope="module")
def town() -> Town:
    """A city in which every kind of record of the request side exists, of several owners."""
    town = a_town()
    lines = (a_line(), a_line(line=2, sku_id="vm-kp"))
    for department in ("health", "transport", "county-health"):
        completed(town, *lines, department=department)
        delivered(town, a_line(), department=department, kind=RequestKind.TEMPORARY)
    for payer_id, department_id in (
        ("treasury", "health"),
        ("treasury", None),
        ("county-treasury", "county-health"),
    ):
        town.give(
            RecordBudgetChange(
                payer_id=payer_id,
                department_id=department_id,
                year=2026,
                kind=BudgetChangeKind.ADD,
                amount=amount("1.00"),
                document_number="test",
            ),
            f"{payer_id}.a",
        )
    secret = a_quote(pool_id="kunpeng", id="quote-secret", state=QuoteState.SUBMITTED)
    town.keep(secret, a_rated_line(id="RL-1", price="1.00", billed="1.00"))
    with town.transaction() as world:
        perform_once(world, a_draft(), town.actor("health.user"), town.now, key="a key of mine")
    return town


def ids(town: Town, login: str, kind: type[Value], **where: Any) -> set[str]:
    with town.reading() as world:
        return {each.id for each in page(world, town.actor(login), kind, limit=500, **where).items}


def owners(town: Town, login: str, kind: type[Any], field: str = "department_id") -> set[str]:
    with town.reading() as world:
        found = page(world, town.actor(login), kind, limit=500).items
    return {getattr(each, field) for each in found}


OWNED_BY_DEPARTMENTS = (Allocation, Application, BudgetCommitment, Reservation, ResourceRequest)


@pytest.mark.parametrize("kind", [*OWNED_BY_DEPARTMENTS, Budget])
def test_a_department_reads_its_own_and_nobody_elses(town: Town, kind: type[Value]) -> None:
    for person in ("health.user", "health.lead"):
        assert owners(town, person, kind) == {"health"}


@pytest.mark.parametrize("kind", OWNED_BY_DEPARTMENTS)
def test_a_county_reads_its_departments_and_a_city_office_all(
    town: Town, kind: type[Value]
) -> None:
    for person in ("county-health.reviewer", "county-treasury.a", "county-centre.a"):
        assert owners(town, person, kind) == {"county-health"}
    for person in CITY_OFFICES:
        assert owners(town, person, kind) == {"health", "transport", "county-health"}


def test_a_department_sees_its_own_quotas_and_its_systems(town: Town) -> None:
    assert owners(town, "health.user", Quota, "scope_id") == {"health"}
    town.keep(
        Quota(
            id="transport-app/GPU",
            scope="application",  # type: ignore[arg-type]
            scope_id="transport-app",
            parent_id=None,
            resource_class="GPU",  # type: ignore[arg-type]
            limit_units=1,
        )
    )
    assert owners(town, "transport.user", Quota, "scope_id") == {"transport", "transport-app"}
    assert owners(town, "health.user", Quota, "scope_id") == {"health"}
    assert owners(town, "county-health.reviewer", Quota, "scope_id") == {
        "county",
        "county-health",
    }
    assert "city" in owners(town, "centre.a", Quota, "scope_id")


def test_who_pays_reads_what_is_paid_with(town: Town) -> None:
    assert ids(town, "county-treasury.a", Budget) == {
        "county-treasury/-/2026",
        "county-treasury/county-health/2026",
    }
    assert ids(town, "health.user", Budget) == {"treasury/health/2026"}


def test_changes_of_a_budget_are_seen_by_those_who_see_the_budget(town: Town) -> None:
    assert owners(town, "health.user", BudgetChange, "budget_id") == {"treasury/health/2026"}
    assert owners(town, "county-treasury.a", BudgetChange, "budget_id") == {
        "county-treasury/county-health/2026"
    }
    assert ids(town, "prv.engineer", BudgetChange) == set()
    assert len(ids(town, "treasury.a", BudgetChange)) == 3


def test_signatures_are_seen_under_the_requests_one_sees(town: Town) -> None:
    requests = ids(town, "health.user", ResourceRequest)
    assert owners(town, "health.user", Approval, "request_id") < requests
    assert ids(town, "prv.engineer", Approval) == set()
    assert ids(town, "bureau.security", Approval) == set()


@pytest.mark.parametrize("kind", [Allocation, Contract, Quote, ResourcePool, WorkOrder])
def test_a_provider_reads_its_own_and_nothing_of_its_competitors(
    town: Town, kind: type[Value]
) -> None:
    assert owners(town, "prv.engineer", kind, "provider_id") == {"prv"}
    assert owners(town, "rival.engineer", kind, "provider_id") == {"rival"}


@pytest.mark.parametrize("kind", [Inventory, Reservation])
def test_a_provider_reads_what_is_in_its_pools(town: Town, kind: type[Value]) -> None:
    assert owners(town, "prv.engineer", kind, "pool_id") == {"x86"}


@pytest.mark.parametrize(
    "kind", [ResourceRequest, Application, Budget, BudgetCommitment, Quota, NodeSettings]
)
def test_a_provider_reads_nothing_of_the_departments(town: Town, kind: type[Value]) -> None:
    assert ids(town, "prv.engineer", kind) == set()


@pytest.mark.parametrize("kind", [Contract, Inventory, NodeSettings, Timer])
def test_what_has_no_owner_is_read_by_city_offices_only(town: Town, kind: type[Value]) -> None:
    assert ids(town, "centre.a", kind)
    for person in ("health.user", "county-health.reviewer", "bureau.system"):
        assert ids(town, person, kind) == set()


@pytest.mark.parametrize("kind", [Region, Organisation, Site, PublishedCatalog, CatalogContent])
def test_what_is_public_is_read_by_everybody_who_is_signed_in(
    town: Town, kind: type[Value]
) -> None:
    for person in (*CITY_OFFICES, *NOT_CITY):
        assert ids(town, person, kind)


def test_an_offer_is_a_secret_until_it_is_in_force(town: Town) -> None:
    for person in ("health.user", "bureau.system", "prv.engineer"):
        assert "quote-secret" not in ids(town, person, Quote)
    assert "quote-secret" in ids(town, "rival.engineer", Quote)
    assert "quote-secret" in ids(town, "bureau.a", Quote)
    assert "quote-kunpeng-vm" in ids(town, "health.user", Quote)


def test_roles_are_read_by_the_city_and_its_administrators_else_ones_own(town: Town) -> None:
    for person in (*CITY_OFFICES, "bureau.system", "bureau.security"):
        assert ids(town, person, RoleGrant) == {each.id for each in town.all(RoleGrant)}
    for person in ("health.user", "county-treasury.a", "prv.engineer"):
        assert owners(town, person, RoleGrant, "user_id") == {person}


def test_tokens_are_read_by_their_owner_and_the_security_administrator(town: Town) -> None:
    """Not even by the city's offices, which read everything else."""
    for owner in ("health.user", "bureau.a"):
        more = timedelta(hours=1)
        town.keep(
            Token(
                id=owner, user_id=owner, label="", created_at=town.now, expires_at=town.now + more
            )
        )
    assert ids(town, "bureau.security", Token) >= {"health.user", "bureau.a"}
    for person in ("health.user", "bureau.a"):
        assert owners(town, person, Token, "user_id") == {person}
    for person in ("health.lead", "bureau.system", "bureau.audit", "treasury.a"):
        assert ids(town, person, Token) == set()


@pytest.mark.parametrize("kind", [User, SignInAttempts, IdempotencyRecord])
def test_secrets_are_read_by_nobody(town: Town, kind: type[Value]) -> None:
    attempt = Attempt(login="health.user", host="10.0.0.1", at=town.now)
    with town.transaction() as world:
        record_failure(world, attempt, town.now)
    assert town.all(kind)
    for person in (*CITY_OFFICES, *NOT_CITY):
        assert ids(town, person, kind) == set()


def test_a_foreign_record_and_one_that_is_not_there_look_the_same(town: Town) -> None:
    (foreign,) = town.all(ResourceRequest, department_id="transport", kind=RequestKind.NEW)
    actor = town.actor("health.user")
    messages = []
    for id in (foreign.id, "REQ-99999999"):
        with town.reading() as world, pytest.raises(CloudmgrError) as refused:
            read(world, actor, ResourceRequest, id)
        assert refused.value.code == "not_found"
        messages.append(refused.value.message.replace(id, "…"))
    assert messages[0] == messages[1]
    with town.reading() as world:
        assert read(world, town.actor("transport.user"), ResourceRequest, foreign.id) == foreign


def test_a_filter_that_asks_for_foreign_things_finds_nothing(town: Town) -> None:
    for foreign in ("transport", ("health", "transport")):
        assert ids(town, "health.user", ResourceRequest, department_id=foreign) == set()
    assert ids(town, "health.user", ResourceRequest, department_id="health")
    assert ids(town, "health.user", ResourceRequest, department_id=None)


def test_pages_join_to_the_whole(town: Town) -> None:
    actor, seen, after = town.actor("treasury.a"), [], ""
    with town.reading() as world:
        while True:
            part = page(world, actor, Allocation, after=after, limit=2)
            seen += [each.id for each in part.items]
            if part.next_after is None:
                break
            after = part.next_after
        assert seen == [each.id for each in world.find(Allocation)]


def _kinds(base: type[Value] = Value) -> Iterator[type[Value]]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("cloudmgr."):
            yield kind
        yield from _kinds(kind)


@pytest.mark.parametrize(
    ("login", "more"), [("health.user", {"ResourcePool"}), ("prv.engineer", set())]
)
def test_no_kind_is_open_to_a_department_or_provider_by_oversight(
    town: Town, login: str, more: set[str]
) -> None:
    """What is read without any condition must have been declared public."""
    for module in pkgutil.iter_modules(services.__path__):  # they declare theirs when loaded
        importlib.import_module(f"{services.__name__}.{module.name}")
    public = {
        "AdoptionTarget",
        "AssessmentScheme",
        "BackupAgreement",
        "BillingPeriod",
        "CatalogContent",
        "Opening",
        "Organisation",
        "Policy",
        "ProtectedPeriod",
        "PublishedCatalog",
        "Region",
        "Site",
    }
    with town.reading() as world:
        actor = town.actor(login)
        found = {kind.__name__ for kind in _kinds() if visible(world, actor, kind) == {}}
    assert found == public | more
