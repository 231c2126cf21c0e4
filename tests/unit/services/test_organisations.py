"""Regions and organisations are registered with their codes, renamed from a day on, and papers keep
the names of their day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from catalog.period import DAY, Month, midnight
from cloudmgr.domain.billing import Statement
from cloudmgr.domain.organisations import in_force, named_at, renamed
from cloudmgr.domain.parties import DatedName, Organisation, OrganisationKind, RegionLevel
from cloudmgr.services.organisations import (
    RegisterRegion,
    RenameOrganisation,
    papers_of,
)
from cloudmgr.services.overview import month_overview
from cloudmgr.services.parties import RegisterOrganisation
from cloudmgr.services.policies import payer_of
from cloudmgr.services.reading import visible
from cloudmgr.services.reorganisations import MergeOrganisations
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.statements import ConfirmStatement
from tests.support.billing_world import USER, a_node, close, do, owned
from tests.support.money import a_segment
from tests.support.worlds import Town, a_town

CODE = "91350100M000100Y43"


@pytest.fixture
def town() -> Town:
    return a_town()


def rename(day: date = date(2026, 2, 1), **how: Any) -> RenameOrganisation:
    fields: dict[str, Any] = {
        "organisation_id": "health",
        "name_zh": "卫生健康委",
        "name_en": "Health commission",
        "effective_from": day,
        "document_number": "test 7",
    }
    return RenameOrganisation(**(fields | how))


def organisation(**how: Any) -> RegisterOrganisation:
    fields: dict[str, Any] = {
        "kind": OrganisationKind.DEPARTMENT,
        "name_zh": "新局",
        "name_en": "New",
        "region_id": "city",
    }
    return RegisterOrganisation(**(fields | how))


def test_a_name_changes_at_its_midnight_and_the_codes_with_it(town: Town) -> None:
    town.give(rename(budget_unit_code="123456"), "bureau.a")
    town.wait("01-31 23:59")
    assert town.look(Organisation, "health").name_zh == "health"
    town.wait("02-01 00:00")
    health = town.look(Organisation, "health")
    assert (health.name_zh, health.budget_unit_code) == ("卫生健康委", "123456")
    assert named_at(health, midnight(date(2026, 1, 31))).name_zh == "health"


def test_todays_change_counts_from_now(town: Town) -> None:
    before = town.now
    town.wait("01-05 15:00")
    changed = town.give(rename(date(2026, 1, 5)), "bureau.a")
    assert changed.name_zh == "卫生健康委"
    assert named_at(changed, before).name_zh == "health"


@pytest.mark.parametrize(
    "how",
    [
        {"day": date(2026, 1, 4)},
        {"document_number": ""},
        {"name_zh": " "},
        {"social_credit_code": CODE[:-1] + "4"},
        {"budget_unit_code": "X"},
    ],
)
def test_what_cannot_be_is_refused(town: Town, how: dict[str, Any]) -> None:
    assert town.code(rename(**how), "bureau.a") == "bad_value"


def test_a_code_is_one_organisations(town: Town) -> None:
    town.give(organisation(social_credit_code=CODE, budget_unit_code="900001"), "bureau.a")
    codes: list[dict[str, Any]] = [{"social_credit_code": CODE}, {"budget_unit_code": "900001"}]
    for how in codes:
        assert town.code(organisation(**how), "bureau.a") == "already_exists"
        assert town.code(rename(**how), "bureau.a") == "already_exists"


def test_who_may_rename(town: Town) -> None:
    for login in ("health.lead", "centre.a", "treasury.a"):
        assert town.code(rename(), login) == "forbidden"


def test_a_new_countys_departments_are_paid_for_as_the_citys_until_policy_says_else(
    town: Town,
) -> None:
    county = town.give(
        RegisterRegion(
            name_zh="新县", name_en="New", level=RegionLevel.COUNTY, parent_id="city",
            division_code="419928",
        ),
        "bureau.a",
    )  # fmt: skip
    made = town.give(organisation(region_id=county.id), "bureau.a")
    with town.reading() as world:
        assert payer_of(world, made.id, town.now) == "treasury"
    again = RegisterRegion(
        name_zh="又县",
        name_en="Again",
        level=RegionLevel.COUNTY,
        parent_id="city",
        division_code="419928",
    )
    assert town.code(again, "bureau.a") == "already_exists"


def test_who_takes_over_reads_the_papers_of_the_department_that_ended(town: Town) -> None:
    merge = MergeOrganisations(
        department_ids=("health",),
        into_department_id="transport",
        effective_from=date(2026, 2, 1),
        document_number="test",
    )
    town.give(merge, "bureau.a")
    with town.reading() as world:
        assert papers_of(world, {"transport"}) == {"transport"}
    town.wait("02-01 00:00")
    with town.reading() as world:
        assert papers_of(world, {"transport"}) == {"transport", "health"}
        scope = visible(world, actor_of(world, "transport.user", town.now), Statement)
    assert scope == {"department_id": ("health", "transport")}


def test_a_statement_keeps_the_name_it_was_issued_under() -> None:
    node = a_node(owned(a_segment("01-01")))
    close(node)
    with node.transaction() as world:
        issued = world.get(Statement, "ST-2026-01/dep")
        assert (issued.department_name, issued.payer_name) == ("dep", "city-finance")
        department = world.get(Organisation, "dep")
        assert named_at(department, Month(2026, 1).period.start).name_zh == "dep"
    assert do(node, ConfirmStatement(statement_id=issued.id), USER, issued.issued_at)


def test_the_overview_of_a_month_shows_the_name_its_statement_bears() -> None:
    node = a_node(owned(a_segment("01-01")))
    close(node)
    with node.transaction() as world:
        issued = world.get(Statement, "ST-2026-01/dep").issued_at
        name = DatedName(since=issued + DAY, name_zh="新局", name_en="New")
        world.put(in_force(renamed(world.get(Organisation, "dep"), name), issued + DAY))
        shown = month_overview(world, Month(2026, 1), issued + 2 * DAY)
        assert world.get(Organisation, "dep").name_zh == "新局"
    names = {each.department.id: each.department.name_zh for each in shown.departments}
    assert names["dep"] == "dep"
