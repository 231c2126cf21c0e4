"""Sites, resource pools and their inventory as commands: who may register, edit and state what.
How a pool's state changes is `pools_life`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from catalog.period import utc
from catalog.quantity import ResourceAmount, ResourceClass, whole
from catalog.skus import STACKS
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.capacity import Inventory, InventoryRecord, inventory_id
from cloudmgr.domain.errors import bad_value, expansion_limited, not_found, pool_closed
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.pools import (
    ManagementLevel,
    PoolKind,
    ResourcePool,
    Site,
    SiteRole,
    check_site,
)
from cloudmgr.domain.pools_life import FORBIDDEN, Forbidden
from cloudmgr.domain.pools_makeup import Component, check_makeup
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import pool_rules
from cloudmgr.services.world import World, next_id

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Since when an inventory has stood that was put before records of it were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSite(Command):
    """Enter a data centre with its coordinates; a partner city's names the city."""

    name_zh: str
    name_en: str
    region_id: str
    role: SiteRole
    latitude_microdegrees: int
    longitude_microdegrees: int
    racks: int = 0
    racks_used: int = 0
    pue_hundredths: int | None = None
    partner_city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSite(Command):
    """Correct a data centre; what is left out stays. Distances decide where copies may stand, so
    coordinates are the technical reviewer's."""

    site_id: str
    name_zh: str | None = None
    name_en: str | None = None
    role: SiteRole | None = None
    latitude_microdegrees: int | None = None
    longitude_microdegrees: int | None = None
    partner_city: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSiteFacts(Command):
    """State racks, racks in use and PUE of a data centre one has a pool in."""

    site_id: str
    racks: int
    racks_used: int
    pue_hundredths: int | None = None


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
class EditPool(Command):
    """Change what the city decides of a pool; what is left out stays.

    A pool that cannot become domestic is given its expansion limits and its exit date here.
    """

    pool_id: str
    name_zh: str | None = None
    name_en: str | None = None
    kind: PoolKind | None = None
    zones: tuple[Zone, ...] | None = None
    mlps_level: int | None = None
    department_ids: tuple[str, ...] | None = None
    can_become_domestic: bool | None = None
    expansion_limits: tuple[ResourceAmount, ...] | None = None
    exit_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePoolMakeup(Command):
    """State which chips, operating systems and databases a pool is made of, in full."""

    pool_id: str
    makeup: tuple[Component, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInventory(Command):
    """State what a pool has of one resource class, in base units."""

    pool_id: str
    resource_class: ResourceClass
    total: int
    reserved: int = 0
    allocation_ratio_percent: int = 100
    reason: str = ""


@handles(Role.TECHNICAL_REVIEWER)
def register_site(world: World, command: RegisterSite, actor: Actor, now: datetime) -> Site:
    world.get(Region, command.region_id)
    site = Site(
        id=next_id(world, "SITE"),
        **{field.name: getattr(command, field.name) for field in fields(command)},
    )
    check_site(site)
    return world.put(site)


@handles(Role.TECHNICAL_REVIEWER)
def edit_site(world: World, command: EditSite, actor: Actor, now: datetime) -> Site:
    site = replace(world.get(Site, command.site_id), **_given(command, "site_id"))
    check_site(site)
    return world.put(site)


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER)
def state_site_facts(world: World, command: StateSiteFacts, actor: Actor, now: datetime) -> Site:
    site = world.get(Site, command.site_id)
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        mine = tuple(actor.organisations(Role.PROVIDER))
        if not world.find(ResourcePool, site_id=site.id, provider_id=mine, limit=1):
            raise not_found("Site", site.id)
    stated = replace(
        site,
        racks=whole(command.racks, at_least=0),
        racks_used=whole(command.racks_used, at_least=0),
        pue_hundredths=command.pue_hundredths,
    )
    check_site(stated)
    return world.put(stated)


@handles(Role.TECHNICAL_REVIEWER)
def register_pool(world: World, command: RegisterPool, actor: Actor, now: datetime) -> ResourcePool:
    if world.get(Organisation, command.provider_id).kind is not OrganisationKind.PROVIDER:
        raise bad_value("provider_id", f"{command.provider_id} is not a provider")
    world.get(Site, command.site_id)
    if command.stack not in STACKS:
        raise bad_value("stack", f"a stack is one of {', '.join(STACKS)}")
    pool = ResourcePool(
        id=next_id(world, "POOL"),
        state_since=now,
        **{field.name: getattr(command, field.name) for field in fields(command)},
    )
    _check_pool(world, pool)
    return world.put(pool)


@handles(Role.TECHNICAL_REVIEWER)
def edit_pool(world: World, command: EditPool, actor: Actor, now: datetime) -> ResourcePool:
    pool = open_pool(world, command.pool_id, "edits")
    given = _given(command, "pool_id")
    if command.exit_at is not None:
        given["exit_at"] = utc(command.exit_at)
    edited = replace(pool, **given)
    _check_pool(world, edited)
    return world.put(edited)


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER)
def state_pool_makeup(
    world: World, command: StatePoolMakeup, actor: Actor, now: datetime
) -> ResourcePool:
    pool = own_pool(world, command.pool_id, actor)
    check_makeup(command.makeup)
    return world.put(replace(pool, makeup=command.makeup))


@handles(Role.PROVIDER, Role.TECHNICAL_REVIEWER)
def set_inventory(world: World, command: SetInventory, actor: Actor, now: datetime) -> Inventory:
    """Raises `pool_closed` or `expansion_limited` for growth that the pool's state or its limits
    forbid, and keeps what stood there before as a record."""
    pool = own_pool(world, command.pool_id, actor)
    whole(command.total, at_least=0)
    whole(command.reserved, at_least=0)
    _check_ratio(world, pool, command, now)
    id = inventory_id(pool.id, command.resource_class)
    world.lock((Inventory, id))
    present = world.seek(Inventory, id) or Inventory(
        id=id, pool_id=pool.id, resource_class=command.resource_class, total=0
    )
    if command.total > present.total:
        _check_expansion(pool, command)
    _record(world, pool, present, command, actor, now)
    return world.put(
        replace(
            present,
            total=command.total,
            reserved=command.reserved,
            allocation_ratio_percent=command.allocation_ratio_percent,
        )
    )


def open_pool(world: World, pool_id: str, what: str) -> ResourcePool:
    """A pool that is not retired; raises `pool_closed` for one that is."""
    pool = world.get(ResourcePool, pool_id)
    if Forbidden.EVERYTHING in FORBIDDEN[pool.state]:
        raise pool_closed(pool.id, pool.state, what)
    return pool


def own_pool(world: World, pool_id: str, actor: Actor) -> ResourcePool:
    """A pool of the actor's provider, or any for the city's technical reviewer; raises
    `not_found` for a foreign one and `pool_closed` for a retired one."""
    pool = world.get(ResourcePool, pool_id)
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        require_in(actor, pool.provider_id, "ResourcePool", pool.id, Role.PROVIDER)
    return open_pool(world, pool.id, "statements about it")


def inventory_history(world: World, pool_id: str) -> tuple[InventoryRecord, ...]:
    """What was stated of a pool, in the order it was stated."""
    return world.find(InventoryRecord, pool_id=pool_id)


def _check_pool(world: World, pool: ResourcePool) -> None:
    if not pool.zones:
        raise bad_value("zones", "a pool serves at least one network zone")
    if not 1 <= pool.mlps_level <= 4:
        raise bad_value("mlps_level", "a pool is graded at protection level 1 to 4")
    for id in pool.department_ids:
        if world.get(Organisation, id).kind is not OrganisationKind.DEPARTMENT:
            raise bad_value("department_ids", f"{id} is not a department")
    if pool.expansion_limits and pool.can_become_domestic:
        raise bad_value(
            "expansion_limits", "only a pool that cannot become domestic is limited like this"
        )
    if not pool.can_become_domestic and pool.exit_at is None:
        raise bad_value("exit_at", "a pool that cannot become domestic has the date of its exit")


def _check_ratio(world: World, pool: ResourcePool, command: SetInventory, now: datetime) -> None:
    least, most = pool_rules(world, now).ratio_bounds_of(command.resource_class, pool.kind)
    if not least <= command.allocation_ratio_percent <= most:
        raise bad_value(
            "allocation_ratio_percent",
            f"over-commit of {command.resource_class} in a {pool.kind} pool is {least} to {most} "
            "percent",
        )


def _check_expansion(pool: ResourcePool, command: SetInventory) -> None:
    if Forbidden.EXPANSION in FORBIDDEN[pool.state]:
        raise pool_closed(pool.id, pool.state, "its expansion")
    for limit in pool.expansion_limits:
        if limit.resource_class is command.resource_class and command.total > limit.units:
            raise expansion_limited(pool.id, limit.resource_class, limit.units, command.total)


def _record(
    world: World,
    pool: ResourcePool,
    present: Inventory,
    command: SetInventory,
    actor: Actor,
    now: datetime,
) -> None:
    """Append what is stated now; what was put without a record has stood since long ago."""
    known = world.find(
        InventoryRecord, pool_id=pool.id, resource_class=command.resource_class, limit=1
    )
    if not known and present.version:
        world.put(inventory_record(world, pool, present, LONG_AGO, by="", reason=""))
    stated = replace(
        present,
        total=command.total,
        reserved=command.reserved,
        allocation_ratio_percent=command.allocation_ratio_percent,
    )
    world.put(inventory_record(world, pool, stated, now, by=actor.user_id, reason=command.reason))


def inventory_record(
    world: World, pool: ResourcePool, inventory: Inventory, at: datetime, *, by: str, reason: str
) -> InventoryRecord:
    """The next record of what a pool has."""
    return InventoryRecord(
        id=next_id(world, "INV"),
        pool_id=pool.id,
        provider_id=pool.provider_id,
        resource_class=inventory.resource_class,
        total=inventory.total,
        reserved=inventory.reserved,
        allocation_ratio_percent=inventory.allocation_ratio_percent,
        stated_at=at,
        stated_by=by,
        reason=reason,
    )


def _given(command: Command, *but: str) -> dict[str, Any]:
    """The fields of an edit that say something."""
    return {
        field.name: value
        for field in fields(command)
        if field.name not in but and (value := getattr(command, field.name)) is not None
    }
