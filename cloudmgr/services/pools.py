"""Resource pools and their inventory as commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import utc
from catalog.quantity import ResourceClass, whole
from catalog.skus import STACKS
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, ResourcePool, Site
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPool(Command):
    """Register a provider's resource pool at a site."""

    name_zh: str
    name_en: str
    provider_id: str
    site_id: str
    kind: PoolKind
    stack: str
    zones: tuple[Zone, ...]
    mlps_level: int
    management_level: ManagementLevel
    department_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePool(Command):
    """Onboard, restrict or retire a pool; a retiring one names its exit date."""

    pool_id: str
    to: PoolState
    exit_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInventory(Command):
    """State what a pool has of one resource class, in base units."""

    pool_id: str
    resource_class: ResourceClass
    total: int
    reserved: int = 0
    allocation_ratio_percent: int = 100


@handles(Role.TECHNICAL_REVIEWER)
def register_pool(world: World, command: RegisterPool, actor: Actor, now: datetime) -> ResourcePool:
    if world.get(Organisation, command.provider_id).kind is not OrganisationKind.PROVIDER:
        raise bad_value("provider_id", f"{command.provider_id} is not a provider")
    world.get(Site, command.site_id)
    if command.stack not in STACKS:
        raise bad_value("stack", f"a stack is one of {', '.join(STACKS)}")
    if not command.zones:
        raise bad_value("zones", "a pool serves at least one network zone")
    return world.put(
        ResourcePool(
            id=next_id(world, "POOL"),
            name_zh=command.name_zh,
            name_en=command.name_en,
            provider_id=command.provider_id,
            site_id=command.site_id,
            kind=command.kind,
            stack=command.stack,
            zones=command.zones,
            mlps_level=command.mlps_level,
            management_level=command.management_level,
            department_ids=command.department_ids,
        )
    )


@handles(Role.TECHNICAL_REVIEWER)
def move_pool(world: World, command: MovePool, actor: Actor, now: datetime) -> ResourcePool:
    pool = world.get(ResourcePool, command.pool_id)
    if command.to is PoolState.RETIRING and command.exit_at is None:
        raise bad_value("exit_at", "a retiring pool names the date by which it is empty")
    exit_at = utc(command.exit_at) if command.exit_at else pool.exit_at
    return world.put(advance(pool, command.to, exit_at=exit_at))


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER)
def set_inventory(world: World, command: SetInventory, actor: Actor, now: datetime) -> Inventory:
    pool = world.get(ResourcePool, command.pool_id)
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, pool.provider_id, "ResourcePool", pool.id, Role.PROVIDER)
    whole(command.total, at_least=0)
    whole(command.reserved, at_least=0)
    if not 100 <= command.allocation_ratio_percent <= 1600:
        raise bad_value("allocation_ratio_percent", "over-commit is 100 to 1600 percent")
    id = inventory_id(pool.id, command.resource_class)
    world.lock((Inventory, id))
    present = world.seek(Inventory, id) or Inventory(
        id=id, pool_id=pool.id, resource_class=command.resource_class, total=0
    )
    return world.put(
        replace(
            present,
            total=command.total,
            reserved=command.reserved,
            allocation_ratio_percent=command.allocation_ratio_percent,
        )
    )
