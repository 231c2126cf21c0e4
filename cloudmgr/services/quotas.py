"""Quotas as commands, and the tree of their scopes; reserving against them is `binding`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation, Reservation, ReservationState
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value, limit_above_parent
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.domain.quota import UNLIMITED, Quota, QuotaScope, quota_id, set_limit
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota(Command):
    """Set, change or (with null) take away the limit of one scope and class; -1 is unlimited."""

    scope: QuotaScope
    scope_id: str
    resource_class: ResourceClass
    limit_units: int | None


@handles(Role.TECHNICAL_REVIEWER)
def set_quota(world: World, command: SetQuota, actor: Actor, now: datetime) -> Quota:
    """Raises `limit_above_parent`: no limit may exceed that of the nearest scope above that has
    one, nor be lowered below a child's."""
    if command.limit_units is not None and command.limit_units < UNLIMITED:
        raise bad_value("limit_units", "a limit is 0 or more, or -1 for unlimited")
    above = scopes_above(world, command.scope, command.scope_id)
    ids = [quota_id(scope_id, command.resource_class) for scope_id in (command.scope_id, *above)]
    world.lock(*((Quota, id) for id in ids))
    present = world.seek(Quota, ids[0]) or _fresh(world, command, ids[1] if above else None)
    ancestors = (world.seek(Quota, id) for id in ids[1:])
    limiting = next((each for each in ancestors if each is not None and each.limited), None)
    changed = set_limit(present, command.limit_units, limiting)
    if changed.limited:
        _check_children(world, changed)
    return world.put(changed)


def scopes_above(world: World, scope: QuotaScope, scope_id: str) -> tuple[str, ...]:
    """The ids of the scopes above, root last: application -> department -> region -> its parents.

    Raises `not_found` for a scope that does not exist.
    """
    if scope is QuotaScope.APPLICATION:
        department_id = world.get(Application, scope_id).department_id
        return (department_id, *scopes_above(world, QuotaScope.DEPARTMENT, department_id))
    if scope is QuotaScope.DEPARTMENT:
        region_id = world.get(Organisation, scope_id).region_id
        return (region_id, *scopes_above(world, QuotaScope.REGION, region_id))
    parent_id = world.get(Region, scope_id).parent_id
    return (parent_id, *scopes_above(world, QuotaScope.REGION, parent_id)) if parent_id else ()


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
        allocated=_units(command.resource_class, (each.resources for each in running)),
        reserved=_units(command.resource_class, (each.quota_amounts for each in held)),
    )


def _inside(world: World, scope: QuotaScope, scope_id: str) -> dict[str, Any]:
    """The condition for what belongs to a scope."""
    if scope is QuotaScope.APPLICATION:
        return {"application_id": scope_id}
    if scope is QuotaScope.DEPARTMENT:
        return {"department_id": scope_id}
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


def _check_children(world: World, quota: Quota) -> None:
    """Raise `limit_above_parent` naming a child whose limit the changed one would not allow."""
    assert quota.limit_units is not None
    for child in world.find(Quota, parent_id=quota.id):
        limit = child.limit_units
        if limit is not None and (limit == UNLIMITED or limit > quota.limit_units):
            raise limit_above_parent(child.scope_id, limit, quota.scope_id, quota.limit_units)
