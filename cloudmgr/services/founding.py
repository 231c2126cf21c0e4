"""The first people of a production node: a city, the office that runs its cloud, and the three
administrators that no single person may be. Owns what stands before anybody can sign in; everybody
and everything else comes by commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.period import Month
from cloudmgr.domain.access import SYSTEM, Role
from cloudmgr.domain.audit import AuditDigest
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
    RoleGrant,
    User,
)
from cloudmgr.services.audit import begin_heads
from cloudmgr.services.periods import open_period
from cloudmgr.services.sessions import hash_password
from cloudmgr.services.world import World

ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
CITY_ID = "city"
AUTHORITY_ID = "authority"


@dataclass(frozen=True, slots=True)
class Founding:
    """What a production node begins with: the city's name, the logins and first passwords of its
    system, security and audit administrators, in that order."""

    name_zh: str
    name_en: str
    administrators: tuple[tuple[str, str], ...]


def make_node(world: World, digest: AuditDigest, now: datetime) -> None:
    """Say what the database is for; nobody can sign in yet."""
    world.put(
        NodeSettings(id=NODE_ID, rehearsal=False, city="", created_at=now, audit_digest=digest)
    )
    begin_heads(world, now)


def found_city(world: World, founding: Founding, now: datetime) -> None:
    """Put the city, its authority and three administrators, whose passwords must be changed at the
    first sign-in, and open the present billing month. Raises `bad_value`."""
    logins = [login for login, _ in founding.administrators]
    if len(logins) != len(ADMINISTRATORS) or len(set(logins)) != len(logins) or not all(logins):
        raise bad_value(
            "admins", "name three people: the system, the security and the audit administrator"
        )
    if not founding.name_zh.strip() or not founding.name_en.strip():
        raise bad_value("name", "say what the city is called, in Chinese and in English")
    region = Region(
        id=CITY_ID, name_zh=founding.name_zh, name_en=founding.name_en, level=RegionLevel.CITY
    )
    authority = Organisation(
        id=AUTHORITY_ID,
        kind=OrganisationKind.AUTHORITY,
        name_zh=f"{founding.name_zh}政务云主管部门",
        name_en=f"{founding.name_en} cloud authority",
        region_id=CITY_ID,
    )
    world.put_many([region, authority])
    for role, (login, password) in zip(ADMINISTRATORS, founding.administrators, strict=True):
        user = User(
            id=login,
            login=login,
            name=login,
            password_hash=hash_password(password),
            password_due=True,
        )
        grant = RoleGrant(
            id=f"{login}/{role}/{AUTHORITY_ID}",
            user_id=login,
            role=role,
            organisation_id=AUTHORITY_ID,
        )
        world.put_many([user, grant])
    open_period(world, Month.of(now), now)
    world.audit(
        at=now,
        user_id=SYSTEM.user_id,
        role="system",
        command="found_city",
        subject=f"Region/{CITY_ID}",
        request_id="",
    )
