"""Delegations as commands: given by whom it concerns, revoked by either side or security."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.delegations import Delegation, DelegationState, check_delegation
from cloudmgr.domain.errors import CloudmgrError, not_found
from cloudmgr.domain.lifecycle import advance
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.reading import visible_by
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateSigning(Command):
    """Let somebody of the same organisation sign requests for me while I am absent."""

    delegate_id: str
    role: Role
    organisation_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeDelegation(Command):
    """End a delegation at once; what was signed under it stands."""

    delegation_id: str


@handles(*Role, counties=True, own=Role)
def delegate_signing(
    world: World, command: DelegateSigning, actor: Actor, now: datetime
) -> Delegation:
    """Raises `not_delegable`, `bad_value`, or `not_found` for a role or person that is not of the
    organisation."""
    delegation = Delegation(
        id=next_id(world, "DLG"),
        principal_id=actor.user_id,
        delegate_id=command.delegate_id,
        role=command.role,
        organisation_id=command.organisation_id,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        reason=command.reason,
        given_at=now,
    )
    check_delegation(delegation, actor.grants, _grants(world, command.delegate_id), now)
    given = world.put(delegation)
    _tell(world, "delegation_given", given, now)
    return given


@handles(*Role, counties=True, own=set(Role) - {Role.SECURITY_ADMIN})
def revoke_delegation(
    world: World, command: RevokeDelegation, actor: Actor, now: datetime
) -> Delegation:
    delegation = world.get(Delegation, command.delegation_id)
    concerned = actor.user_id in (delegation.principal_id, delegation.delegate_id)
    if not (concerned or actor.has_for_city(Role.SECURITY_ADMIN)):
        raise not_found("Delegation", delegation.id)
    revoked = world.put(advance(delegation, DelegationState.REVOKED, revoked_at=now))
    _tell(world, "delegation_revoked", revoked, now)
    return revoked


def _of_own_organisations(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    """People see who signs for whom in the organisations they act in."""
    return {"organisation_id": tuple(sorted(actor.organisations()))}


visible_by(Delegation, _of_own_organisations)


def stood_for(world: World, user_id: str, now: datetime) -> tuple[Delegation, ...]:
    """The delegations in force by which somebody stands for others."""
    given = world.find(Delegation, delegate_id=user_id, state=DelegationState.GIVEN)
    return tuple(each for each in given if each.in_force(now))


def _grants(world: World, user_id: str) -> tuple[Grant, ...]:
    """What somebody holds; nothing for who does not exist or has left."""
    try:
        return actor_of(world, user_id).grants
    except CloudmgrError:
        return ()


def _tell(world: World, topic: str, delegation: Delegation, at: datetime) -> None:
    payload = {
        "delegation_id": delegation.id,
        "principal_id": delegation.principal_id,
        "user_ids": [delegation.delegate_id],
    }
    world.outbox(Message(topic=topic, subject=delegation.id, payload=payload, at=at))
