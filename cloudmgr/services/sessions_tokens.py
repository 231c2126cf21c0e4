"""Tokens as commands: for machines issued with scopes, revoked by their owner or the security
administrator; and signing out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cloudmgr.domain.access import READ, ROLE_SCOPE, Actor, Role
from cloudmgr.domain.errors import bad_scope, bad_value, not_found
from cloudmgr.domain.parties import Organisation, Token, TokenKind, User
from cloudmgr.domain.sessions import csrf_token
from cloudmgr.services.commands import HANDLERS, Command, handles
from cloudmgr.services.sessions_attempts import sign_in_rules
from cloudmgr.services.world import World

MACHINE_SECRET = "cmt_"
"""What a machine's secret begins with, so that one found in a file is known for what it is."""

COOKIE_SECRET = "cms_"
"""What a cookie's secret begins with: it is good in a cookie only, another never in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken(Command):
    """Issue a token for a machine that acts as oneself, as far as its scopes go.

    `secret_digest` is what is kept of a secret that the edge makes and tells once.
    """

    label: str
    scopes: tuple[str, ...]
    days: int
    secret_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken(Command):
    """Revoke a token of one's own, or as the security administrator anybody's."""

    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOut(Command):
    """End the session that the command comes with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRole:
    """A role held, and in what."""

    role: Role
    organisation_id: str
    name_zh: str
    name_en: str
    region_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who is signed in, with what roles, by what token; `csrf_token` goes with a cookie session's
    commands."""

    user_id: str
    login: str
    name: str
    password_due: bool
    roles: tuple[HeldRole, ...]
    session: Token
    csrf_token: str | None


@handles(everybody=True, in_person=True)
def issue_token(world: World, command: IssueToken, actor: Actor, now: datetime) -> Token:
    """Raises `bad_scope` for what the owner could not do themselves."""
    longest = sign_in_rules(world, now).token_max_days
    if not 1 <= command.days <= longest:
        raise bad_value("days", f"a token holds for 1 to {longest} days")
    if not command.label.strip():
        raise bad_value("label", "say what the token is for")
    check_scopes(actor, command.scopes)
    return world.put(
        Token(
            id=command.secret_digest,
            user_id=actor.user_id,
            label=command.label.strip(),
            created_at=now,
            expires_at=now + timedelta(days=command.days),
            kind=TokenKind.MACHINE,
            scopes=tuple(sorted(set(command.scopes))),
        )
    )


def check_scopes(actor: Actor, scopes: Iterable[str]) -> None:
    """Raise `bad_scope` unless there is a scope, and each is something the actor may do."""
    asked = tuple(scopes)
    if not asked:
        raise bad_scope("", "is missing")
    handlers = {handler.name: handler for handler in HANDLERS.values()}
    for scope in asked:
        if scope == READ:
            continue
        if scope.startswith(ROLE_SCOPE):
            if not any(grant.role == scope.removeprefix(ROLE_SCOPE) for grant in actor.grants):
                raise bad_scope(scope, "names no role you hold")
            continue
        handler = handlers.get(scope)
        if handler is None:
            raise bad_scope(scope, "is neither 'read' nor a command")
        if handler.in_person:
            raise bad_scope(scope, "names a command for people in person only")
        if not handler.everybody and not handler.grants_of(actor):
            raise bad_scope(scope, "names a command you may not give")


@handles(everybody=True, in_person=True)
def revoke_token(world: World, command: RevokeToken, actor: Actor, now: datetime) -> Token:
    """Raises `not_found` for another's token, to all but the security administrator."""
    world.lock((Token, command.token_id))
    token = world.seek(Token, command.token_id)
    may = token is not None and (
        token.user_id == actor.user_id or actor.has_for_city(Role.SECURITY_ADMIN)
    )
    if token is None or not may:
        raise not_found("Token", command.token_id)
    return token if token.revoked else world.put(replace(token, revoked=True))


@handles(everybody=True, in_person=True, while_password_due=True)
def log_out(world: World, command: LogOut, actor: Actor, now: datetime) -> Token:
    world.lock((Token, actor.token_id))
    return world.put(replace(world.get(Token, actor.token_id), revoked=True))


def who_am_i(world: World, actor: Actor, secret: str) -> Me:
    """What a page needs to know of whoever is signed in by `secret`."""
    user, session = world.get(User, actor.user_id), world.get(Token, actor.token_id)
    by_cookie = session.kind in (TokenKind.COOKIE, TokenKind.SIGN_ON)
    roles = []
    for grant in sorted(actor.grants):
        organisation = world.get(Organisation, grant.organisation_id)
        roles.append(
            HeldRole(
                role=grant.role,
                organisation_id=organisation.id,
                name_zh=organisation.name_zh,
                name_en=organisation.name_en,
                region_id=grant.region_id,
            )
        )
    return Me(
        user_id=user.id,
        login=user.login,
        name=user.name,
        password_due=actor.password_due,
        roles=tuple(roles),
        session=session,
        csrf_token=csrf_token(secret) if by_cookie else None,
    )
