"""Somebody for each role in the city and in a county, and what is theirs and what is not.

Owns who is asked and which records stand for "own" and "foreign"; what each answer must be is the
authorisation matrix's, and that it is so the tests'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloudmgr.domain.access import Role
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import RoleGrant, Token, User
from cloudmgr.services.sessions import token_id
from cloudmgr.services.world import World
from tests.support.api import Api, done, secret_of
from tests.support.things import list_of, names_in

CITY = {
    Role.DEPARTMENT_USER: "d01",
    Role.DEPARTMENT_LEAD: "d01",
    Role.COUNTY_REVIEWER: "d01",
    Role.AUTHORITY: "authority",
    Role.TECHNICAL_REVIEWER: "tech",
    Role.OPERATING_COMPANY: "opco",
    Role.PROVIDER: "prov1",
    Role.ASSESSOR: "assessor",
    Role.FINANCE: "finance",
    Role.PLANNER: "tech",
    Role.SYSTEM_ADMIN: "authority",
    Role.SECURITY_ADMIN: "authority",
    Role.AUDIT_ADMIN: "authority",
}
"""Where each role is held in the city."""

COUNTY = dict.fromkeys(Role, "finance-xiayi") | {
    Role.DEPARTMENT_USER: "d41",
    Role.DEPARTMENT_LEAD: "d41",
    Role.COUNTY_REVIEWER: "d41",
}


@dataclass(frozen=True)
class Somebody:
    """One role, held in one place."""

    role: Role
    county: bool

    @property
    def login(self) -> str:
        return f"matrix.{self.role}.{'county' if self.county else 'city'}"

    @property
    def organisation(self) -> str:
        return (COUNTY if self.county else CITY)[self.role]


EVERYBODY = tuple(Somebody(role, county) for county in (False, True) for role in Role)
NOBODY_IN_PARTICULAR = "matrix.nobody"
"""Signed in, without any role."""


def settle_in(world: World) -> None:
    """Give everybody an account, a token and the one role."""
    now = world.get(NodeSettings, NODE_ID).created_at
    hashed = world.find(User, limit=1)[0].password_hash
    for login in (*(each.login for each in EVERYBODY), NOBODY_IN_PARTICULAR):
        world.put(User(id=login, login=login, name=login, password_hash=hashed))
        world.put(_token(login, now))
    for each in EVERYBODY:
        world.put(
            RoleGrant(
                id=f"grant.{each.login}",
                user_id=each.login,
                role=each.role,
                organisation_id=each.organisation,
            )
        )


def _token(login: str, now: datetime) -> Token:
    return Token(
        id=token_id(secret_of(login)),
        user_id=login,
        label="test",
        created_at=now,
        expires_at=now + timedelta(days=3660),
    )


Item = dict[str, Any]

THEIRS: dict[str, Callable[[Somebody, Item], bool]] = {
    "record_invoice": lambda who, item: item["payee_id"] == who.organisation,
    "revoke_delegation": lambda who, item: item["principal_id"] == who.login,
    "state_site_facts": lambda who, item: (
        (who.organisation, item["id"]) == ("prov1", "site-primary")  # where its pools stand
    ),
    "get_resource_list_page": lambda who, item: True,  # each has lines of every pool
    "get_resource_list_workbook": lambda who, item: True,
}
"""Operations whose things are not simply those of the list that one sees."""

THEIRS |= dict.fromkeys(
    (
        "edit_webhook",
        "pause_webhook",
        "ping_webhook",
        "redeliver_webhook",
        "remove_webhook",
        "renew_webhook_secret",
        "resume_webhook",
    ),
    lambda who, item: item["organisation_id"] == who.organisation,
)

KEEPERS = {"tokens": "authority.secadmin"}
"""Who sees the whole of a list that the common reader does not."""


def _id(path: str, item: Item) -> str:
    return str(item["scope_id" if path == "quotas" else "id"])


@dataclass
class Things:
    """What each list holds for the city, and for each person; asked once."""

    api: Api
    reader: str
    _seen: dict[tuple[str, str], list[Item]] = field(default_factory=dict)

    def seen(self, path: str, login: str) -> list[Item]:
        """The records of a list that somebody sees."""
        key = (path, login)
        if key not in self._seen:
            self._seen[key] = done(self.api.get(path, login, limit=500))["items"]
        return self._seen[key]

    def any(self, path: str) -> str | None:
        """One thing of a list."""
        return next((_id(path, item) for item in self._whole(path)), None)

    def own(self, operation: str, path: str, who: Somebody) -> str | None:
        """One thing of a list that is somebody's to see, or theirs where that is not the same."""
        if operation not in THEIRS:
            return next((_id(path, item) for item in self.seen(path, who.login)), None)
        theirs = THEIRS[operation]
        return next((_id(path, item) for item in self._whole(path) if theirs(who, item)), None)

    def foreign(self, operation: str, path: str, who: Somebody) -> str | None:
        """One thing of a list that is not."""
        whole = self._whole(path)
        if operation in THEIRS:
            theirs = THEIRS[operation]
            return next((_id(path, item) for item in whole if not theirs(who, item)), None)
        seen = {_id(path, item) for item in self.seen(path, who.login)}
        return next((_id(path, item) for item in whole if _id(path, item) not in seen), None)

    def _whole(self, path: str) -> list[Item]:
        return self.seen(path, KEEPERS.get(path, self.reader))


def named(path: str, chosen: str | None) -> dict[str, str] | None:
    """The ids of a path with the thing it is about first; None where there is no such thing."""
    names = names_in(path)
    if not names or chosen is None:
        return None if names else {}
    more: dict[str, Any] = {"batch_id": "matrix-1"}
    return {name: chosen if name != "batch_id" else more[name] for name in names}


def thing_list(path: str) -> str | None:
    """The list of the thing that a path is about."""
    names = names_in(path)
    return list_of(path, names[0]) if names else None
