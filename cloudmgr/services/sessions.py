"""Signing in: passwords become bearer tokens, tokens become actors. Secrets are made at the edge
and only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash

from cloudmgr.domain.access import Actor, Grant
from cloudmgr.domain.errors import bad_credentials, unauthenticated
from cloudmgr.domain.parties import Organisation, Region, RegionLevel, RoleGrant, Token, User
from cloudmgr.services.world import World

TOKEN_LIFE = timedelta(hours=12)
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
    world: World, user_id: str, *, secret: str, now: datetime, rehearsal: bool
) -> SignedIn:
    """Store a token for `secret` in the name of somebody whose password was checked."""
    user = world.get(User, user_id)
    if not user.active:  # since the check
        raise bad_credentials()
    life = REHEARSAL_TOKEN_LIFE if rehearsal else TOKEN_LIFE
    token = world.put(
        Token(
            id=token_id(secret),
            user_id=user.id,
            label="login",
            created_at=now,
            expires_at=now + life,
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
    if token is None or token.revoked or token.expires_at <= now:
        raise unauthenticated()
    return actor_of(world, token.user_id)


def actor_of(world: World, user_id: str) -> Actor:
    """The user with the grants in force; raises `unauthenticated` for inactive people."""
    user = world.seek(User, user_id)
    if user is None or not user.active:
        raise unauthenticated()
    return Actor(
        user.id, tuple(_grant(world, each) for each in world.find(RoleGrant, user_id=user.id))
    )


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
