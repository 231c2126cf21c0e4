"""People's accounts: passwords, leaving and coming back, roles taken back, who knows whom."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain.parties import User
from tests.support.api import PASSWORD, Api, bearer, done, refused

NEW = "another pass phrase"
SYSTEM, SECURITY, AUDIT = "authority.sysadmin", "authority.secadmin", "authority.auditadmin"


def change(api: Api, token: str, old: str = PASSWORD, new: str = NEW) -> Any:
    body = {"old_password": old, "new_password": new}
    return api.request("POST", "me/password", headers=bearer(token), json=body)


def reset(api: Api, user_id: str, by: str = SYSTEM, password: str = "told by telephone") -> Any:
    return api.post(f"users/{user_id}/password", by, {"password": password})


def test_a_new_password_needs_the_old_one(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    refused(change(own_city, token, old="a guess"), 401, "bad_credentials")
    assert own_city.sign_in("d01.user", NEW).status_code == 401
    answer = done(change(own_city, token))
    assert "hash" not in " ".join(answer)
    assert own_city.sign_in("d01.user", NEW).status_code == 201
    assert own_city.sign_in("d01.user", PASSWORD).status_code == 401


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one_and_the_machines(
    own_city: Api,
) -> None:
    mine, other = (done(own_city.sign_in("d01.user"))["token"] for _ in range(2))
    stranger = done(own_city.sign_in("d02.user"))["token"]
    body = {"label": "machine", "scopes": ["read"], "days": 3}
    machine = done(own_city.request("POST", "tokens", headers=bearer(mine), json=body))["secret"]
    done(change(own_city, mine))
    for token in (mine, machine, stranger):
        done(own_city.request("GET", "me", headers=bearer(token)))
    refused(own_city.request("GET", "me", headers=bearer(other)), 401, "unauthenticated")


@pytest.mark.parametrize("new", ["short", "d01.user", "x" * 401, PASSWORD])
def test_a_bad_new_password_is_refused_and_the_old_one_stays(own_city: Api, new: str) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    assert change(own_city, token, new=new).status_code == 422
    assert own_city.sign_in("d01.user").status_code == 201


def test_a_password_set_by_somebody_else_opens_only_the_way_to_ones_own(own_city: Api) -> None:
    before = done(own_city.sign_in("d01.user"))["token"]
    done(reset(own_city, "d01.user"))
    refused(own_city.request("GET", "me", headers=bearer(before)), 401, "unauthenticated")
    assert own_city.sign_in("d01.user").status_code == 401
    token = done(own_city.sign_in("d01.user", "told by telephone"))["token"]
    assert done(own_city.request("GET", "me", headers=bearer(token)))["password_due"] is True
    listed = own_city.request("GET", "requests", headers=bearer(token))
    refused(listed, 403, "password_change_due")
    body = {"label": "m", "scopes": ["read"], "days": 3}
    issued = own_city.request("POST", "tokens", headers=bearer(token), json=body)
    refused(issued, 403, "password_change_due")
    done(change(own_city, token, old="told by telephone"))
    done(own_city.request("GET", "requests", headers=bearer(token)))


def test_a_new_person_chooses_a_password_before_anything_else(own_city: Api) -> None:
    body = {"login": "new.person", "name": "新人", "password": "told by telephone"}
    person = done(own_city.post("users", SYSTEM, body))["id"]
    grant = {"role": "department_user", "organisation_id": "d01"}
    done(own_city.post(f"users/{person}/roles", SECURITY, grant))
    token = done(own_city.sign_in("new.person", "told by telephone"))["token"]
    listed = own_city.request("GET", "requests", headers=bearer(token))
    refused(listed, 403, "password_change_due")
    done(change(own_city, token, old="told by telephone"))
    done(own_city.request("GET", "requests", headers=bearer(token)))


@pytest.mark.parametrize("user_id", [SECURITY, AUDIT])
def test_nobody_sets_an_administrators_password_through_the_api(city: Api, user_id: str) -> None:
    """The system administrator could else act as the security administrator."""
    refused(reset(city, user_id), 409, "administrators_credentials")
    assert city.sign_in(user_id).status_code == 201


def test_an_administrator_changes_the_own_password_like_everybody(city: Api) -> None:
    refused(reset(city, SYSTEM), 403, "own_account")


@pytest.mark.parametrize("by", [SECURITY, AUDIT, "d01.lead", "authority.a"])
def test_only_the_system_administrator_sets_passwords_and_lets_people_go(
    city: Api, by: str
) -> None:
    refused(reset(city, "d01.user", by), 403, "forbidden")
    refused(city.post("users/d01.user/deactivation", by), 403, "forbidden")
    refused(city.post("users/d01.user/sign-on", by, {"subject": "x"}), 403, "forbidden")


def test_who_left_is_out_at_once_and_comes_back_with_the_roles(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    assert done(own_city.post("users/d01.user/deactivation", SYSTEM))["active"] is False
    refused(own_city.request("GET", "me", headers=bearer(token)), 401, "unauthenticated")
    refused(own_city.sign_in("d01.user"), 401, "bad_credentials")
    assert done(own_city.post("users/d01.user/reactivation", SYSTEM))["active"] is True
    refused(own_city.request("GET", "me", headers=bearer(token)), 401, "unauthenticated")
    again = done(own_city.sign_in("d01.user"))["token"]
    roles = done(own_city.request("GET", "me", headers=bearer(again)))["roles"]
    assert [each["organisation_id"] for each in roles] == ["d01"]


def test_a_role_taken_back_counts_no_more_from_the_next_request_on(own_city: Api) -> None:
    assert own_city.items("applications", "d01.user")
    grant = {"role": "department_user", "organisation_id": "d01"}
    done(own_city.post("users/d01.user/role-revocations", SECURITY, grant))
    assert own_city.items("applications", "d01.user") == []
    twice = own_city.post("users/d01.user/role-revocations", SECURITY, grant)
    refused(twice, 404, "not_found")
    done(own_city.post("users/d01.user/roles", SECURITY, grant))
    assert own_city.items("applications", "d01.user")


def test_the_last_who_can_give_roles_is_kept(own_city: Api) -> None:
    grant = {"role": "security_admin", "organisation_id": "authority"}
    path = f"users/{SECURITY}/role-revocations"
    refused(own_city.post(path, SECURITY, grant), 409, "last_administrator")
    leaving = own_city.post(f"users/{SECURITY}/deactivation", SYSTEM)
    refused(leaving, 409, "last_administrator")
    done(own_city.post("users/authority.a/roles", SECURITY, grant))
    done(own_city.post(path, SECURITY, grant))
    refused(own_city.post(path, SECURITY, grant), 403, "forbidden")


def test_the_role_of_another_administrator_is_free_once_the_first_is_taken_back(
    own_city: Api,
) -> None:
    asked = {"role": "system_admin", "organisation_id": "authority"}
    path = f"users/{AUDIT}/roles"
    refused(own_city.post(path, SECURITY, asked), 409, "separation_of_duties")
    held = {"role": "audit_admin", "organisation_id": "authority"}
    done(own_city.post(f"users/{AUDIT}/role-revocations", SECURITY, held))
    done(own_city.post(path, SECURITY, asked))


def test_people_are_known_to_their_colleagues_and_to_the_citys_offices(city: Api) -> None:
    everybody = {each["id"] for each in city.items("people", "finance.a", limit=500)}
    with city.node.reading() as world:
        assert everybody == {user.id for user in world.find(User)}
    for login in (SYSTEM, SECURITY, AUDIT):
        assert {each["id"] for each in city.items("people", login, limit=500)} == everybody
    assert {each["id"] for each in city.items("people", "d01.user")} == {"d01.user", "d01.lead"}
    assert all(each["login"].startswith("prov1.") for each in city.items("people", "prov1.a"))
    asked = {"login": "d02.user"}
    assert done(city.request("GET", "people", "d01.user", params=asked))["items"] == []
    assert len(done(city.request("GET", "people", "finance.a", params=asked))["items"]) == 1


def test_nothing_told_of_people_is_a_hash(city: Api) -> None:
    assert "argon2" not in city.get("people", SYSTEM, limit=500).text


def test_roles_are_listed_to_administrators_and_ones_own_to_everybody(city: Api) -> None:
    mine = city.items("role-grants", "d01.user", limit=500)
    assert [(each["role"], each["user_id"]) for each in mine] == [("department_user", "d01.user")]
    admins = city.items("role-grants", SECURITY, role="system_admin")
    assert {each["user_id"] for each in admins} >= {SYSTEM}
