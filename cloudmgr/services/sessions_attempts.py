"""Failed attempts to sign in, counted per login and per address in rows: the count holds across
processes and restarts. The figures are the policy's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from catalog.errors import Invalid
from cloudmgr.domain.parties import User
from cloudmgr.domain.sessions import (
    Attempt,
    SignInAttempts,
    SignInRules,
    blocked_until,
    check_attempts,
    count_failure,
)
from cloudmgr.services.policies import policy_now
from cloudmgr.services.world import Message, World


def sign_in_rules(world: World, now: datetime) -> SignInRules:
    """The policy's; the defaults while no policy is in force, for a new node must let people in."""
    try:
        return policy_now(world, now).sign_in
    except Invalid:
        return SignInRules()


def require_allowed(world: World, attempt: Attempt, now: datetime) -> None:
    """Raise `too_many_attempts` while the login or the address is blocked."""
    check_attempts(
        world.seek(SignInAttempts, attempt.login_id),
        world.seek(SignInAttempts, attempt.host_id),
        sign_in_rules(world, now),
        attempt.at,
    )


def record_failure(world: World, attempt: Attempt, now: datetime) -> None:
    """Count a wrong password; the last one before a block is told to the administrators."""
    rules = sign_in_rules(world, now)
    users = world.find(User, login=attempt.login, limit=1)
    subject = f"User/{users[0].id}" if users else "User"
    world.lock((SignInAttempts, attempt.login_id), (SignInAttempts, attempt.host_id))
    for id, limit in (
        (attempt.login_id, rules.failures_per_login),
        (attempt.host_id, rules.failures_per_address),
    ):
        held = world.seek(SignInAttempts, id)
        counted = world.put(count_failure(held, id, limit, rules, attempt.at))
        until = blocked_until(counted, limit, rules, attempt.at)
        if until is not None and blocked_until(held, limit, rules, attempt.at) is None:
            world.outbox(
                Message(
                    topic="sign_in_blocked",
                    subject=subject,
                    payload={"attempts_id": id, "until": until.isoformat()},
                    at=now,
                )
            )
    world.audit(
        at=now,
        user_id=users[0].id if users else "",
        role="",
        command="log_in_failed",
        subject=subject,
        request_id="",
    )


def forget_failures(world: World, attempt: Attempt) -> None:
    """The right password was given: the login's count begins anew, the address's stands."""
    held = world.seek(SignInAttempts, attempt.login_id)
    if held is not None and held.failures:
        world.lock((SignInAttempts, attempt.login_id))
        held = world.get(SignInAttempts, attempt.login_id)
        world.put(replace(held, failures=0))
