"""Signing in, and what a request without a good token is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalog.errors import Unauthenticated
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Token, User
from cloudmgr.services.sessions import TOKEN_LIFE, check_password, open_session, token_id
from cloudmgr.services.world import World
from tests.support.api import PASSWORD, Api, bearer, done, refused


def test_a_good_password_gives_a_token_that_opens_the_api(city: Api) -> None:
    answer = city.sign_in("d01.user")
    assert answer.status_code == 201
    told = answer.json()
    assert told["user_id"] == "d01.user"
    listed = city.request("GET", "applications", headers=bearer(told["token"]))
    assert {item["department_id"] for item in done(listed)["items"]} == {"d01"}


def test_every_sign_in_gives_another_token_and_only_its_digest_is_kept(city: Api) -> None:
    first, second = (done(city.sign_in("d02.user"))["token"] for _ in range(2))
    assert first != second
    with city.node.reading() as world:
        kept = world.get(Token, token_id(first))
    assert first not in repr(kept)


def test_an_unknown_login_and_a_wrong_password_are_told_the_same(city: Api) -> None:
    unknown = city.sign_in("nobody.user")
    wrong = city.sign_in("d01.user", PASSWORD + "!")
    told = refused(unknown, 401, "bad_credentials")
    assert wrong.json() == told
    assert wrong.status_code == 401
    assert "nobody" not in unknown.text


def test_who_left_cannot_sign_in_and_is_told_the_same(own_city: Api) -> None:
    wrong = own_city.sign_in("d01.user", "not the password")
    _deactivate(own_city, "d01.user")
    assert own_city.sign_in("d01.user").json() == wrong.json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login": "d01.user"},
        {"login": "", "password": "x"},
        {"login": "d01.user", "password": "x" * 401},
        {"login": "d01.user", "password": 12345678},
        {"login": "d01.user", "password": "x", "remember": True},
        ["d01.user", "x"],
        None,
    ],
)
def test_a_malformed_sign_in_is_refused(city: Api, body: Any) -> None:
    refused(city.post("sessions", body=body), 422, "malformed")


def test_signing_in_is_audited(own_city: Api) -> None:
    done(own_city.sign_in("d03.user"))
    event = done(own_city.get("audit-events", "authority.auditadmin"))[-1]
    assert (event["command"], event["user_id"]) == ("log_in", "d03.user")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nobody-made-this"},
        {"Authorization": "Basic ZDAxLnVzZXI6cmVoZWFyc2FsLTIwMjY="},
        {"Authorization": b"Bearer \xff\xfe"},
    ],
    ids=["none", "empty", "no token", "blank token", "unknown token", "basic", "not text"],
)
def test_a_request_without_a_good_token_is_told_to_sign_in(city: Api, headers: Any) -> None:
    answer = city.request("GET", "requests", headers=headers)
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_without_a_token_nothing_else_of_a_request_is_looked_at(city: Api) -> None:
    refused(city.get("requests", limit="no number"), 401, "unauthenticated")
    refused(city.post("requests", body={"no": "request"}), 401, "unauthenticated")


def test_whoever_guesses_passwords_keeps_no_writer_waiting(
    own_city: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking a password is slow, and SQLite has one writer at a time."""
    checked = []

    def check_and_write(world: World, login: str, password: str) -> User:
        with own_city.node.transaction() as writing:
            checked.append(writing.get(User, login))
        return check_password(world, login, password)

    monkeypatch.setattr("cloudmgr.api.sessions.check_password", check_and_write)
    refused(own_city.sign_in("d01.user", "a guess"), 401, "bad_credentials")
    assert len(checked) == 1


def test_who_leaves_while_the_password_is_checked_gets_no_token(own_city: Api) -> None:
    with own_city.node.reading() as world:
        user = check_password(world, "d01.user", PASSWORD)
    _deactivate(own_city, "d01.user")
    with pytest.raises(Unauthenticated), own_city.node.transaction() as world:
        open_session(world, user.id, secret="s", now=_now(world), rehearsal=True)


def test_the_token_of_a_production_node_ends_after_half_a_day(city: Api) -> None:
    with city.node.transaction() as world:
        now = _now(world)
        signed = open_session(world, "d04.user", secret="s", now=now, rehearsal=False)
    assert signed.expires_at == now + TOKEN_LIFE


def test_an_expired_token_is_no_token(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    done(own_city.request("GET", "requests", headers=bearer(token)))
    with own_city.node.transaction() as world:
        world.put(replace(world.get(Token, token_id(token)), expires_at=_now(world)))
    refused(own_city.request("GET", "requests", headers=bearer(token)), 401, "unauthenticated")


def test_a_token_holds_to_the_last_instant_before_it_expires(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    last = timedelta(microseconds=1)
    with own_city.node.transaction() as world:
        world.put(replace(world.get(Token, token_id(token)), expires_at=_now(world) + last))
    done(own_city.request("GET", "requests", headers=bearer(token)))


def test_a_revoked_token_is_no_token(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    with own_city.node.transaction() as world:
        world.put(replace(world.get(Token, token_id(token)), revoked=True))
    refused(own_city.request("GET", "requests", headers=bearer(token)), 401, "unauthenticated")


def test_the_tokens_of_who_left_open_nothing(own_city: Api) -> None:
    token = done(own_city.sign_in("d01.user"))["token"]
    _deactivate(own_city, "d01.user")
    refused(own_city.request("GET", "requests", headers=bearer(token)), 401, "unauthenticated")


def test_the_node_says_to_everybody_what_it_is(city: Api) -> None:
    told = done(city.get("node"))
    assert (told["rehearsal"], told["city"]) == (True, "reference")
    assert told["now"] == "2025-12-31T16:00:00Z"


def test_no_answer_shows_a_password_hash(city: Api) -> None:
    body = {"login": "archives.user", "name": "王芳", "password": "a long pass phrase"}
    answer = city.post("users", "authority.sysadmin", body)
    assert done(answer).keys() == {"id", "login", "name"}
    assert "argon2" not in answer.text
    assert city.sign_in("archives.user", "a long pass phrase").status_code == 201


def _now(world: World) -> Any:
    now = world.get(NodeSettings, NODE_ID).clock
    assert now is not None
    return now


def _deactivate(api: Api, login: str) -> None:
    with api.node.transaction() as world:
        world.put(replace(world.get(User, login), active=False))
