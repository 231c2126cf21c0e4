"""What a request would leave of quotas and budgets, and what would refuse it if bound today.

Owns warnings only: each is the refusal of the very function that binds, told before anybody signs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from catalog.errors import CloudmgrError
from catalog.period import shanghai
from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain import budget as budgets
from cloudmgr.domain import quota as quotas
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.errors import budget_not_set
from cloudmgr.domain.placement import capacity
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id
from cloudmgr.domain.requests import RequestKind, ResourceRequest, Shortage
from cloudmgr.services.placements import none_takes, pool_amounts, quota_amounts
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.quotas import scopes_above
from cloudmgr.services.world import World

Asked = Mapping[ResourceClass, int]
Free = Mapping[tuple[str, ResourceClass], int]

NAMED = 5
"""So many lines without room are named one by one; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaView:
    """One limit above the request, before and after it. `limit_units` null is not set, -1 is
    unlimited; `percent` is how full it would be (null: it limits nothing)."""

    scope: QuotaScope
    scope_id: str
    resource_class: ResourceClass
    limit_units: int | None
    committed: int
    asked: int
    after: int
    percent: int | None


def asked_units(world: World, request: ResourceRequest, now: datetime) -> Asked:
    """What all lines together ask of the quota, by class."""
    asked: Counter[ResourceClass] = Counter()
    if request.kind is RequestKind.RELEASE:
        return asked
    for line in request.lines:
        held = world.get(Allocation, line.allocation_id) if line.allocation_id else None
        sku = sku_at(world, line.sku_id, now)
        for amount in quota_amounts(sku, line, request.kind, held):
            asked[amount.resource_class] += amount.units
    return asked


def quota_chain(world: World, request: ResourceRequest, of: ResourceClass) -> tuple[Quota, ...]:
    """The counters of a class that stand above a request: its application's first, the root's
    last; those of them that exist."""
    above = scopes_above(world, QuotaScope.DEPARTMENT, request.department_id)
    scopes = (request.application_id, request.department_id, *above)
    found = (world.seek(Quota, quota_id(scope_id, of)) for scope_id in scopes)
    return tuple(each for each in found if each is not None)


def quota_views(world: World, request: ResourceRequest, asked: Asked) -> tuple[QuotaView, ...]:
    """Every counter above the request for what it asks, own scope first."""
    return tuple(
        QuotaView(
            scope=quota.scope,
            scope_id=quota.scope_id,
            resource_class=of,
            limit_units=quota.limit_units,
            committed=quota.committed,
            asked=units,
            after=quota.committed + units,
            percent=quotas.percent_after(quota, units),
        )
        for of, units in sorted(asked.items())
        for quota in quota_chain(world, request, of)
    )


def quota_warnings(world: World, request: ResourceRequest, asked: Asked) -> tuple[Shortage, ...]:
    def check(of: ResourceClass, units: int) -> None:
        chain = quota_chain(world, request, of)
        quotas.check(chain, of, units, request.application_id)

    return shortages(partial(check, of, units) for of, units in sorted(asked.items()))


def budget_warnings(
    request: ResourceRequest, chain: Sequence[Budget], commitment: Decimal, now: datetime
) -> tuple[Shortage, ...]:
    if not commitment:
        return ()
    if not chain:
        missing = budget_not_set(request.department_id, shanghai(now).year)
        return (Shortage(missing.code, missing.message),)
    return shortages([lambda: budgets.check(chain, commitment)])


def capacity_warnings(
    world: World,
    request: ResourceRequest,
    ranked: Mapping[int, Mapping[str, str | None]],
    now: datetime,
) -> tuple[Shortage, ...]:
    """Lines without room today, when each takes the best pool that the lines before it leave.

    `ranked` gives for each line its pools, best first, with what refuses them.
    """
    free = {(each.pool_id, each.resource_class): each.free for each in world.find(Inventory)}
    full = []
    for line in request.lines:
        held = world.get(Allocation, line.allocation_id) if line.allocation_id else None
        amounts = pool_amounts(sku_at(world, line.sku_id, now), line, request.kind, held)
        pools = ranked[line.line]
        taken = next((id for id in pools if not pools[id] and _room(free, id, amounts)), None)
        if taken is None:
            refused = {id: why or capacity.__name__ for id, why in pools.items()}
            full.append(none_takes(line, refused))
            continue
        for amount in amounts:
            free[taken, amount.resource_class] -= amount.units
    told = [Shortage(each.code, each.message) for each in full[:NAMED]]
    if more := full[NAMED:]:
        told.append(Shortage(more[0].code, f"and {len(more)} more lines find no pool with room"))
    return tuple(told)


def _room(free: Free, pool_id: str, amounts: tuple[ResourceAmount, ...]) -> bool:
    return all(free.get((pool_id, each.resource_class), 0) >= each.units for each in amounts)


def shortages(checks: Iterable[Callable[[], object]]) -> tuple[Shortage, ...]:
    """What the checks refuse, each as a warning."""
    found = []
    for check in checks:
        try:
            check()
        except CloudmgrError as error:
            found.append(Shortage(error.code, error.message))
    return tuple(found)
