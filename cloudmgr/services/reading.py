"""Who may read what: one rule for the API's lists, its single records and the memory driver.

City offices read everything; a department its own, a county its county's, a provider its own.
What has no owner is read by everybody who is signed in, or by city offices only. Who is both of a
department and of a provider reads as the department.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.budget import Budget, BudgetChange
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.files import FileContent, StoredFile
from cloudmgr.domain.parties import Organisation, Region, RoleGrant, Token, User
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import PRICING_STATES, Quote
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.sessions import SignInAttempts
from cloudmgr.domain.settlement import Settlement
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import IdempotencyRecord
from cloudmgr.services.organisations import papers_of
from cloudmgr.services.world import V, World

PUBLIC: frozenset[type[Value]] = frozenset({Region, Organisation, Site, ResourcePool})
"""Read by everybody who is signed in, but for providers among them only what is theirs; services
of other nouns add theirs with `open_to_all`."""

SECRET: frozenset[type[Value]] = frozenset({User, SignInAttempts, IdempotencyRecord, FileContent})
"""Read by nobody here: password hashes, who fails to sign in, and answers that were somebody
else's."""

T = TypeVar("T")

_OF_A_DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)

_public: set[type[Value]] = set(PUBLIC)
_secret: set[type[Value]] = set(SECRET)


def open_to_all(*kinds: type[Value]) -> None:
    """Declare kinds that everybody who is signed in may read."""
    _public.update(kinds)


_personal: set[type[Value]] = set()


def personal(*kinds: type[Value]) -> None:
    """Declare kinds of which everybody, the city's offices too, sees what is addressed to them."""
    _personal.update(kinds)


def secret(*kinds: type[Value]) -> None:
    """Declare kinds that nobody reads."""
    _secret.update(kinds)


Rule = Callable[[World, Actor], dict[str, tuple[Any, ...]] | None]
"""Under which conditions records of a kind are somebody's to see; asked for no city office."""

_rules: dict[type[Value], Rule] = {}


def visible_by(kind: type[Value], rule: Rule) -> None:
    """Declare who sees a kind whose records are seen by their state, or by another record's."""
    _rules[kind] = rule


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some records in the order of their ids, and where to continue; None at the end."""

    items: tuple[T, ...]
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


def visible(world: World, actor: Actor, kind: type[Value]) -> dict[str, tuple[Any, ...]] | None:
    """The conditions under which records of a kind are the actor's to see.

    None when none are; an empty mapping when all are.
    """
    if kind in _secret:
        return None
    if kind in _personal:
        return {"user_id": (actor.user_id,)}
    if kind is Token:  # one's own; `id` is a digest, of which the secret cannot be worked out
        everybodys = actor.has_for_city(Role.SECURITY_ADMIN)
        return {} if everybodys else {"user_id": (actor.user_id,)}
    if kind is RoleGrant and not actor.city_wide:
        admin = actor.has_for_city(Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)
        return {} if admin else {"user_id": (actor.user_id,)}
    if actor.city_wide:
        return {}
    if kind in _rules:
        return _rules[kind](world, actor)
    departments = _departments(world, actor)
    if kind is StoredFile:  # what it is attached to may show it to others
        return {"organisation_id": tuple(sorted({*departments, *actor.organisations()}))}
    providers = tuple(sorted(actor.organisations(Role.PROVIDER)))
    if providers and not departments:
        own = _of_providers(world, kind, providers)
        return {} if own is None and kind in _public else own
    if kind is Quote:  # an offer is between the provider and the city until it is in force
        return {"state": PRICING_STATES}
    if kind in _public:
        return {}
    payers = tuple(sorted(grant.organisation_id for grant in actor.grants if _pays(grant)))
    if payers and kind in (Budget, Settlement):
        return {"payer_id": payers}
    if payers and kind is BudgetChange:
        return _of_budgets(world, payer_id=payers)
    return _of_departments(world, actor, kind, departments) if departments else None


def _of_providers(
    world: World, kind: type[Value], providers: tuple[str, ...]
) -> dict[str, tuple[Any, ...]] | None:
    """Its own pools, quotes, tasks and papers: competitors do not see each other's."""
    fields = kind.__dataclass_fields__
    if "provider_id" in fields:
        return {"provider_id": providers}
    if "pool_id" in fields:
        pools = world.find(ResourcePool, provider_id=providers)
        return {"pool_id": tuple(pool.id for pool in pools)}
    return None


def _of_departments(
    world: World, actor: Actor, kind: type[Value], departments: tuple[str, ...]
) -> dict[str, tuple[Any, ...]] | None:
    if "department_id" in kind.__dataclass_fields__:
        return {"department_id": departments}
    if kind is Approval:  # signatures are seen by those who see the request they stand under
        requests = world.find(ResourceRequest, department_id=departments)
        return {"request_id": tuple(request.id for request in requests)}
    if kind is Settlement:  # of a department that pays itself
        return {"payer_id": tuple(sorted(actor.organisations(*_OF_A_DEPARTMENT)))}
    if kind is BudgetChange:
        return _of_budgets(world, department_id=departments)
    if kind is Quota:
        systems = world.find(Application, department_id=departments)
        scopes = (*actor.counties, *departments, *(system.id for system in systems))
        return {"scope_id": scopes}
    return None


def _of_budgets(world: World, **whose: Any) -> dict[str, tuple[Any, ...]]:
    return {"budget_id": tuple(budget.id for budget in world.find(Budget, **whose))}


def _pays(grant: Grant) -> bool:
    """A county's finance office reads what it pays; the city's reads everything."""
    return grant.county and grant.role is Role.FINANCE


def _departments(world: World, actor: Actor) -> tuple[str, ...]:
    own = set(papers_of(world, actor.organisations(*_OF_A_DEPARTMENT)))
    if actor.counties:
        inside = world.find(Organisation, region_id=tuple(sorted(actor.counties)))
        own.update(each.id for each in inside)
    return tuple(sorted(own))
