"""Machines' tokens: they act as their owner minus what their scopes leave out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import RoleGrant, Token
from cloudmgr.services.commands import IdempotencyRecord
from cloudmgr.services.sessions import token_id
from tests.support.api import Api, bearer, done, refused, secret_of

DRAFT = {
    "department_id": "d01", "application_id": "A01", "kind": "new", "reason": "by a machine",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}],
}  # fmt: skip


def issue(api: Api, login: str, *scopes: str, **how: Any) -> Any:
    body = {"label": "a machine", "scopes": scopes, "days": 30, **how}
    return api.post("tokens", login, body)


def machine(api: Api, login: str, *scopes: str) -> dict[str, str]:
    """The header of a machine's token."""
    return bearer(done(issue(api, login, *scopes))["secret"])


def test_a_token_acts_as_its_owner(own_city: Api) -> None:
    headers = machine(own_city, "d01.user", "read", "draft_request")
    drafted = done(own_city.request("POST", "requests", headers=headers, json=DRAFT))
    assert drafted["submitter_id"] == "d01.user"
    listed = done(own_city.request("GET", "requests", headers=headers))
    assert {each["department_id"] for each in listed["items"]} == {"d01"}
    event = done(own_city.get("audit-events", "authority.auditadmin", limit=1000))[-1]
    assert (event["command"], event["user_id"]) == ("draft_request", "d01.user")


def test_a_token_counts_as_its_owner_in_approvals(own_city: Api) -> None:
    """Else one person could sign twice: once in person, once by machine."""
    request = done(own_city.post("requests", "d01.user", DRAFT))["id"]
    done(own_city.post(f"requests/{request}/submission", "d01.user"))
    for role in ("department_user", "department_lead"):
        grant = {"role": role, "organisation_id": "d01"}
        own_city.post("users/d01.user/roles", "authority.secadmin", grant)
    headers = machine(own_city, "d01.user", "sign_request")
    body = {"decision": "approve", "opinion": "mine"}
    path = f"requests/{request}/signatures"
    answer = own_city.request("POST", path, headers=headers, json=body)
    refused(answer, 403, "own_submission")


def test_what_the_scopes_leave_out_is_refused(city: Api) -> None:
    reader = machine(city, "d01.user", "read")
    answer = city.request("POST", "requests", headers=reader, json=DRAFT)
    assert refused(answer, 403, "out_of_scope")["needed"] == "draft_request"
    drafter = machine(city, "d01.user", "draft_request")
    done(city.request("POST", "requests", headers=drafter, json=DRAFT))
    assert (
        refused(city.request("GET", "requests", headers=drafter), 403, "out_of_scope")["needed"]
        == "read"
    )
    refused(city.request("GET", "requests/REQ-1", headers=drafter), 403, "out_of_scope")


def test_a_roles_scope_covers_all_commands_of_the_role_and_no_others(city: Api) -> None:
    headers = machine(city, "finance.a", "role:finance")
    body = {
        "payer_id": "finance-yucheng", "department_id": None, "year": 2026, "kind": "add",
        "amount": "1.00", "document_number": "test",
    }  # fmt: skip
    answer = city.request("POST", "budget-changes", headers=headers, json=body)
    assert answer.status_code != 403, answer.text
    refused(city.request("GET", "budgets", headers=headers), 403, "out_of_scope")


@pytest.mark.parametrize(
    "scope",
    ["everything", "role:finance", "role:", "register_pool", "issue_token", "change_password", ""],
)
def test_nobody_gives_a_machine_what_they_could_not_do(city: Api, scope: str) -> None:
    assert refused(issue(city, "d01.user", scope), 422, "bad_scope")["scope"] == scope


def test_a_token_does_no_more_than_its_owner_may_now(own_city: Api) -> None:
    headers = machine(own_city, "d01.user", "draft_request")
    done(own_city.request("POST", "requests", headers=headers, json=DRAFT))
    grant = {"role": "department_user", "organisation_id": "d01"}
    done(own_city.post("users/d01.user/role-revocations", "authority.secadmin", grant))
    answer = own_city.request("POST", "requests", headers=headers, json=DRAFT)
    refused(answer, 403, "forbidden")


def test_a_machine_neither_issues_tokens_nor_changes_the_password(city: Api) -> None:
    headers = machine(city, "d01.user", "read", "role:department_user")
    body = {"label": "more", "scopes": ["read"], "days": 3}
    answer = city.request("POST", "tokens", headers=headers, json=body)
    refused(answer, 403, "in_person_only")
    passwords = {"old_password": "rehearsal-2026", "new_password": "taken over by a token"}
    answer = city.request("POST", "me/password", headers=headers, json=passwords)
    refused(answer, 403, "in_person_only")


def test_the_secret_is_told_once_and_kept_nowhere(own_city: Api) -> None:
    told = done(issue(own_city, "d01.user", "read"))
    secret = told["secret"]
    assert told["token"]["id"] == token_id(secret)
    assert secret.startswith("cmt_")
    with own_city.node.reading() as world:
        kept = (world.find(Token), world.find(IdempotencyRecord), world.audit_events(limit=10_000))
    assert secret not in repr(kept)
    assert secret not in own_city.get("tokens", "d01.user").text


@pytest.mark.parametrize("days", [0, -1, 367, 3661])
def test_a_token_ends_within_a_year(city: Api, days: int) -> None:
    assert issue(city, "d01.user", "read", days=days).status_code == 422


def test_a_token_ends_by_itself(own_city: Api) -> None:
    told = done(issue(own_city, "d01.user", "read", days=1))
    with own_city.node.transaction() as world:
        settings = world.get(NodeSettings, NODE_ID)
        assert settings.clock is not None
        token = world.get(Token, told["token"]["id"])
        assert token.expires_at == settings.clock + timedelta(days=1)
        world.put(replace(token, expires_at=settings.clock))
    answer = own_city.request("GET", "requests", headers=bearer(told["secret"]))
    refused(answer, 401, "unauthenticated")


def test_people_see_and_revoke_their_own_tokens_only(city: Api) -> None:
    told = done(issue(city, "d02.user", "read"))
    mine = {each["id"] for each in city.items("tokens", "d02.user")}
    assert told["token"]["id"] in mine
    others = city.items("tokens", "d01.user")
    assert {each["user_id"] for each in others} == {"d01.user"}
    assert city.items("tokens", "d01.user", user_id="d02.user") == []
    path = f"tokens/{told['token']['id']}/revocation"
    foreign = refused(city.post(path, "d01.user"), 404, "not_found")
    absent = refused(city.post("tokens/absent/revocation", "d01.user"), 404, "not_found")
    assert foreign["detail"].replace(told["token"]["id"], "absent") == absent["detail"]
    done(city.request("GET", "requests", headers=bearer(told["secret"])))
    assert done(city.post(path, "d02.user"))["revoked"] is True
    refused(city.request("GET", "me", headers=bearer(told["secret"])), 401, "unauthenticated")


def test_the_security_administrator_sees_and_revokes_everybodys(city: Api) -> None:
    told = done(issue(city, "d02.user", "read"))
    seen = city.items("tokens", "authority.secadmin", user_id="d02.user", kind="machine")
    assert told["token"]["id"] in {each["id"] for each in seen}
    done(city.post(f"tokens/{told['token']['id']}/revocation", "authority.secadmin"))
    refused(city.request("GET", "me", headers=bearer(told["secret"])), 401, "unauthenticated")
    for login in ("authority.sysadmin", "authority.auditadmin", "finance.a"):
        assert {each["user_id"] for each in city.items("tokens", login)} == {login}


def test_a_role_with_dates_counts_between_them(own_city: Api) -> None:
    with own_city.node.reading() as world:
        now = world.get(NodeSettings, NODE_ID).clock
    assert now is not None
    hour = timedelta(hours=1)
    grant = {
        "role": "department_user", "organisation_id": "d02",
        "valid_from": (now + hour).isoformat(), "valid_until": (now + 2 * hour).isoformat(),
    }  # fmt: skip
    done(own_city.post("users/d01.lead/roles", "authority.secadmin", grant))

    def held() -> set[str]:
        me = done(own_city.get("me", "d01.lead"))
        return {each["organisation_id"] for each in me["roles"]}

    assert held() == {"d01"}
    for at, organisations in ((now + hour, {"d01", "d02"}), (now + 2 * hour, {"d01"})):
        done(own_city.request("PUT", "rehearsal/clock", "authority.sysadmin",
                              json={"now": at.isoformat()}))  # fmt: skip
        assert held() == organisations
    with own_city.node.reading() as world:
        assert world.find(RoleGrant, user_id="d01.lead", organisation_id="d02")


def test_a_revoked_token_is_revoked_once(city: Api) -> None:
    told = done(issue(city, "d03.user", "read"))["token"]
    first = done(city.post(f"tokens/{told['id']}/revocation", "d03.user"))
    assert done(city.post(f"tokens/{told['id']}/revocation", "d03.user")) == first


def test_the_owners_session_may_be_ended_like_any_token(own_city: Api) -> None:
    done(own_city.post(f"tokens/{token_id(secret_of('d04.user'))}/revocation", "d04.user"))
    refused(own_city.get("me", "d04.user"), 401, "unauthenticated")
