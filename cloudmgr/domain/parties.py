"""Regions, organisations, people and their roles. Owns who exists; not what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cloudmgr.domain.access import SEPARATED, Role
from cloudmgr.domain.errors import separation_of_duties
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
