"""Organisations, people and roles as commands. What people do with their own account, and what is
done to it, is `parties_people`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import utc
from cloudmgr.domain.access import SEPARATED, Actor, Role
from cloudmgr.domain.errors import (
    already_exists,
    bad_value,
    last_administrator,
    not_found,
    password_not_own,
)
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RoleGrant,
    User,
    check_held_in,
    check_separation,
)
from cloudmgr.domain.sessions import check_new_password
from cloudmgr.services import organisations
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.sessions import actor_of, hash_password
from cloudmgr.services.sessions_attempts import sign_in_rules
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOrganisation(Command):
    """Register a department, provider or other organisation of a region."""

    kind: OrganisationKind
    name_zh: str
    name_en: str
    region_id: str
    budget_unit_code: str = ""
    social_credit_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser(Command):
    """Register a person who can sign in; the password must be changed at the first sign-in."""

    login: str
    name: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRole(Command):
    """Give a person a role in an organisation, from and until an instant where one is named."""

    user_id: str
    role: Role
    organisation_id: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRole(Command):
    """Take a role in an organisation back from a person."""

    user_id: str
    role: Role
    organisation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredUser:
    """A user without the password hash."""

    id: str
    login: str
    name: str


@handles(Role.SYSTEM_ADMIN, Role.AUTHORITY)
def register_organisation(
    world: World, command: RegisterOrganisation, actor: Actor, now: datetime
) -> Organisation:
    """Raises `bad_value` for codes that do not check, `already_exists` for another's."""
    return organisations.register(
        world,
        kind=command.kind,
        name_zh=command.name_zh,
        name_en=command.name_en,
        region_id=command.region_id,
        budget_unit_code=command.budget_unit_code,
        social_credit_code=command.social_credit_code,
    )


@handles(Role.SYSTEM_ADMIN)
def register_user(
    world: World, command: RegisterUser, actor: Actor, now: datetime
) -> RegisteredUser:
    check_new_password(command.password, command.login, sign_in_rules(world, now))
    user = world.put(
        User(
            id=next_id(world, "USR"),
            login=command.login,
            name=command.name,
            password_hash=hash_password(command.password),
            password_due=True,
        )
    )
    return RegisteredUser(id=user.id, login=user.login, name=user.name)


@handles(Role.SECURITY_ADMIN)
def grant_role(world: World, command: GrantRole, actor: Actor, now: datetime) -> RoleGrant:
    """Raises `role_does_not_fit`, `separation_of_duties` and, for an administrator's role,
    `password_not_own`: who set the password could act as the administrator."""
    world.lock((User, command.user_id))  # two grants at once must see each other
    user = world.get(User, command.user_id)
    organisation = world.get(Organisation, command.organisation_id)
    level = world.get(Region, organisation.region_id).level
    check_held_in(command.role, organisation, level)
    grants = world.find(RoleGrant, user_id=command.user_id)
    held = tuple(grant.role for grant in grants if not grant.ended(now))
    check_separation(command.user_id, held, command.role)
    if command.role in SEPARATED and user.password_due:
        raise password_not_own(user.id)
    return world.put(_grant(world, command, now))


def _grant(world: World, command: GrantRole, now: datetime) -> RoleGrant:
    """The grant to store: a new one, or one that has ended given anew."""
    start = utc(command.valid_from) if command.valid_from else None
    end = utc(command.valid_until) if command.valid_until else None
    if end is not None and end <= max(now, start or now):
        raise bad_value("valid_until", "it is over before it begins; name a later instant")
    id = f"{command.user_id}/{command.role}/{command.organisation_id}"
    before = world.seek(RoleGrant, id)
    if before is not None:
        if not before.ended(now):
            raise already_exists("RoleGrant", id)
        return replace(before, valid_from=start, valid_until=end, revoked=False)
    return RoleGrant(
        id=id,
        user_id=command.user_id,
        role=command.role,
        organisation_id=command.organisation_id,
        valid_from=start,
        valid_until=end,
    )


@handles(Role.SECURITY_ADMIN)
def revoke_role(world: World, command: RevokeRole, actor: Actor, now: datetime) -> RoleGrant:
    """Raises `not_found` for a role not held, and `last_administrator`."""
    id = f"{command.user_id}/{command.role}/{command.organisation_id}"
    world.lock((RoleGrant, id))
    grant = world.seek(RoleGrant, id)
    if grant is None or grant.ended(now):
        raise not_found("RoleGrant", id)
    if command.role is Role.SECURITY_ADMIN:
        require_another_security_admin(world, command.user_id, now)
    return world.put(replace(grant, revoked=True))


def require_another_security_admin(world: World, user_id: str, now: datetime) -> None:
    """Raise `last_administrator` unless somebody else can give roles for the city."""
    grants = world.find(RoleGrant, role=Role.SECURITY_ADMIN, revoked=False)
    # In the order of their ids, so that two who leave at once do not each count on the other.
    world.lock(*((RoleGrant, grant.id) for grant in grants))
    for other in world.find(RoleGrant, role=Role.SECURITY_ADMIN, revoked=False):
        holder = world.get(User, other.user_id)
        if holder.id == user_id or not holder.active:
            continue
        if actor_of(world, holder.id, now).has_for_city(Role.SECURITY_ADMIN):
            return
    raise last_administrator(Role.SECURITY_ADMIN)
