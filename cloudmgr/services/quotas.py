"""Quotas as commands and views, and the tree of scopes; reserving against them is `binding`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.allocations import Allocation, Reservation, ReservationState
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value, limit_above_parent, not_found
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.quota import (
    UNLIMITED,
    Headroom,
    Quota,
    QuotaScope,
    headroom,
    moved_limits,
    quota_id,
    set_limit,
)
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.policies import superiors_of, units_below
from cloudmgr.services.reading import visible
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota(Command):
    """Set, change or (with null) take away the limit of one scope and class; -1 is unlimited."""

    scope: QuotaScope
    scope_id: str
    resource_class: ResourceClass
    limit_units: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveQuota(Command):
    """Give units of one scope's unused limit to another (配额调剂): both change, or neither."""

    from_scope_id: str
    to_scope_id: str
    resource_class: ResourceClass
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaMoved:
    """Both quotas after a move."""

    giver: Quota
    taker: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeHeadroom:
    """What a scope has and may still take, class by class."""

    scope: QuotaScope
    scope_id: str
    classes: tuple[Headroom, ...]


@handles(Role.TECHNICAL_REVIEWER)
def set_quota(world: World, command: SetQuota, actor: Actor, now: datetime) -> Quota:
    """Raises `limit_above_parent`: no limit may exceed that of the nearest scope above that has
    one, nor be lowered below that of a scope it binds."""
    if command.limit_units is not None and command.limit_units < UNLIMITED:
        raise bad_value("limit_units", "a limit is 0 or more, or -1 for unlimited")
    above = scopes_above(world, command.scope, command.scope_id)
    _lock(world, command.resource_class, (command.scope_id, *above))
    own = quota_id(command.scope_id, command.resource_class)
    parent_id = quota_id(above[0], command.resource_class) if above else None
    present = world.seek(Quota, own) or _fresh(world, command, parent_id)
    return _limited(world, present, command.limit_units, above)


@handles(Role.TECHNICAL_REVIEWER)
def move_quota(world: World, command: MoveQuota, actor: Actor, now: datetime) -> QuotaMoved:
    """Raises `quota_exceeded` for more than the giver has left, `limit_above_parent` where the
    taker's limit would outgrow the one above it."""
    if command.units <= 0:
        raise bad_value("units", "a move takes at least one unit")
    if command.from_scope_id == command.to_scope_id:
        raise bad_value("to_scope_id", "a move goes from one scope to another")
    above = {
        scope_id: scopes_above(world, scope_of(world, scope_id), scope_id)
        for scope_id in (command.from_scope_id, command.to_scope_id)
    }
    of = command.resource_class
    _lock(world, of, (each for scope_id in above for each in (scope_id, *above[scope_id])))
    giver = world.get(Quota, quota_id(command.from_scope_id, of))
    taker = world.get(Quota, quota_id(command.to_scope_id, of))
    given, taken = moved_limits(giver, taker, command.units)
    return QuotaMoved(
        giver=_limited(world, giver, given, above[command.from_scope_id]),
        taker=_limited(world, taker, taken, above[command.to_scope_id]),
    )


def headroom_of(world: World, actor: Actor, scope_id: str) -> ScopeHeadroom:
    """What a scope has, for whoever may see it; raises `not_found` otherwise.

    The tight scope is named even where its own figures are not the actor's to read: it says whom
    to ask for more.
    """
    scope = scope_of(world, scope_id)
    allowed = {} if actor is SYSTEM else visible(world, actor, Quota)
    if allowed is None or scope_id not in allowed.get("scope_id", (scope_id,)):
        raise not_found("Quota", scope_id)
    ids = (scope_id, *scopes_above(world, scope, scope_id))
    classes = []
    for of in ResourceClass:
        own, *above = [world.seek(Quota, quota_id(each, of)) for each in ids]
        classes.append(headroom(own, [each for each in above if each is not None], of))
    return ScopeHeadroom(scope=scope, scope_id=scope_id, classes=tuple(classes))


def scope_of(world: World, scope_id: str) -> QuotaScope:
    """Which kind of scope an id names; raises `not_found` for none."""
    if world.seek(Application, scope_id) is not None:
        return QuotaScope.APPLICATION
    organisation = world.seek(Organisation, scope_id)
    if organisation is not None and organisation.kind is OrganisationKind.DEPARTMENT:
        return QuotaScope.DEPARTMENT
    if world.seek(Region, scope_id) is not None:
        return QuotaScope.REGION
    raise not_found("Quota", scope_id)


def scopes_above(world: World, scope: QuotaScope, scope_id: str) -> tuple[str, ...]:
    """The ids of the scopes above, root last: application -> department -> the departments above
    it -> its region -> the regions above.

    Raises `not_found` for a scope that does not exist.
    """
    if scope is QuotaScope.APPLICATION:
        department_id = world.get(Application, scope_id).department_id
        return (department_id, *scopes_above(world, QuotaScope.DEPARTMENT, department_id))
    if scope is QuotaScope.DEPARTMENT:
        region_id = world.get(Organisation, scope_id).region_id
        return (
            *superiors_of(world, scope_id),
            region_id,
            *scopes_above(world, QuotaScope.REGION, region_id),
        )
    parent_id = world.get(Region, scope_id).parent_id
    return (parent_id, *scopes_above(world, QuotaScope.REGION, parent_id)) if parent_id else ()


def _lock(world: World, resource_class: ResourceClass, scope_ids: Iterable[str]) -> None:
    world.lock(*((Quota, quota_id(scope_id, resource_class)) for scope_id in scope_ids))


def _limited(world: World, quota: Quota, limit_units: int | None, above: tuple[str, ...]) -> Quota:
    """The quota stored with its new limit, which those above and below allow."""
    of = quota.resource_class
    ancestors = (world.seek(Quota, quota_id(scope_id, of)) for scope_id in above)
    limiting = next((each for each in ancestors if each is not None and each.limited), None)
    changed = set_limit(quota, limit_units, limiting)
    if changed.limited:
        for below in _bound_by(world, changed.scope, changed.scope_id, of):
            _check_below(changed, below)
    return world.put(changed)


def _bound_by(world: World, scope: QuotaScope, scope_id: str, of: ResourceClass) -> Iterator[Quota]:
    """The nearest quotas below that say something: what lies below them is theirs to bind."""
    for below, below_id in _scopes_below(world, scope, scope_id):
        quota = world.seek(Quota, quota_id(below_id, of))
        if quota is not None and quota.limit_units is not None:
            yield quota
        else:
            yield from _bound_by(world, below, below_id, of)


def _scopes_below(
    world: World, scope: QuotaScope, scope_id: str
) -> Iterator[tuple[QuotaScope, str]]:
    kind = OrganisationKind.DEPARTMENT
    if scope is QuotaScope.APPLICATION:
        return
    if scope is QuotaScope.DEPARTMENT:
        for unit in world.find(Organisation, parent_id=scope_id, kind=kind):
            yield QuotaScope.DEPARTMENT, unit.id
        for application in world.find(Application, department_id=scope_id):
            yield QuotaScope.APPLICATION, application.id
        return
    for region in world.find(Region, parent_id=scope_id):
        yield QuotaScope.REGION, region.id
    departments = world.find(Organisation, region_id=scope_id, kind=kind)
    inside = {department.id for department in departments}
    for department in departments:
        if inside.isdisjoint(superiors_of(world, department.id)):  # the others stand below theirs
            yield QuotaScope.DEPARTMENT, department.id


def _check_below(quota: Quota, below: Quota) -> None:
    """Raise `limit_above_parent` for a limit below that the changed one would not allow."""
    assert quota.limit_units is not None
    assert below.limit_units is not None
    if below.limit_units == UNLIMITED or below.limit_units > quota.limit_units:
        raise limit_above_parent(
            below.scope_id, below.limit_units, quota.scope_id, quota.limit_units
        )


def _fresh(world: World, command: SetQuota, parent_id: str | None) -> Quota:
    """A counter that begins with what its scope runs and holds already."""
    inside = _inside(world, command.scope, command.scope_id)
    running = world.stream(Allocation, **inside)
    held = world.stream(Reservation, state=ReservationState.HELD, **inside)
    return Quota(
        id=quota_id(command.scope_id, command.resource_class),
        scope=command.scope,
        scope_id=command.scope_id,
        parent_id=parent_id,
        resource_class=command.resource_class,
        limit_units=None,
        allocated=_units(command.resource_class, (each.counted for each in running)),
        reserved=_units(command.resource_class, (each.quota_amounts for each in held)),
    )


def _inside(world: World, scope: QuotaScope, scope_id: str) -> dict[str, Any]:
    """The condition for what belongs to a scope."""
    if scope is QuotaScope.APPLICATION:
        return {"application_id": scope_id}
    if scope is QuotaScope.DEPARTMENT:
        return {"department_id": units_below(world, (scope_id,))}
    regions = [scope_id]
    for region_id in regions:
        regions.extend(each.id for each in world.find(Region, parent_id=region_id))
    departments = world.find(Organisation, region_id=tuple(regions))
    return {"department_id": tuple(each.id for each in departments)}


def _units(resource_class: ResourceClass, each: Iterable[tuple[ResourceAmount, ...]]) -> int:
    return sum(
        amount.units
        for amounts in each
        for amount in amounts
        if amount.resource_class is resource_class
    )
