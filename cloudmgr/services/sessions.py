"""Signing in: passwords become bearer tokens, tokens become actors. Secrets are made at the edge
and only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash

from cloudmgr.domain.access import Actor, Grant
from cloudmgr.domain.errors import bad_credentials, unauthenticated, unknown_subject
from cloudmgr.domain.parties import (
    Organisation,
    Region,
    RegionLevel,
    RoleGrant,
    Token,
    TokenKind,
    User,
)
from cloudmgr.domain.sessions import Attempt, SignInRules
from cloudmgr.services.sessions_attempts import forget_failures, require_allowed, sign_in_rules
from cloudmgr.services.world import World

TOKEN_LIFE = timedelta(hours=SignInRules().session_hours)
REHEARSAL_TOKEN_LIFE = timedelta(days=3660)
"""A rehearsal's clock runs through months in seconds; its tokens must not die of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The bearer token, told once."""

    token: str
    user_id: str
    expires_at: datetime


def check_password(world: World, login: str, password: str) -> User:
    """Whose password it is; raises `bad_credentials`.

    The same error, after the same work, whether the login or the password is wrong. Who has no
    password cannot sign in by one. The work is slow on purpose, so ask it of a world that only
    reads: nobody who guesses shall keep writers waiting.
    """
    users = world.find(User, login=login, limit=1)
    user = users[0] if users and users[0].password_hash else None
    good = _hasher().verify(password, user.password_hash if user else _decoy())
    if user is None or not good or not user.active:
        raise bad_credentials()
    return user


def open_session(
    world: World,
    user_id: str,
    *,
    secret: str,
    now: datetime,
    rehearsal: bool,
    kind: TokenKind = TokenKind.BEARER,
    attempt: Attempt | None = None,
    password_hash: str | None = None,
) -> SignedIn:
    """Store a token for `secret` in the name of somebody whose password was checked.

    With the `attempt` it is refused when others have failed too often meanwhile; with the
    `password_hash` that was checked, when the password was changed meanwhile.
    """
    user = world.get(User, user_id)
    if not user.active or password_hash not in (None, user.password_hash):  # since the check
        raise bad_credentials()
    if attempt is not None:
        require_allowed(world, attempt, now)
        forget_failures(world, attempt)
    hours = sign_in_rules(world, now).session_hours
    life = REHEARSAL_TOKEN_LIFE if rehearsal else timedelta(hours=hours)
    token = world.put(
        Token(
            id=token_id(secret),
            user_id=user.id,
            label="login",
            created_at=now,
            expires_at=now + life,
            kind=kind,
        )
    )
    world.audit(
        at=now,
        user_id=user.id,
        role="",
        command="log_in",
        subject=f"User/{user.id}",
        request_id="",
    )
    return SignedIn(token=secret, user_id=user.id, expires_at=token.expires_at)


def authenticate(world: World, secret: str, now: datetime) -> Actor:
    """Who a bearer token stands for; raises `unauthenticated`."""
    token = world.seek(Token, token_id(secret))
    if token is None or not token.good(now):
        raise unauthenticated()
    actor = actor_of(world, token.user_id, now)
    by_password = token.kind in (TokenKind.BEARER, TokenKind.COOKIE)
    return replace(
        actor,
        scopes=frozenset(token.scopes) if token.kind is TokenKind.MACHINE else None,
        token_id=token.id,
        password_due=by_password and world.get(User, actor.user_id).password_due,
    )


def actor_of(world: World, user_id: str, now: datetime | None = None) -> Actor:
    """The user with the grants in force at `now` (those not taken back, where it is not said);
    raises `unauthenticated` for inactive people."""
    user = world.seek(User, user_id)
    if user is None or not user.active:
        raise unauthenticated()
    held = world.find(RoleGrant, user_id=user.id, revoked=False)
    return Actor(
        user.id,
        tuple(_grant(world, each) for each in held if now is None or each.in_force(now)),
    )


def user_of_subject(world: World, subject: str) -> User:
    """Whom the city's sign-on means; raises `unknown_subject`, also for who has left."""
    users = world.find(User, oidc_subject=subject, limit=1)
    if not users or not users[0].active:
        raise unknown_subject()
    return users[0]


def revoke_tokens(world: World, user_id: str, *, but: str = "", machines: bool = True) -> int:
    """Revoke a person's tokens but one; without `machines` only sessions. Returns how many."""
    held = [
        token
        for token in world.find(Token, user_id=user_id, revoked=False)
        if token.id != but and (machines or token.kind is not TokenKind.MACHINE)
    ]
    for token in held:
        world.put(replace(token, revoked=True))
    return len(held)


def hash_password(password: str) -> str:
    """The argon2 hash to keep of a password."""
    return _hasher().hash(password)


def _grant(world: World, held: RoleGrant) -> Grant:
    region = world.get(Region, world.get(Organisation, held.organisation_id).region_id)
    return Grant(
        held.role, held.organisation_id, region.id, county=region.level is RegionLevel.COUNTY
    )


def token_id(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _decoy() -> str:
    return _hasher().hash("nobody has this password")
