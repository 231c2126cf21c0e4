"""People's accounts and machines' tokens: what ends with what, and who may do it to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import SYSTEM, Role
from cloudmgr.domain.parties import RoleGrant, Token, TokenKind, User
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.parties import GrantRole, RegisterUser, RevokeRole
from cloudmgr.services.parties_people import (
    ChangePassword,
    DeactivateUser,
    LinkSubject,
    Person,
    ReactivateUser,
    ResetPassword,
    people,
)
from cloudmgr.services.sessions import authenticate, check_password, open_session, token_id
from cloudmgr.services.sessions_tokens import IssueToken, RevokeToken
from tests.support.worlds import Town, a_person, a_town

FIRST, SECOND = "a long pass phrase", "another pass phrase"


@pytest.fixture(scope="module")
def made() -> Town:
    """Hashing is slow on purpose; do it once."""
    town = a_town()
    town.give(RegisterUser(login="wang", name="王芳", password=FIRST), "bureau.system")
    (wang,) = town.all(User, login="wang")
    grant = GrantRole(user_id=wang.id, role=Role.DEPARTMENT_USER, organisation_id="health")
    town.give(grant, "bureau.security")
    return town


@pytest.fixture
def town(made: Town) -> Town:
    return made.twin()


def wang(town: Town) -> User:
    (user,) = town.all(User, login="wang")
    return user


def session(town: Town, secret: str, kind: TokenKind = TokenKind.BEARER) -> str:
    with town.transaction() as world:
        open_session(world, wang(town).id, secret=secret, now=town.now, rehearsal=False, kind=kind)
    return secret


def by(town: Town, secret: str, command: Command) -> Any:
    """A command given with a secret, as the edge does it."""
    with town.transaction() as world:
        return perform(world, command, authenticate(world, secret, town.now), town.now)


def refusal(town: Town, secret: str, command: Command) -> str:
    with pytest.raises(CloudmgrError) as refused:
        by(town, secret, command)
    return refused.value.code


def open_tokens(town: Town) -> set[str]:
    return {each.id for each in town.all(Token, user_id=wang(town).id, revoked=False)}


def test_who_has_a_password_of_somebody_else_gives_no_command_but_to_change_it(town: Town) -> None:
    secret = session(town, "first")
    issue = IssueToken(label="m", scopes=("read",), days=1, secret_digest="d")
    assert refusal(town, secret, issue) == "password_change_due"
    by(town, secret, ChangePassword(old_password=FIRST, new_password=SECOND))
    assert by(town, secret, issue).kind is TokenKind.MACHINE
    with town.reading() as world:
        assert check_password(world, "wang", SECOND).password_due is False


def test_who_came_by_the_sign_on_needs_no_password_of_their_own(town: Town) -> None:
    secret = session(town, "by sign-on", TokenKind.SIGN_ON)
    by(town, secret, IssueToken(label="m", scopes=("read",), days=1, secret_digest="d"))


def test_a_change_ends_other_sessions_a_reset_ends_everything(town: Town) -> None:
    mine, other = session(town, "mine"), session(town, "other", TokenKind.COOKIE)
    town.change(wang(town), password_due=False)
    by(town, mine, IssueToken(label="m", scopes=("read",), days=1, secret_digest="machine"))
    by(town, mine, ChangePassword(old_password=FIRST, new_password=SECOND))
    assert open_tokens(town) == {token_id(mine), "machine"}
    assert token_id(other) not in open_tokens(town)
    town.give(ResetPassword(user_id=wang(town).id, password=FIRST), "bureau.system")
    assert open_tokens(town) == set()
    assert wang(town).password_due


def test_a_session_is_not_opened_with_a_password_changed_since_the_check(town: Town) -> None:
    checked = wang(town).password_hash
    town.give(ResetPassword(user_id=wang(town).id, password=SECOND), "bureau.system")
    with town.transaction() as world, pytest.raises(CloudmgrError, match="bad_credentials"):
        open_session(
            world, wang(town).id, secret="s", now=town.now, rehearsal=False, password_hash=checked
        )


def test_leaving_revokes_tokens_and_keeps_roles(town: Town) -> None:
    session(town, "mine")
    left = town.give(DeactivateUser(user_id=wang(town).id), "bureau.system")
    assert isinstance(left, Person)
    assert open_tokens(town) == set()
    with pytest.raises(CloudmgrError, match="unauthenticated"):
        town.actor(wang(town).id)
    town.give(ReactivateUser(user_id=wang(town).id), "bureau.system")
    assert town.actor(wang(town).id).has_in("health", Role.DEPARTMENT_USER)


@pytest.mark.parametrize("admin", ["bureau.system", "bureau.security", "bureau.audit"])
def test_an_administrators_way_in_is_set_on_the_nodes_machine_only(town: Town, admin: str) -> None:
    commands = (
        ResetPassword(user_id=admin, password=SECOND),
        LinkSubject(user_id=admin, subject="s"),
    )
    for command in commands:
        expected = "own_account" if admin == "bureau.system" else "administrators_credentials"
        assert town.code(command, "bureau.system") == expected
        with town.transaction() as world:
            perform(world, command, SYSTEM, town.now)


def test_an_administrators_role_waits_until_the_password_is_their_own(town: Town) -> None:
    grant = GrantRole(user_id=wang(town).id, role=Role.AUDIT_ADMIN, organisation_id="centre")
    assert town.code(grant, "bureau.security") == "password_not_own"
    town.change(wang(town), password_due=False)
    town.give(grant, "bureau.security")


def test_the_last_security_administrator_of_the_city_stays(town: Town) -> None:
    """One of a county, one who left and one whose role has ended cannot give roles."""
    revoke = RevokeRole(
        user_id="bureau.security", role=Role.SECURITY_ADMIN, organisation_id="bureau"
    )
    others = (("county.sec", "county-centre"), ("left.sec", "centre"), ("ended.sec", "centre"))
    for login, organisation_id in others:
        roles = (Role.SECURITY_ADMIN,)
        town.keep(*a_person(login=login, organisation_id=organisation_id, roles=roles))
    town.change(town.look(User, "left.sec"), active=False)
    (ended,) = town.all(RoleGrant, user_id="ended.sec")
    town.change(ended, valid_until=town.now)
    assert town.code(revoke, "bureau.security") == "last_administrator"
    leave = DeactivateUser(user_id="bureau.security")
    assert town.code(leave, "bureau.system") == "last_administrator"
    town.keep(*a_person(login="next.sec", organisation_id="centre", roles=(Role.SECURITY_ADMIN,)))
    town.give(revoke, "bureau.security")


def test_a_grant_between_two_instants_counts_there_only(town: Town) -> None:
    start, end = town.now + timedelta(days=1), town.now + timedelta(days=2)
    grant = GrantRole(
        user_id=wang(town).id, role=Role.DEPARTMENT_LEAD, organisation_id="health",
        valid_from=start, valid_until=end,
    )  # fmt: skip
    town.give(grant, "bureau.security")
    assert town.code(grant, "bureau.security") == "already_exists"
    (held,) = town.all(RoleGrant, user_id=wang(town).id, role=Role.DEPARTMENT_LEAD)
    moment = timedelta(microseconds=1)
    states = [held.in_force(at) for at in (start - moment, start, end - moment, end)]
    assert states == [False, True, True, False]
    town.now = end
    later = GrantRole(user_id=wang(town).id, role=Role.DEPARTMENT_LEAD, organisation_id="health")
    assert town.give(later, "bureau.security").valid_until is None


@pytest.mark.parametrize(("start", "end"), [(None, 0), (None, -1), (2, 2), (2, 1)])
def test_a_grant_that_ends_before_it_begins_is_refused(
    town: Town, start: int | None, end: int
) -> None:
    grant = GrantRole(
        user_id=wang(town).id, role=Role.DEPARTMENT_LEAD, organisation_id="health",
        valid_from=None if start is None else town.now + timedelta(days=start),
        valid_until=town.now + timedelta(days=end),
    )  # fmt: skip
    assert town.code(grant, "bureau.security") == "bad_value"


def test_a_grant_for_later_already_stands_against_another_administrators_role(town: Town) -> None:
    town.change(wang(town), password_due=False)
    later = town.now + timedelta(days=30)
    first = GrantRole(
        user_id=wang(town).id, role=Role.SYSTEM_ADMIN, organisation_id="bureau", valid_from=later
    )
    town.give(first, "bureau.security")
    second = GrantRole(user_id=wang(town).id, role=Role.AUDIT_ADMIN, organisation_id="bureau")
    assert town.code(second, "bureau.security") == "separation_of_duties"


def test_a_token_of_another_is_not_told_from_one_that_is_not_there(town: Town) -> None:
    session(town, "mine")
    theirs = town.refusal(RevokeToken(token_id=token_id("mine")), "health.user")
    absent = town.refusal(RevokeToken(token_id="absent"), "health.user")
    assert theirs.message.replace(token_id("mine"), "absent") == absent.message
    assert town.give(RevokeToken(token_id=token_id("mine")), "bureau.security").revoked


def test_colleagues_are_those_with_a_role_in_an_organisation_of_mine(town: Town) -> None:
    def known(login: str) -> set[str]:
        with town.reading() as world:
            return {
                each.login for each in people(world, town.actor(login), Person, limit=500).items
            }

    assert known("health.user") == {"health.user", "health.lead", "health.both", "wang"}
    assert known("treasury.a") == {each.login for each in town.all(User)}
    (grant,) = town.all(RoleGrant, user_id=wang(town).id)
    town.change(grant, revoked=True)
    assert "wang" not in known("health.user")


def test_people_come_in_pages(town: Town) -> None:
    actor = town.actor("bureau.security")
    found: list[str] = []
    after = ""
    while True:
        with town.reading() as world:
            page = people(world, actor, Person, after=after, limit=7)
        found += [each.id for each in page.items]
        if page.next_after is None:
            break
        after = page.next_after
    assert found == sorted(each.id for each in town.all(User))
