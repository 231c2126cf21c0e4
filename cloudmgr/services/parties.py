"""Organisations, people and roles as commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pwdlib import PasswordHash

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RoleGrant,
    User,
    check_held_in,
    check_separation,
)
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.world import World, next_id

MIN_PASSWORD_LENGTH = 10


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
    """Register a person who can sign in."""

    login: str
    name: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRole(Command):
    """Give a person a role in an organisation."""

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
    world.get(Region, command.region_id)
    return world.put(
        Organisation(
            id=next_id(world, "ORG"),
            kind=command.kind,
            name_zh=command.name_zh,
            name_en=command.name_en,
            region_id=command.region_id,
            budget_unit_code=command.budget_unit_code,
            social_credit_code=command.social_credit_code,
        )
    )


@handles(Role.SYSTEM_ADMIN)
def register_user(
    world: World, command: RegisterUser, actor: Actor, now: datetime
) -> RegisteredUser:
    if len(command.password) < MIN_PASSWORD_LENGTH:
        raise bad_value("password", f"use at least {MIN_PASSWORD_LENGTH} characters")
    if world.find(User, login=command.login, limit=1):
        raise bad_value("login", f"{command.login!r} is taken; choose another login name")
    user = world.put(
        User(
            id=next_id(world, "USR"),
            login=command.login,
            name=command.name,
            password_hash=PasswordHash.recommended().hash(command.password),
        )
    )
    return RegisteredUser(id=user.id, login=user.login, name=user.name)


@handles(Role.SECURITY_ADMIN)
def grant_role(world: World, command: GrantRole, actor: Actor, now: datetime) -> RoleGrant:
    """Raises `role_does_not_fit` and `separation_of_duties`."""
    world.get(User, command.user_id)
    organisation = world.get(Organisation, command.organisation_id)
    level = world.get(Region, organisation.region_id).level
    check_held_in(command.role, organisation, level)
    held = tuple(grant.role for grant in world.find(RoleGrant, user_id=command.user_id))
    check_separation(command.user_id, held, command.role)
    return world.put(
        RoleGrant(
            id=f"{command.user_id}/{command.role}/{command.organisation_id}",
            user_id=command.user_id,
            role=command.role,
            organisation_id=command.organisation_id,
        )
    )
