"""Who may sign a step now: its people, their delegates, those who step in, at last the parent.

Owns finding them; whom a step takes and who is barred is `domain.approvals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.approvals import (
    PARENT_POST,
    Approval,
    ChainStep,
    Post,
    Signer,
    Standing,
    Where,
    counts,
    posts_of,
    refusal_of,
)
from cloudmgr.domain.delegations import Delegation, DelegationState, principals_of
from cloudmgr.domain.errors import CloudmgrError, not_your_step
from cloudmgr.domain.parties import Organisation, RoleGrant
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.world import Ge, World


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that a request waits for, with the signatures so far and today's delegations."""

    world: World
    request: ResourceRequest
    step: ChainStep
    signed: tuple[Approval, ...]
    now: datetime
    delegations: tuple[Delegation, ...]


def asked(
    world: World,
    request: ResourceRequest,
    step: ChainStep,
    signed: Iterable[Approval],
    now: datetime,
) -> Asked:
    delegations = world.find(Delegation, state=DelegationState.GIVEN, ends_at=Ge(now))
    in_force = tuple(each for each in delegations if each.in_force(now))
    return Asked(world, request, step, tuple(signed), now, in_force)


def signers(ask: Asked) -> tuple[Signer, ...]:
    """Everybody who may sign the step now, in the order of their ids.

    The step's own people and their delegates; once it is overdue those who step in, too. Where
    none of them is eligible the parent organisations, the nearest that has somebody; else the
    city's office. Empty when even there nobody may.
    """
    return _one_each(_own(ask) or _parents(ask))


def signer_of(ask: Asked, actor: Actor) -> Signer:
    """As what the actor signs; raises `own_submission` or `signed_already` where it would be the
    actor's turn but for that, else `not_your_step`."""
    for each in signers(ask):
        if each.user_id == actor.user_id and _by_own_right(each, actor):
            return each
    barred = None
    if any(each.user_id == actor.user_id for each in _own(ask, barred_too=True)):
        barred = refusal_of(ask.request, ask.signed, _people(ask, actor.user_id))
    raise barred or not_your_step(ask.step.id, ask.step.role)


def _own(ask: Asked, *, barred_too: bool = False) -> list[Signer]:
    """The step's people, and those who step in by now."""
    return [
        signer
        for standing, post in posts_of(ask.step, ask.request)
        for signer in _of(ask, _holders(ask, post), standing, barred_too=barred_too)
    ]


def _by_own_right(signer: Signer, actor: Actor) -> bool:
    """A token may carry fewer grants than its owner has; a delegate needs none of the role."""
    return signer.on_behalf_of is not None or actor.has_in(signer.organisation_id, signer.role)


def _people(ask: Asked, user_id: str) -> frozenset[str]:
    """A delegate counts as himself and as his principals."""
    return principals_of(ask.delegations, user_id, ask.now) | {user_id}


def _of(
    ask: Asked,
    holders: Iterable[tuple[str, Grant]],
    standing: Standing,
    *,
    barred_too: bool = False,
) -> Iterator[Signer]:
    """The holders of a post and their delegates, as far as they may sign in this round."""
    for user_id, grant in holders:
        for delegate_id in (user_id, *_delegates(ask, user_id, grant)):
            people = _people(ask, delegate_id)
            if barred_too or refusal_of(ask.request, ask.signed, people) is None:
                yield Signer(
                    user_id=delegate_id,
                    role=grant.role,
                    organisation_id=grant.organisation_id,
                    standing=standing,
                    on_behalf_of=user_id if delegate_id != user_id else None,
                )


def _delegates(ask: Asked, principal_id: str, grant: Grant) -> Iterator[str]:
    for each in ask.delegations:
        given = (each.principal_id, each.role, each.organisation_id)
        wanted = (principal_id, grant.role, grant.organisation_id)
        if given == wanted and _active(ask.world, each.delegate_id) is not None:
            yield each.delegate_id


def _parents(ask: Asked) -> list[Signer]:
    """Those above: the department's parent organisations in the step's own role, then the city."""
    if ask.step.where is Where.DEPARTMENT:
        above = ask.world.get(Organisation, ask.request.department_id).parent_id
        while above is not None:
            holders = _held_in(ask.world, ask.step.role, above)
            if found := list(_of(ask, holders, Standing.PARENT)):
                return found
            above = ask.world.get(Organisation, above).parent_id
    return list(_of(ask, _holders(ask, PARENT_POST), Standing.PARENT))


def _holders(ask: Asked, post: Post) -> Iterator[tuple[str, Grant]]:
    """Active people who hold the role of a post where it wants it."""
    if post.where is Where.DEPARTMENT:
        yield from _held_in(ask.world, post.role, ask.request.department_id)
        return
    for user_id in sorted({each.user_id for each in ask.world.find(RoleGrant, role=post.role)}):
        for grant in _active(ask.world, user_id) or ():
            if counts(grant, post, ask.request):
                yield user_id, grant


def _held_in(world: World, role: Role, organisation_id: str) -> Iterator[tuple[str, Grant]]:
    for each in world.find(RoleGrant, organisation_id=organisation_id, role=role):
        for grant in _active(world, each.user_id) or ():
            if (grant.role, grant.organisation_id) == (role, organisation_id):
                yield each.user_id, grant


def _active(world: World, user_id: str) -> tuple[Grant, ...] | None:
    """The grants of somebody who works here; None for who does not."""
    try:
        return actor_of(world, user_id).grants
    except CloudmgrError:
        return None


def _one_each(found: Iterable[Signer]) -> tuple[Signer, ...]:
    """A person once: in the own name rather than a principal's, as the step's rather than as
    who steps in."""
    best: dict[str, Signer] = {}
    for each in sorted(found, key=lambda each: each.on_behalf_of is not None):
        best.setdefault(each.user_id, each)
    return tuple(best[user_id] for user_id in sorted(best))
