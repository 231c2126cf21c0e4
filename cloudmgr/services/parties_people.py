"""People's accounts as commands: passwords, leaving and coming back, the link to the sign-on.

Whoever can set a person's password or sign-on can act as that person, so nobody can do it through
the API for the three administrators (三员): it would join what must stay apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cloudmgr.domain.access import SEPARATED, SYSTEM, Actor, Role
from cloudmgr.domain.errors import (
    administrators_credentials,
    bad_credentials,
    bad_value,
    own_account,
)
from cloudmgr.domain.parties import RoleGrant, User
from cloudmgr.domain.sessions import check_new_password
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.parties import require_another_security_admin
from cloudmgr.services.reading import Page
from cloudmgr.services.sessions import check_password, hash_password, revoke_tokens
from cloudmgr.services.sessions_attempts import sign_in_rules
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword(Command):
    """Choose a new password; the old one is needed. Ends one's other sessions."""

    old_password: str
    new_password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPassword(Command):
    """Set a person's password, who must change it at the next sign-in. Ends their sessions and
    revokes their tokens."""

    user_id: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateUser(Command):
    """Let a person who has left sign in no more; revokes their tokens, keeps their roles."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivateUser(Command):
    """Let a person who had left sign in again, with the roles not taken back meanwhile."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSubject(Command):
    """Say who a person is at the city's unified sign-on; None takes the link away."""

    user_id: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as others may know them: without the password's hash."""

    id: str
    login: str
    name: str
    active: bool
    password_due: bool
    oidc_subject: str | None
    version: int


def person_of(user: User) -> Person:
    return Person(
        id=user.id,
        login=user.login,
        name=user.name,
        active=user.active,
        password_due=user.password_due,
        oidc_subject=user.oidc_subject,
        version=user.version,
    )


@handles(everybody=True, in_person=True, while_password_due=True)
def change_password(world: World, command: ChangePassword, actor: Actor, now: datetime) -> Person:
    """Raises `bad_credentials` for a wrong old password, `bad_value` for a bad new one."""
    world.lock((User, actor.user_id))
    user = world.get(User, actor.user_id)
    check_new_password(command.new_password, user.login, sign_in_rules(world, now))
    if check_password(world, user.login, command.old_password).id != user.id:
        raise bad_credentials()
    if command.old_password == command.new_password:
        raise bad_value("new_password", "it is the old one; choose another")
    revoke_tokens(world, user.id, but=actor.token_id, machines=False)
    hashed = hash_password(command.new_password)
    return person_of(world.put(replace(user, password_hash=hashed, password_due=False)))


@handles(Role.SYSTEM_ADMIN)
def reset_password(world: World, command: ResetPassword, actor: Actor, now: datetime) -> Person:
    """Raises `administrators_credentials`, but for the node's own machine."""
    user = _others_account(world, command.user_id, actor, now, "reset_password")
    check_new_password(command.password, user.login, sign_in_rules(world, now))
    revoke_tokens(world, user.id)
    hashed = hash_password(command.password)
    return person_of(world.put(replace(user, password_hash=hashed, password_due=True)))


@handles(Role.SYSTEM_ADMIN)
def deactivate_user(world: World, command: DeactivateUser, actor: Actor, now: datetime) -> Person:
    """Raises `own_account`, and `last_administrator` for the last who can give roles."""
    if command.user_id == actor.user_id:
        raise own_account("deactivate_user")
    world.lock((User, command.user_id))
    user = world.get(User, command.user_id)
    if Role.SECURITY_ADMIN in _held(world, user.id, now):
        require_another_security_admin(world, user.id, now)
    revoke_tokens(world, user.id)
    return person_of(world.put(replace(user, active=False)))


@handles(Role.SYSTEM_ADMIN)
def reactivate_user(world: World, command: ReactivateUser, actor: Actor, now: datetime) -> Person:
    world.lock((User, command.user_id))
    return person_of(world.put(replace(world.get(User, command.user_id), active=True)))


@handles(Role.SYSTEM_ADMIN)
def link_subject(world: World, command: LinkSubject, actor: Actor, now: datetime) -> Person:
    """Raises `administrators_credentials`, and `already_exists` for a subject that is another's."""
    if command.subject is not None and not command.subject.strip():
        raise bad_value("subject", "name the subject, or send null to take the link away")
    user = _others_account(world, command.user_id, actor, now, "link_subject")
    return person_of(world.put(replace(user, oidc_subject=command.subject)))


def people(
    world: World,
    actor: Actor,
    kind: type[Person],
    /,
    *,
    after: str = "",
    limit: int = 50,
    **where: Any,
) -> Page[Person]:
    """One page of the people an actor may know: all for administrators and the city's offices,
    for others those who hold a role in an organisation of theirs."""
    found = world.find(User, after=after, limit=limit + 1, **where, **known_people(world, actor))
    more = len(found) > limit
    shown = tuple(person_of(user) for user in found[:limit])
    return Page(shown, shown[-1].id if more else None)


def known_people(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    """The conditions under which people are the actor's to know, as `reading.visible` tells it."""
    if actor.city_wide or actor.has_for_city(*SEPARATED):
        return {}
    own = tuple(sorted(actor.organisations()))
    colleagues = world.find(RoleGrant, organisation_id=own, revoked=False) if own else ()
    return {"id": tuple(sorted({actor.user_id, *(each.user_id for each in colleagues)}))}


def _others_account(world: World, user_id: str, actor: Actor, now: datetime, what: str) -> User:
    """The locked account of somebody else, who is none of the three administrators."""
    if user_id == actor.user_id:
        raise own_account(what)
    world.lock((User, user_id))
    user = world.get(User, user_id)
    if actor is not SYSTEM and _held(world, user_id, now) & SEPARATED:
        raise administrators_credentials(user_id)
    return user


def _held(world: World, user_id: str, now: datetime) -> frozenset[Role]:
    grants = world.find(RoleGrant, user_id=user_id)
    return frozenset(grant.role for grant in grants if not grant.ended(now))
