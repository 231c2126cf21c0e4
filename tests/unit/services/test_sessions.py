"""Signing in: a password becomes a token, a token an actor; wrong ones look all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import Token, User
from cloudmgr.services import sessions
from cloudmgr.services.parties import RegisterUser
from cloudmgr.services.sessions import (
    REHEARSAL_TOKEN_LIFE,
    TOKEN_LIFE,
    SignedIn,
    authenticate,
    check_password,
    open_session,
    token_id,
)
from tests.support.worlds import MONDAY, Town, a_person, a_town

PASSWORD = "a long pass phrase"
SECRET = "a secret made at the edge"


@pytest.fixture(scope="module")
def made() -> Town:
    """Hashing is slow on purpose; do it once."""
    town = a_town()
    town.give(RegisterUser(login="wang", name="王芳", password=PASSWORD), "bureau.system")
    return town


@pytest.fixture
def town(made: Town) -> Town:
    return made.twin()


def check(town: Town, login: str = "wang", password: str = PASSWORD) -> User:
    with town.reading() as world:
        return check_password(world, login, password)


def sign_in(town: Town, *, rehearsal: bool = False) -> SignedIn:
    user = check(town)
    with town.transaction() as world:
        return open_session(world, user.id, secret=SECRET, now=town.now, rehearsal=rehearsal)


def wang(town: Town) -> User:
    (user,) = town.all(User, login="wang")
    return user


def refusal(town: Town, login: str = "wang", password: str = PASSWORD) -> str:
    with pytest.raises(CloudmgrError) as refused:
        check(town, login, password)
    return str(refused.value)


def test_the_right_password_signs_in(town: Town) -> None:
    signed = sign_in(town)
    assert (signed.token, signed.user_id) == (SECRET, wang(town).id)
    assert town.events[-1].command == "log_in"


def test_wrong_login_wrong_password_and_inactive_people_look_the_same(town: Town) -> None:
    answers = {refusal(town, password="another pass phrase"), refusal(town, login="nobody")}
    town.change(wang(town), active=False)
    answers.add(refusal(town))
    assert len(answers) == 1
    assert answers.pop().startswith("bad_credentials")


def test_who_has_no_password_cannot_sign_in_by_any(town: Town) -> None:
    """Not even by the one that an unknown login is compared with."""
    town.keep(*a_person(login="machine", organisation_id="health", roles=()))
    assert refusal(town, login="machine", password="").startswith("bad_credentials")
    decoy = "nobody has this password"
    assert refusal(town, login="machine", password=decoy).startswith("bad_credentials")


def test_the_same_work_is_done_whether_the_login_exists_or_not(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    hasher = sessions._hasher()

    class Counting:
        def verify(self, password: str, kept: str) -> bool:
            compared.append(kept.split("$")[1])
            return hasher.verify(password, kept)

    sessions._decoy()
    monkeypatch.setattr(sessions, "_hasher", Counting)
    refusal(town, password="another pass phrase")
    refusal(town, login="nobody")
    assert compared == ["argon2id", "argon2id"]


def test_somebody_made_inactive_after_the_check_gets_no_token(town: Town) -> None:
    user = check(town)
    town.change(wang(town), active=False)
    with town.transaction() as world, pytest.raises(CloudmgrError, match="bad_credentials"):
        open_session(world, user.id, secret=SECRET, now=town.now, rehearsal=False)


def test_the_secret_itself_is_never_stored(town: Town) -> None:
    sign_in(town)
    (token,) = town.all(Token)
    assert token.id == token_id(SECRET) != SECRET
    assert SECRET not in repr(town.snapshot())
    assert SECRET not in repr(town.events)


def test_a_token_stands_for_its_owner_with_the_roles_of_now(town: Town) -> None:
    sign_in(town)
    (_, lead) = a_person(
        login=wang(town).id, organisation_id="health", roles=(Role.DEPARTMENT_LEAD,)
    )
    town.keep(lead)
    with town.reading() as world:
        actor = authenticate(world, SECRET, town.now)
    assert actor.has_in("health", Role.DEPARTMENT_LEAD)
    assert not actor.city_wide


def test_a_role_held_in_a_county_is_marked_so(town: Town) -> None:
    assert town.actor("county-treasury.a").grants[0].county
    assert not town.actor("treasury.a").grants[0].county


@pytest.mark.parametrize(("rehearsal", "life"), [(False, TOKEN_LIFE), (True, REHEARSAL_TOKEN_LIFE)])
def test_a_token_dies_of_age(town: Town, rehearsal: bool, life: timedelta) -> None:
    assert sign_in(town, rehearsal=rehearsal).expires_at == MONDAY + life
    with town.reading() as world:
        assert authenticate(world, SECRET, MONDAY + life - timedelta(seconds=1))
        with pytest.raises(CloudmgrError, match="unauthenticated"):
            authenticate(world, SECRET, MONDAY + life)


def test_a_revoked_token_an_unknown_one_and_an_inactive_owner_are_not_authenticated(
    town: Town,
) -> None:
    sign_in(town)
    (token,) = town.all(Token)

    def refused(secret: str = SECRET) -> bool:
        with town.reading() as world, pytest.raises(CloudmgrError, match="unauthenticated"):
            authenticate(world, secret, town.now)
        return True

    assert refused("a guess")
    town.change(wang(town), active=False)
    assert refused()
    town.change(wang(town), active=True)
    town.change(token, revoked=True)
    assert refused()
