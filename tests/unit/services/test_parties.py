"""Organisations, people and roles: who may hold what, and who may not hold two things."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain.access import CITY_WIDE, OFFICES, SEPARATED, Role
from cloudmgr.domain.parties import HELD_IN, Organisation, OrganisationKind, RoleGrant, User
from cloudmgr.services.parties import GrantRole, RegisterOrganisation, RegisterUser
from tests.support.worlds import ORGANISATIONS, Town, a_person, a_town

ADMINS = sorted(SEPARATED)


@pytest.fixture
def town() -> Town:
    town = a_town()
    town.keep(*a_person(login="newcomer", organisation_id="health", roles=()))
    return town


def grant(role: Role, organisation_id: str, user_id: str = "newcomer") -> GrantRole:
    return GrantRole(user_id=user_id, role=role, organisation_id=organisation_id)


def organisation(**how: Any) -> RegisterOrganisation:
    fields: dict[str, Any] = {
        "kind": OrganisationKind.DEPARTMENT,
        "name_zh": "市档案局",
        "name_en": "Archives",
        "region_id": "city",
    }
    return RegisterOrganisation(**(fields | how))


def test_an_organisation_belongs_to_a_region_that_exists(town: Town) -> None:
    made = town.give(organisation(), "bureau.system")
    assert town.look(Organisation, made.id).name_en == "Archives"
    assert town.code(organisation(region_id="nowhere"), "bureau.a") == "not_found"
    assert town.code(organisation(), "health.lead") == "forbidden"


def test_a_user_is_registered_with_a_hash_and_answered_without(town: Town) -> None:
    command = RegisterUser(login="wang", name="王芳", password="a long pass phrase")
    answer = town.give(command, "bureau.system")
    user = town.look(User, answer.id)
    assert user.password_hash.startswith("$argon2")
    assert "password" not in " ".join(type(answer).__dataclass_fields__)
    assert town.events[-1].subject == f"RegisteredUser/{user.id}"
    assert town.code(command, "bureau.system") == "already_exists", "the login name is taken"


def test_a_short_password_is_refused(town: Town) -> None:
    short = RegisterUser(login="li", name="李", password="too short")
    assert town.code(short, "bureau.system") == "bad_value"


@pytest.mark.parametrize("held", ADMINS)
@pytest.mark.parametrize("asked", ADMINS)
def test_no_person_holds_two_of_the_three_administrator_roles(
    town: Town, held: Role, asked: Role
) -> None:
    town.give(grant(held, "bureau"), "bureau.security")
    expected = "already_exists" if held is asked else "separation_of_duties"
    assert town.code(grant(asked, "bureau"), "bureau.security") == expected
    if held is not asked:
        assert town.code(grant(asked, "centre"), "bureau.security") == "separation_of_duties"


def test_other_roles_may_be_held_together(town: Town) -> None:
    for role in (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD):
        town.give(grant(role, "health"), "bureau.security")
    assert len(town.all(RoleGrant, user_id="newcomer")) == 2
    assert town.actor("newcomer").organisations() == {"health"}


@pytest.mark.parametrize("organisation_id", sorted(ORGANISATIONS))
@pytest.mark.parametrize("role", Role)
def test_a_role_is_held_in_the_kind_of_organisation_it_belongs_to(
    town: Town, role: Role, organisation_id: str
) -> None:
    kind, region = ORGANISATIONS[organisation_id]
    fits = kind in HELD_IN[role] and (role is not Role.COUNTY_REVIEWER or region == "county")
    if fits:
        assert town.give(grant(role, organisation_id), "bureau.security").role is role
    else:
        assert town.code(grant(role, organisation_id), "bureau.security") == "role_does_not_fit"


def test_no_role_that_reads_the_city_is_held_in_a_department_or_a_provider() -> None:
    """Finance granted in a department would read every department's bills."""
    outside = {OrganisationKind.DEPARTMENT, OrganisationKind.PROVIDER}
    assert set(HELD_IN) == set(Role)
    for role in CITY_WIDE | OFFICES:
        assert not outside & set(HELD_IN[role])


def test_the_security_administrator_of_the_city_grants_roles_and_nobody_else(town: Town) -> None:
    for person in ("bureau.system", "bureau.audit", "bureau.a", "health.lead"):
        assert town.code(grant(Role.DEPARTMENT_USER, "health"), person) == "forbidden"
    town.keep(
        *a_person(
            login="county.security",
            organisation_id="county-centre",
            roles=(Role.SECURITY_ADMIN,),
        )
    )
    assert town.code(grant(Role.AUTHORITY, "bureau"), "county.security") == "forbidden"


def test_a_role_is_granted_to_somebody_in_something(town: Town) -> None:
    nobody = grant(Role.DEPARTMENT_USER, "health", user_id="nobody")
    assert town.code(nobody, "bureau.security") == "not_found"
    assert town.code(grant(Role.DEPARTMENT_USER, "nowhere"), "bureau.security") == "not_found"
