"""Quotas as commands; reserving against them is `binding`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.quantity import ResourceClass
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value
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
    if command.limit_units is not None and command.limit_units < UNLIMITED:
        raise bad_value("limit_units", "a limit is 0 or more, or -1 for unlimited")
    parent_scope = parent_of(world, command.scope, command.scope_id)
    parent_id = quota_id(parent_scope, command.resource_class) if parent_scope else None
    id = quota_id(command.scope_id, command.resource_class)
    world.lock((Quota, id), *([(Quota, parent_id)] if parent_id else []))
    present = world.seek(Quota, id) or Quota(
        id=id,
        scope=command.scope,
        scope_id=command.scope_id,
        parent_id=parent_id,
        resource_class=command.resource_class,
        limit_units=None,
    )
    parent = world.seek(Quota, parent_id) if parent_id else None
    return world.put(set_limit(present, command.limit_units, parent))


def parent_of(world: World, scope: QuotaScope, scope_id: str) -> str | None:
    """The scope above: application -> department -> region -> parent region; None at the root."""
    if scope is QuotaScope.APPLICATION:
        return world.get(Application, scope_id).department_id
    if scope is QuotaScope.DEPARTMENT:
        return world.get(Organisation, scope_id).region_id
    return world.get(Region, scope_id).parent_id
