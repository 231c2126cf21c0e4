"""Guessing passwords: after some wrong ones nobody looks at more, for a while of real time."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cloudmgr.api.edge import Edge
from cloudmgr.domain.parties import User
from cloudmgr.domain.sessions import Attempt, SignInAttempts, SignInRules
from cloudmgr.services.sessions import check_password
from cloudmgr.services.sessions_attempts import record_failure
from cloudmgr.services.world import World
from tests.api.conftest import Copies
from tests.support.api import PASSWORD, Api, application, done, refused

RULES = SignInRules()
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


class Watched:
    """A city's sign-in at moments of our choosing, from addresses of our choosing."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.now = NOON

    def sign_in(
        self, login: str, password: str = "a guess", address: str = "10.1.1.1", path: str = ""
    ) -> httpx.Response:
        application().state.edge = Edge(self.api.node, clock=lambda: self.now)
        transport = httpx.ASGITransport(application(), client=(address, 4711))
        body = {"login": login, "password": password}

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
                return await client.post(f"/api/v1/sessions{path}", json=body)

        return self.api.run(ask())

    def fail(self, times: int, login: str = "d01.user", **how: str) -> None:
        for _ in range(times):
            refused(self.sign_in(login, **how), 401, "bad_credentials")


@pytest.fixture
def watched(own_city: Api) -> Watched:
    return Watched(own_city)


def test_after_too_many_wrong_passwords_the_right_one_waits_too(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login)
    answer = watched.sign_in("d01.user", PASSWORD)
    told = refused(answer, 429, "too_many_attempts")
    assert answer.headers["retry-after"] == str(told["retry_after"])
    assert RULES.block_minutes * 60 - 5 <= told["retry_after"] <= RULES.block_minutes * 60 + 1
    refused(watched.sign_in("d01.user", PASSWORD, path="/cookie"), 429, "too_many_attempts")


def test_when_the_time_told_is_over_the_right_password_opens(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login)
    told = refused(watched.sign_in("d01.user", PASSWORD), 429, "too_many_attempts")
    watched.now += timedelta(seconds=told["retry_after"])
    assert watched.sign_in("d01.user", PASSWORD).status_code == 201


def test_who_waits_for_the_block_to_end_may_guess_as_often_again_and_no_oftener(
    watched: Watched,
) -> None:
    watched.fail(RULES.failures_per_login)
    watched.now += timedelta(minutes=RULES.block_minutes)
    watched.fail(RULES.failures_per_login)
    refused(watched.sign_in("d01.user"), 429, "too_many_attempts")


def test_the_right_password_makes_the_count_begin_anew(watched: Watched) -> None:
    for _ in range(3):
        watched.fail(RULES.failures_per_login - 1)
        assert watched.sign_in("d01.user", PASSWORD).status_code == 201


def test_another_login_from_the_same_address_is_not_held_up(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login)
    assert watched.sign_in("d02.user", PASSWORD).status_code == 201


def test_an_address_that_tries_many_logins_is_held_up_for_all(watched: Watched) -> None:
    for number in range(RULES.failures_per_address):
        watched.fail(1, login=f"guessed{number}")
    refused(watched.sign_in("d01.user", PASSWORD), 429, "too_many_attempts")
    assert watched.sign_in("d01.user", PASSWORD, address="10.1.1.2").status_code == 201


def test_an_unknown_login_is_held_up_like_a_known_one(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login, login="nobody.user")
    watched.fail(RULES.failures_per_login, login="d01.user")
    unknown, known = watched.sign_in("nobody.user"), watched.sign_in("d01.user")
    assert (unknown.status_code, unknown.json()) == (known.status_code, known.json())


def test_the_login_is_held_up_however_it_is_written(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login, login="D01.User")
    refused(watched.sign_in("d01.user", PASSWORD), 429, "too_many_attempts")


def test_a_rehearsals_clock_that_stands_still_blocks_nobody_for_ever(watched: Watched) -> None:
    before = done(watched.api.get("node"))["now"]
    watched.fail(RULES.failures_per_login)
    watched.now += timedelta(minutes=RULES.block_minutes)
    assert watched.sign_in("d01.user", PASSWORD).status_code == 201
    assert done(watched.api.get("node"))["now"] == before


def test_failures_are_audited_and_what_comes_while_blocked_is_none(watched: Watched) -> None:
    watched.fail(RULES.failures_per_login)
    refused(watched.sign_in("d01.user"), 429, "too_many_attempts")
    events = done(watched.api.get("audit-events", "authority.auditadmin", limit=1000))
    failed = [each for each in events if each["command"] == "log_in_failed"]
    assert [each["user_id"] for each in failed] == ["d01.user"] * RULES.failures_per_login


def test_what_somebody_typed_as_a_login_is_not_kept(watched: Watched) -> None:
    typed = "my-password-in-the-wrong-field"
    watched.fail(1, login=typed)
    with watched.api.node.reading() as world:
        kept = (world.find(SignInAttempts), world.audit_events(limit=10_000))
    assert typed not in repr(kept)


def test_wrong_old_passwords_count_as_guesses(watched: Watched) -> None:
    """Who found an open session shall not try out its owner's password there."""
    application().state.edge = Edge(watched.api.node)
    body = {"old_password": "a guess", "new_password": "taken over by a finder"}
    for _ in range(RULES.failures_per_login):
        refused(watched.api.post("me/password", "d01.user", body), 401, "bad_credentials")
    body["old_password"] = PASSWORD
    refused(watched.api.post("me/password", "d01.user", body), 429, "too_many_attempts")


GUESS = """
import sys
from cloudmgr.api.edge import Edge
from cloudmgr.api.sessions import guessing
from cloudmgr.domain.sessions import Attempt
from cloudmgr.services.sessions import check_password
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from datetime import datetime
from catalog.errors import CloudmgrError

url, at = sys.argv[1:]
edge = Edge(SqlNode(url, MemoryLake()))
for _ in range(3):
    try:
        attempt = Attempt(login="d01.user", host="10.9.9.9", at=datetime.fromisoformat(at))
        with guessing(edge, attempt), edge.node.reading() as world:
            check_password(world, "d01.user", "a guess")
    except CloudmgrError as error:
        print(error.code)
"""


def test_processes_count_together(copies: Copies) -> None:
    """Several workers, or a node started again, know of each other's failures."""
    with copies() as url:
        crowd = [
            subprocess.Popen(
                [sys.executable, "-c", GUESS, url, NOON.isoformat()],
                cwd=ROOT, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(3)
        ]  # fmt: skip
        told = [each.communicate(timeout=120)[0].split() for each in crowd]
    answers = [code for each in told for code in each]
    assert len(answers) == 9
    # Those that were on their way when the fifth failed are looked at, no later one.
    assert RULES.failures_per_login <= answers.count("bad_credentials") <= 7
    assert answers.count("too_many_attempts") == 9 - answers.count("bad_credentials")


def test_a_right_password_that_was_on_its_way_when_the_block_began_waits_too(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who guesses from many machines at once gains nothing by it."""

    def meanwhile_others_fail(world: World, login: str, password: str) -> User:
        attempt = Attempt(login=login, host="10.7.7.7", at=watched.now)
        with watched.api.node.transaction() as writing:
            for _ in range(RULES.failures_per_login):
                record_failure(writing, attempt, watched.now)
        return check_password(world, login, password)

    monkeypatch.setattr("cloudmgr.api.sessions.check_password", meanwhile_others_fail)
    refused(watched.sign_in("d01.user", PASSWORD), 429, "too_many_attempts")
