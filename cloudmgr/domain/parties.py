"""Regions, organisations, people and their roles. Owns who exists; not what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.access import SEPARATED, Role
from cloudmgr.domain.errors import role_does_not_fit, separation_of_duties
from cloudmgr.domain.values import Value


class RegionLevel(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Value):
    """行政区划: a city or a county; a tree by `parent_id`. `division_code` is 行政区划代码."""

    name_zh: str
    name_en: str
    level: RegionLevel
    parent_id: str | None = None
    division_code: str = ""


class OrganisationKind(StrEnum):
    DEPARTMENT = "department"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    DATA_CENTRE = "data_centre"
    OPERATING_COMPANY = "operating_company"
    FINANCE = "finance"
    ASSESSOR = "assessor"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedName:
    """What an organisation is called from `since` on (None: from its beginning), with the codes
    that go with the name and the document that says so."""

    since: datetime | None
    name_zh: str
    name_en: str
    budget_unit_code: str = ""
    social_credit_code: str = ""
    document_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation(Value):
    """An organisation of one kind: a 用云单位 is one of kind department, a 云服务商 a provider.

    Its names and codes are those in force; `names` is all there were and will be, in order, empty
    while there was one only. Once it has ended, `successor_id` answers for its papers.
    """

    kind: OrganisationKind
    name_zh: str
    name_en: str
    region_id: str
    parent_id: str | None = None
    budget_unit_code: str = ""
    social_credit_code: str = ""
    names: tuple[DatedName, ...] = ()
    ended_at: datetime | None = None
    successor_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Value):
    """A person who can sign in; the password is kept as an argon2 hash.

    `password_due`: it was set by somebody else and must be changed at the next sign-in.
    `oidc_subject` is the person's name at the city's unified sign-on.
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("login", "oidc_subject")

    login: str
    name: str
    password_hash: str = ""
    active: bool = True
    password_due: bool = False
    oidc_subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant(Value):
    """A role a user holds in an organisation, from and until an instant where one is set."""

    user_id: str
    role: Role
    organisation_id: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked: bool = False

    def ended(self, now: datetime) -> bool:
        """Whether it was taken back or has run out, and so no longer stands against another."""
        return self.revoked or (self.valid_until is not None and self.valid_until <= now)

    def in_force(self, now: datetime) -> bool:
        return not self.ended(now) and (self.valid_from is None or self.valid_from <= now)


class TokenKind(StrEnum):
    """How somebody is signed in: the first three in person, the last a machine."""

    BEARER = "bearer"
    COOKIE = "cookie"
    SIGN_ON = "sign_on"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Value):
    """A session or a machine's token; `id` is the SHA-256 of its secret, which is never stored.

    A machine's token has `scopes`: it acts as its owner minus what they leave out.
    """

    user_id: str
    label: str
    created_at: datetime
    expires_at: datetime
    revoked: bool = False
    kind: TokenKind = TokenKind.BEARER
    scopes: tuple[str, ...] = ()

    def good(self, now: datetime) -> bool:
        return not self.revoked and now < self.expires_at


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
