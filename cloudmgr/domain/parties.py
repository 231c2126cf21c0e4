"""Regions, organisations, people and their roles. Owns who exists; not what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cloudmgr.domain.access import SEPARATED, Role
from cloudmgr.domain.errors import role_does_not_fit, separation_of_duties
from cloudmgr.domain.values import Value


class RegionLevel(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Value):
    """行政区划: a city or a county; a tree by `parent_id`."""

    name_zh: str
    name_en: str
    level: RegionLevel
    parent_id: str | None = None


class OrganisationKind(StrEnum):
    DEPARTMENT = "department"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    DATA_CENTRE = "data_centre"
    OPERATING_COMPANY = "operating_company"
    FINANCE = "finance"
    ASSESSOR = "assessor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation(Value):
    """An organisation of one kind: a 用云单位 is one of kind department, a 云服务商 a provider."""

    kind: OrganisationKind
    name_zh: str
    name_en: str
    region_id: str
    parent_id: str | None = None
    budget_unit_code: str = ""
    social_credit_code: str = ""
    valid_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Value):
    """A person who can sign in; the password is kept as an argon2 hash."""

    login: str
    name: str
    password_hash: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant(Value):
    """A role a user holds in an organisation."""

    user_id: str
    role: Role
    organisation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Value):
    """A bearer token; `id` is the SHA-256 of its secret, the secret itself is never stored."""

    user_id: str
    label: str
    created_at: datetime
    expires_at: datetime
    revoked: bool = False


def check_separation(user_id: str, held: tuple[Role, ...], asked: Role) -> None:
    """Raise `separation_of_duties` when `asked` would join another of the three admin roles."""
    if asked in SEPARATED and any(role in SEPARATED and role != asked for role in held):
        raise separation_of_duties(user_id)


_KIND = OrganisationKind
HELD_IN: Mapping[Role, tuple[OrganisationKind, ...]] = {
    Role.DEPARTMENT_USER: (_KIND.DEPARTMENT,),
    Role.DEPARTMENT_LEAD: (_KIND.DEPARTMENT,),
    Role.COUNTY_REVIEWER: (_KIND.DEPARTMENT, _KIND.AUTHORITY, _KIND.DATA_CENTRE),
    Role.AUTHORITY: (_KIND.AUTHORITY,),
    Role.TECHNICAL_REVIEWER: (_KIND.AUTHORITY, _KIND.DATA_CENTRE),
    Role.OPERATING_COMPANY: (_KIND.OPERATING_COMPANY,),
    Role.PROVIDER: (_KIND.PROVIDER,),
    Role.ASSESSOR: (_KIND.ASSESSOR,),
    Role.FINANCE: (_KIND.FINANCE,),
    Role.PLANNER: (_KIND.AUTHORITY, _KIND.DATA_CENTRE),
    Role.SYSTEM_ADMIN: (_KIND.AUTHORITY, _KIND.DATA_CENTRE),
    Role.SECURITY_ADMIN: (_KIND.AUTHORITY, _KIND.DATA_CENTRE),
    Role.AUDIT_ADMIN: (_KIND.AUTHORITY, _KIND.DATA_CENTRE),
}
"""The kinds of organisation a role is held in: a role of the city's offices reads the whole city,
so a department or provider cannot hold it."""


def check_held_in(role: Role, organisation: Organisation, level: RegionLevel) -> None:
    """Raise `role_does_not_fit` unless the role belongs into that kind of organisation; a county
    reviewer into a county's."""
    kinds = HELD_IN[role]
    if organisation.kind not in kinds:
        raise role_does_not_fit(role, organisation.id, organisation.kind, kinds)
    if role is Role.COUNTY_REVIEWER and level is not RegionLevel.COUNTY:
        raise role_does_not_fit(
            role,
            organisation.id,
            f"{level} {organisation.kind}",
            (f"{each} of a county" for each in kinds),
        )
