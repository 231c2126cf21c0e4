"""Whose things a person reads, and where a role counts."""

from __future__ import annotations

import pytest

from cloudmgr.domain.access import CITY_WIDE, OFFICES, Actor, Grant, Role

CITY_FINANCE = Grant(Role.FINANCE, "treasury", "city")
COUNTY_FINANCE = Grant(Role.FINANCE, "county-treasury", "county", county=True)
COUNTY_REVIEWER = Grant(Role.COUNTY_REVIEWER, "county-health", "county", county=True)
USER = Grant(Role.DEPARTMENT_USER, "health", "city")
COUNTY_PROVIDER = Grant(Role.PROVIDER, "prv", "county", county=True)


def actor(*grants: Grant) -> Actor:
    return Actor("somebody", grants)


def test_a_role_is_held_in_an_organisation() -> None:
    person = actor(USER, Grant(Role.DEPARTMENT_LEAD, "transport", "city"))
    assert person.has(Role.DEPARTMENT_LEAD)
    assert person.has_in("health", Role.DEPARTMENT_USER)
    assert not person.has_in("health", Role.DEPARTMENT_LEAD)
    assert person.organisations() == {"health", "transport"}
    assert person.organisations(Role.DEPARTMENT_USER) == {"health"}


@pytest.mark.parametrize("role", sorted(CITY_WIDE))
def test_an_office_of_the_city_reads_everything_and_a_countys_its_county(role: Role) -> None:
    assert actor(Grant(role, "office", "city")).city_wide
    in_county = actor(Grant(role, "office", "county", county=True))
    assert not in_county.city_wide
    assert in_county.counties == {"county"}


def test_a_department_reads_neither_the_city_nor_a_county() -> None:
    assert not actor(USER).city_wide
    assert not actor(USER).counties


def test_a_county_reviewer_reads_the_county_and_never_the_city() -> None:
    assert actor(COUNTY_REVIEWER).counties == {"county"}
    assert not actor(Grant(Role.COUNTY_REVIEWER, "health", "city")).counties


@pytest.mark.parametrize("role", sorted(OFFICES))
def test_an_offices_role_in_a_county_does_not_count_for_the_city(role: Role) -> None:
    assert actor(Grant(role, "office", "city")).has_for_city(role)
    assert not actor(Grant(role, "office", "county", county=True)).has_for_city(role)


def test_departments_and_providers_of_a_county_act_as_anywhere() -> None:
    assert actor(COUNTY_PROVIDER).has_for_city(Role.PROVIDER)
    assert actor(COUNTY_REVIEWER).has_for_city(Role.COUNTY_REVIEWER)


def test_one_role_in_the_city_is_enough_beside_one_in_a_county() -> None:
    both = actor(COUNTY_FINANCE, CITY_FINANCE)
    assert both.has_for_city(Role.FINANCE)
    assert both.city_wide
