"""Roles and the person who acts. Owns who somebody is, and what the scopes of a token leave out;
which command needs which role is data beside each command (`cloudmgr.services.commands`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cloudmgr.domain.errors import out_of_scope


class Role(StrEnum):
    """A role is held in an organisation (DOMAIN.md 1)."""

    DEPARTMENT_USER = "department_user"
    DEPARTMENT_LEAD = "department_lead"
    COUNTY_REVIEWER = "county_reviewer"
    AUTHORITY = "authority"
    TECHNICAL_REVIEWER = "technical_reviewer"
    OPERATING_COMPANY = "operating_company"
    PROVIDER = "provider"
    ASSESSOR = "assessor"
    FINANCE = "finance"
    PLANNER = "planner"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


CITY_WIDE = frozenset(
    {
        Role.AUTHORITY,
        Role.TECHNICAL_REVIEWER,
        Role.OPERATING_COMPANY,
        Role.FINANCE,
        Role.ASSESSOR,
        Role.PLANNER,
        Role.AUDIT_ADMIN,
    }
)
"""Roles that, held in a city office, read every organisation's things; others read their own."""

OFFICES = CITY_WIDE | {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN}
"""Roles of offices. Held in a county's office they count in that county only, so a command that
decides for the whole city is not theirs to give."""

SEPARATED = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
"""No person holds two of these three (三员分立)."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role held in an organisation; `county` when that organisation is a county's."""

    role: Role
    organisation_id: str
    region_id: str = ""
    county: bool = False

    @property
    def for_city(self) -> bool:
        return not (self.county and self.role in OFFICES)


READ = "read"
"""The scope of everything that only reads."""

ROLE_SCOPE = "role:"
"""Before a role: the scope of every command that the role may give."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user with the grants in force now, and by which token.

    `scopes` is what a machine's token may be used for; None for somebody signed in in person,
    who may do all that the grants allow. While `password_due` nothing but a new password is.
    """

    user_id: str
    grants: tuple[Grant, ...] = ()
    scopes: frozenset[str] | None = None
    token_id: str = ""
    password_due: bool = False

    def has(self, *roles: Role) -> bool:
        return any(grant.role in roles for grant in self.grants)

    def has_for_city(self, *roles: Role) -> bool:
        """Whether one of `roles` is held where it counts for the city: an office's role in a
        county's office does not, a department's or provider's role counts wherever they are."""
        return any(grant.role in roles and grant.for_city for grant in self.grants)

    def has_in(self, organisation_id: str, *roles: Role) -> bool:
        return any(
            grant.role in roles and grant.organisation_id == organisation_id
            for grant in self.grants
        )

    def organisations(self, *roles: Role) -> frozenset[str]:
        """Where the actor holds one of `roles` (any role when none is named)."""
        return frozenset(
            grant.organisation_id for grant in self.grants if not roles or grant.role in roles
        )

    @property
    def city_wide(self) -> bool:
        """Whether the actor reads the whole city's things: a county's offices do not."""
        return any(grant.role in CITY_WIDE and not grant.county for grant in self.grants)

    @property
    def counties(self) -> frozenset[str]:
        """Regions whose departments the actor reads as a county office or county reviewer."""
        return frozenset(
            grant.region_id
            for grant in self.grants
            if grant.county and (grant.role is Role.COUNTY_REVIEWER or grant.role in CITY_WIDE)
        )


def check_scope(actor: Actor, name: str, roles: Iterable[Role] = ()) -> None:
    """Raise `out_of_scope` unless the actor's token covers a command (or `READ`) of these roles."""
    if actor.scopes is None or name in actor.scopes:
        return
    if not any(f"{ROLE_SCOPE}{role}" in actor.scopes for role in roles):
        raise out_of_scope(name)


SYSTEM = Actor(user_id="system")
"""The node itself, for what happens because time passed."""
