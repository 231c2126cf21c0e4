"""The first people of a new production node: its city, its authority and the three administrators
(三员), who register everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cloudmgr.domain.access import SEPARATED, SYSTEM, Role
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
    RoleGrant,
    User,
)
from cloudmgr.services.sessions import hash_password
from cloudmgr.services.world import World, next_id

LOGINS: Mapping[Role, str] = {
    Role.SYSTEM_ADMIN: "sysadmin",
    Role.SECURITY_ADMIN: "secadmin",
    Role.AUDIT_ADMIN: "auditadmin",
}


def begin(
    world: World,
    *,
    city: tuple[str, str],
    authority: tuple[str, str],
    passwords: Mapping[Role, str],
    now: datetime,
) -> Organisation:
    """Make the city, its authority (each named in Chinese and English) and an account for each of
    the three administrators, whose passwords hold for one sign-in.

    Raises `bad_value` when somebody is there already: then administrators are made by them.
    """
    if world.find(User, limit=1) or world.find(Region, limit=1):
        raise bad_value("data", "this node has people already; its administrators register more")
    region = world.put(Region(id="city", name_zh=city[0], name_en=city[1], level=RegionLevel.CITY))
    office = world.put(
        Organisation(
            id=next_id(world, "ORG"),
            kind=OrganisationKind.AUTHORITY,
            name_zh=authority[0],
            name_en=authority[1],
            region_id=region.id,
        )
    )
    for role in sorted(SEPARATED):
        user = world.put(
            User(
                id=next_id(world, "USR"),
                login=LOGINS[role],
                name=LOGINS[role],
                password_hash=hash_password(passwords[role]),
                password_due=True,
            )
        )
        world.put(
            RoleGrant(
                id=f"{user.id}/{role}/{office.id}",
                user_id=user.id,
                role=role,
                organisation_id=office.id,
            )
        )
    world.audit(
        at=now,
        user_id=SYSTEM.user_id,
        role="system",
        command="begin",
        subject=f"Organisation/{office.id}",
        request_id="",
    )
    return office
