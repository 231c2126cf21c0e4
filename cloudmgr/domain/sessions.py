"""Signing in as pure decisions: how often somebody may guess, what a password must be, and the
proof that a command sent with a cookie comes from our own page.

Owns counting and comparing. Whose password it is, and what a token stands for, is asked upstairs.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import ClassVar

from cloudmgr.domain.errors import bad_value, csrf_failed, too_many_attempts
from cloudmgr.domain.values import Value

MAX_PASSWORD_LENGTH = 400
"""Longer ones only make the hash slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRules:
    """How signing in is guarded; sample parameters until a policy says otherwise."""

    failures_per_login: int = 5
    failures_per_address: int = 30
    window_minutes: int = 15
    block_minutes: int = 15
    password_min_length: int = 10
    session_hours: int = 12
    token_max_days: int = 366

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise bad_value(f"sign_in.{field.name}", "it is at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempts(Value):
    """Failed attempts of one login, or from one address, since a window began."""

    COUNTER: ClassVar[bool] = True

    failures: int
    since: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody tries a password. `at` is the machine's time even in a rehearsal, whose clock may
    stand still: who guesses lives by real time."""

    login: str
    host: str
    at: datetime

    @property
    def login_id(self) -> str:
        return attempts_of_login(self.login)

    @property
    def host_id(self) -> str:
        return attempts_of_address(self.host)


def attempts_of_login(login: str) -> str:
    """The id under which attempts with a login are counted; the text itself is not kept, for some
    people type their password there."""
    return "login/" + hashlib.sha256(login.casefold().encode("utf-8", "replace")).hexdigest()


def attempts_of_address(host: str) -> str:
    """The id under which attempts from an address are counted: one site of IPv6 has 2^64."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return f"address/{host[:100]}"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return f"address/{address.ipv4_mapped}"
        return f"address/{IPv6Address(int(address) >> 64 << 64)}/64"
    return f"address/{address}"


def count_failure(
    held: SignInAttempts | None, id: str, limit: int, rules: SignInRules, now: datetime
) -> SignInAttempts:
    """One more failure; a window that is over begins anew, unless a block still runs: what was
    on its way when the block began must not end it."""
    if held is None:
        return SignInAttempts(id=id, failures=1, since=now, last_at=now)
    over = now - held.since >= timedelta(minutes=rules.window_minutes)
    if over and blocked_until(held, limit, rules, now) is None:
        return replace(held, failures=1, since=now, last_at=now)
    return replace(held, failures=held.failures + 1, last_at=now)


def blocked_until(
    held: SignInAttempts | None, limit: int, rules: SignInRules, now: datetime
) -> datetime | None:
    """Until when no further attempt is looked at; None when one may be made."""
    if held is None or held.failures < limit:
        return None
    until = held.last_at + timedelta(minutes=rules.block_minutes)
    return until if now < until else None


def check_attempts(
    by_login: SignInAttempts | None,
    by_address: SignInAttempts | None,
    rules: SignInRules,
    now: datetime,
) -> None:
    """Raise `too_many_attempts`, which says when to come back."""
    ends = (
        blocked_until(by_login, rules.failures_per_login, rules, now),
        blocked_until(by_address, rules.failures_per_address, rules, now),
    )
    waits = [end for end in ends if end is not None]
    if waits:
        seconds = (max(waits) - now) // timedelta(seconds=1)
        raise too_many_attempts(seconds + 1)


def check_new_password(password: str, login: str, rules: SignInRules) -> None:
    """Raise `bad_value` for a password that is too short, too long, or the login name."""
    if len(password) < rules.password_min_length:
        raise bad_value("password", f"use at least {rules.password_min_length} characters")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise bad_value("password", f"use at most {MAX_PASSWORD_LENGTH} characters")
    if login and password.casefold() == login.casefold():
        raise bad_value("password", "it is the login name; choose another")


def csrf_token(secret: str) -> str:
    """What our pages send along with every command of a cookie session.

    It follows from the session's secret, so it is bound to the session and kept nowhere; who has
    the cookie sent by a browser without being able to read it cannot work it out.
    """
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_csrf(secret: str, told: str | None) -> None:
    """Raise `csrf_failed` unless `told` is the session's own token."""
    if told is None or not hmac.compare_digest(
        csrf_token(secret).encode(), told.encode("utf-8", "replace")
    ):
        raise csrf_failed()
