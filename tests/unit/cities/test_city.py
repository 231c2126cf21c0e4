"""The reference city has the published size, and everything a month needs to be played in it."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from catalog.errors import NotFound
from catalog.period import midnight
from catalog.skus import XINCHUANG_STACKS
from cloudmgr.cities.city import Archetype, City
from cloudmgr.cities.read import find_city
from cloudmgr.domain.access import SEPARATED, Role
from cloudmgr.domain.applications import DeploymentStatus, Zone
from cloudmgr.domain.contracts import BillingStart, PriceLink
from cloudmgr.domain.parties import OrganisationKind, RegionLevel
from cloudmgr.domain.pools import ManagementLevel, PoolKind, SiteRole
from cloudmgr.domain.requests import RequestKind, refusals
from tests.support.shared_data import require_shared_data


def test_the_city_has_46_departments_of_which_six_are_county_bureaus(city: City) -> None:
    departments = city.organisations_of(OrganisationKind.DEPARTMENT)
    counties = {each.id for each in city.regions if each.level is RegionLevel.COUNTY}
    assert len(departments) == 46
    assert len(counties) == 6
    assert {each.region_id for each in departments if each.region_id in counties} == counties


def test_the_city_has_85_systems_and_all_of_them_are_on_the_cloud(city: City) -> None:
    assert len(city.applications) == 85
    assert {each.state for each in city.applications} == {DeploymentStatus.ON_CLOUD}


@pytest.mark.shared_data
def test_the_systems_are_those_of_the_published_plans(city: City) -> None:
    path = require_shared_data("reference_city", "applications.csv")
    names = {each.id: each.name_zh for each in city.organisations}
    with path.open(encoding="utf-8") as file:
        planned = {row["code"]: row for row in csv.DictReader(file)}
    ours = {each.id: each for each in city.applications}
    assert ours.keys() == planned.keys()
    for code, row in planned.items():
        application = ours[code]
        assert (application.name_zh, names[application.department_id]) == (
            row["name_zh"],
            row["department_zh"],
        )
        assert str(application.mlps_level) == row["mlps"]
        assert application.zone == row["zone"]
        assert application.dr_mode == row["dr_class"]
        assert application.xinchuang == (row["xinchuang"] == "yes")
        assert city.archetype_of(code) == row["archetype"]


def test_every_system_could_be_admitted_as_a_migration(city: City) -> None:
    for application in city.applications:
        assert not list(refusals(application, RequestKind.MIGRATE_IN)), application.id


def test_some_planned_systems_break_each_admission_rule(city: City) -> None:
    codes = {
        error.code
        for application in city.planned
        for error in refusals(application, RequestKind.MIGRATE_IN)
    }
    assert codes == {
        "too_secret_for_cloud",
        "mlps_too_low",
        "filing_proof_missing",
        "security_check_missing",
        "project_approval_missing",
    }


def test_every_archetype_is_used_and_every_system_has_one(city: City) -> None:
    used = {city.archetype_of(each.id) for each in (*city.applications, *city.planned)}
    assert used == set(Archetype)


def test_eight_pools_stand_on_three_sites_with_two_xinchuang_stacks_on_two_of_them(
    city: City,
) -> None:
    role = {site.id: site.role for site in city.sites}
    assert set(role.values()) == set(SiteRole)
    assert len(city.pools) >= 7
    assert {pool.site_id for pool in city.pools} == role.keys()
    for stack in XINCHUANG_STACKS:
        stands = {
            role[pool.site_id] for pool in city.pools if _general(pool.kind, pool.stack, stack)
        }
        assert stands == {SiteRole.PRIMARY, SiteRole.SAME_CITY}


def _general(kind: PoolKind, stack: str, wanted: str) -> bool:
    return kind is PoolKind.XINCHUANG and stack == wanted


def test_there_is_an_industry_pool_for_one_department_and_a_backup_pool_far_away(
    city: City,
) -> None:
    (industry,) = (each for each in city.pools if each.kind is PoolKind.INDUSTRY)
    (backup,) = (each for each in city.pools if each.kind is PoolKind.BACKUP)
    (remote,) = (each for each in city.sites if each.role is SiteRole.REMOTE)
    assert [city.organisation(id).name_zh for id in industry.department_ids] == ["市公安局"]
    assert backup.site_id == remote.id
    assert any(pool.zones == (Zone.VIDEO,) for pool in city.pools)


def test_pools_of_every_management_level_are_there(city: City) -> None:
    assert {pool.management_level for pool in city.pools} == set(ManagementLevel)


def test_contracts_are_in_force_all_year_and_of_every_kind(city: City) -> None:
    providers = {each.id for each in city.organisations_of(OrganisationKind.PROVIDER)}
    (company,) = city.organisations_of(OrganisationKind.OPERATING_COMPANY)
    assert len(providers) >= 4
    assert {each.provider_id for each in city.contracts} == providers
    assert sorted(id for each in city.contracts for id in each.pool_ids) == sorted(
        pool.id for pool in city.pools
    )
    assert Counter(each.payee_id == company.id for each in city.contracts)[True] == 1
    assert {each.price_link for each in city.contracts} == set(PriceLink)
    assert {each.billing_start for each in city.contracts} == set(BillingStart)
    for contract in city.contracts:
        assert contract.starts_at < city.opens_at
        assert contract.ends_at > midnight(date(2028, 6, 30))


def test_every_region_has_a_payer_and_the_counties_pay_for_themselves(city: City) -> None:
    for region in city.regions:
        payer = city.organisation(city.policy.payer_of(region.id, "nobody"))
        assert payer.kind is OrganisationKind.FINANCE
        assert payer.region_id == region.id


def test_the_chain_asks_finance_from_20_000_and_the_head_from_100_000_yuan(city: City) -> None:
    floors = {step.role: step.condition.min_monthly_price for step in city.policy.chain}
    assert floors[Role.FINANCE] == Decimal(20_000)
    assert floors[Role.AUTHORITY] == Decimal(100_000)
    assert [step.id for step in city.policy.chain][:3] == ["unit", "county", "acceptance"]


def test_every_department_has_a_user_and_a_lead_and_every_county_a_reviewer(city: City) -> None:
    for department in city.organisations_of(OrganisationKind.DEPARTMENT):
        assert city.logins(Role.DEPARTMENT_USER, department.id) == (f"{department.id}.user",)
        assert city.logins(Role.DEPARTMENT_LEAD, department.id) == (f"{department.id}.lead",)
        county = department.region_id != "city"
        assert len(city.logins(Role.COUNTY_REVIEWER, department.id)) == int(county)


def test_every_role_is_held_by_somebody_and_nobody_holds_two(city: City) -> None:
    held = {role for person in city.people for role in person.roles}
    assert held == set(Role)
    assert all(len(person.roles) == 1 for person in city.people)
    assert held >= SEPARATED


def test_what_is_not_published_says_that_it_is_a_sample(city: City) -> None:
    assert city.kind == "sample"
    assert city.policy.kind == "sample"
    assert "示例参数" in city.source


def test_an_unknown_city_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"unknown_city.*reference"):
        find_city("atlantis")
