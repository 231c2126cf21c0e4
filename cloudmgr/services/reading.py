"""Who may read what: one rule for the API's lists, its single records and the memory driver.

City offices read everything; a department its own, a county its county's, a provider its own.
What has no owner is read by everybody who is signed in, or by city offices only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.values import Value
from cloudmgr.services.world import V, World

PUBLIC: frozenset[type[Value]] = frozenset({Region, Organisation, Site, ResourcePool, Quote})
"""Read by everybody who is signed in; services of other nouns add theirs with `open_to_all`."""

_public: set[type[Value]] = set(PUBLIC)


def open_to_all(*kinds: type[Value]) -> None:
    """Declare kinds that everybody who is signed in may read."""
    _public.update(kinds)


@dataclass(frozen=True, slots=True)
class Page(Generic[V]):
    """Some records in the order of their ids, and where to continue; None at the end."""

    items: tuple[V, ...]
    next_after: str | None


def page(
    world: World, actor: Actor, kind: type[V], /, *, after: str = "", limit: int = 50, **where: Any
) -> Page[V]:
    """One page of what the actor may see; filters that ask for foreign things find nothing."""
    scope = visible(world, actor, kind)
    if scope is None:
        return Page((), None)
    for field, allowed in scope.items():
        asked = where.get(field)
        if asked is None:
            where[field] = allowed
        elif asked not in allowed:
            return Page((), None)
    found = world.find(kind, after=after, limit=limit + 1, **where)
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].id if more else None)


def read(world: World, actor: Actor, kind: type[V], id: str) -> V:
    """One record; raises `not_found` whether it is absent or foreign."""
    scope = visible(world, actor, kind)
    record = world.seek(kind, id)
    if scope is None or record is None:
        raise not_found(kind.__name__, id)
    for field, allowed in scope.items():
        if getattr(record, field) not in allowed:
            raise not_found(kind.__name__, id)
    return record


def visible(world: World, actor: Actor, kind: type[Value]) -> dict[str, tuple[str, ...]] | None:
    """The conditions under which records of a kind are the actor's to see.

    None when none are; an empty mapping when all are.
    """
    if actor.city_wide or kind in _public:
        return {}
    fields = kind.__dataclass_fields__
    if kind is Approval:
        return _through_requests(world, actor)
    departments = _departments(world, actor)
    if departments and "department_id" in fields:
        return {"department_id": departments}
    if departments and kind is Organisation:
        return {"id": departments}
    providers = tuple(sorted(actor.organisations(Role.PROVIDER)))
    if providers and "provider_id" in fields:
        return {"provider_id": providers}
    if providers and "pool_id" in fields:
        pools = world.find(ResourcePool, provider_id=providers)
        return {"pool_id": tuple(pool.id for pool in pools)}
    return None


def _departments(world: World, actor: Actor) -> tuple[str, ...]:
    own = set(actor.organisations(Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD))
    if actor.counties:
        inside = world.find(Organisation, region_id=tuple(sorted(actor.counties)))
        own.update(each.id for each in inside)
    return tuple(sorted(own))


def _through_requests(world: World, actor: Actor) -> dict[str, tuple[str, ...]] | None:
    """Signatures are seen by those who see the request they stand under."""
    departments = _departments(world, actor)
    if not departments:
        return None
    requests = world.find(ResourceRequest, department_id=departments)
    return {"request_id": tuple(request.id for request in requests)}
