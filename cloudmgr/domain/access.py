"""Roles and the person who acts. Owns who somebody is; which command needs which role is data
beside each command (`cloudmgr.services.commands`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
"""Roles that read every organisation's things; the others read their own only."""

SEPARATED = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
"""No person holds two of these three (三员分立)."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role held in an organisation."""

    role: Role
    organisation_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user with the grants in force now."""

    user_id: str
    grants: tuple[Grant, ...] = ()

    def has(self, *roles: Role) -> bool:
        return any(grant.role in roles for grant in self.grants)

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
        return any(grant.role in CITY_WIDE for grant in self.grants)


SYSTEM = Actor(user_id="system")
"""The node itself, for what happens because time passed."""
