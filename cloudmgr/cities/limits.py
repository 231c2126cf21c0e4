"""Quotas and budgets of a city at the cut-over, with what runs counted in.

Owns the expansion of their rules; what a limit means is `domain.quota` and `domain.budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from catalog.errors import CloudmgrError
from catalog.money import ZERO, total
from catalog.quantity import ResourceClass
from cloudmgr.cities.city import BudgetRow, City, Limit
from cloudmgr.domain import quota
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetChangeKind, apply_change, budget_id
from cloudmgr.domain.errors import bad_city
from cloudmgr.domain.openings import running_units
from cloudmgr.domain.parties import OrganisationKind
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id


def quotas_of(city: City, allocations: Iterable[Allocation]) -> tuple[Quota, ...]:
    """Limits of regions, departments and applications, parents first, with `allocated` set.

    Raises `bad_city` for a limit above its parent's or below what runs.
    """
    parents = _parents(city)
    runs = running_units(allocations, parents)
    found: dict[str, Quota] = {}
    for limit in _all_limits(city, runs):
        id = quota_id(limit.scope_id, limit.resource_class)
        parent_scope = parents[limit.scope_id]
        parent_id = quota_id(parent_scope, limit.resource_class) if parent_scope else None
        fresh = Quota(
            id=id,
            scope=limit.scope,
            scope_id=limit.scope_id,
            parent_id=parent_id,
            resource_class=limit.resource_class,
            limit_units=None,
            allocated=runs.get((limit.scope_id, limit.resource_class), 0),
        )
        try:
            parent = found.get(parent_id) if parent_id else None
            made = quota.set_limit(fresh, limit.limit_units, parent)
        except CloudmgrError as error:
            raise bad_city(limit.place, error.message) from error
        if made.left is not None and made.left < 0:
            raise bad_city(limit.place, f"{id} is {limit.limit_units}, {made.allocated} run")
        found[id] = made
    return tuple(found.values())


def _parents(city: City) -> dict[str, str | None]:
    """The scope above each scope: application -> department -> region -> parent region."""
    return (
        {region.id: region.parent_id for region in city.regions}
        | {each.id: each.region_id for each in city.organisations_of(OrganisationKind.DEPARTMENT)}
        | {each.id: each.department_id for each in (*city.applications, *city.planned)}
    )


def _all_limits(city: City, runs: dict[tuple[str, ResourceClass], int]) -> list[Limit]:
    """Every limit, parents first; an explicit one of a department takes the rule's place."""
    explicit = {(each.scope_id, each.resource_class): each for each in city.quotas.limits}
    by_rule = [
        Limit(
            scope=QuotaScope.DEPARTMENT,
            scope_id=department.id,
            resource_class=resource_class,
            limit_units=_by_rule(
                city, resource_class, runs.get((department.id, resource_class), 0)
            ),
            place=f"quotas.toml, departments ({department.id})",
        )
        for department in city.organisations_of(OrganisationKind.DEPARTMENT)
        for resource_class in ResourceClass
        if (department.id, resource_class) not in explicit
    ]
    order = list(QuotaScope)
    return sorted(
        (*explicit.values(), *by_rule),
        key=lambda each: (order.index(each.scope), _depth(city, each), each.scope_id),
    )


def _depth(city: City, limit: Limit) -> int:
    """How far a region stands below the root; the others come after all regions anyway."""
    parents = {region.id: region.parent_id for region in city.regions}
    depth, scope = 0, parents.get(limit.scope_id)
    while scope is not None:
        depth, scope = depth + 1, parents[scope]
    return depth


def _by_rule(city: City, resource_class: ResourceClass, runs: int | None) -> int:
    step = max(city.quotas.step[resource_class], 1)
    wanted = -(-(runs or 0) * city.quotas.percent // (100 * step)) * step
    return max(wanted, city.quotas.floor[resource_class])


def budgets_of(
    city: City, next_id: Callable[[], str]
) -> tuple[tuple[Budget, ...], tuple[BudgetChange, ...]]:
    """Budgets made by their initial change, payers before their departments.

    Raises `bad_city` for a department without its payer's budget, or departments above it.
    """
    rows = sorted(city.budgets, key=lambda row: row.department_id is not None)
    approved = {budget_id(row.payer_id, row.department_id, row.year): row for row in rows}
    for row in rows:
        _check_budget(row, approved)
    budgets, changes = [], []
    for id, row in approved.items():
        change = BudgetChange(
            id=next_id(),
            budget_id=id,
            kind=BudgetChangeKind.INITIAL,
            amount=row.approved,
            document_number=row.document_number,
            at=city.opens_at,
        )
        changes.append(change)
        budgets.append(apply_change(_empty(id, row), change))
    return tuple(budgets), tuple(changes)


def _check_budget(row: BudgetRow, approved: dict[str, BudgetRow]) -> None:
    above = approved.get(budget_id(row.payer_id, None, row.year))
    if above is None:
        raise bad_city(f"{row.place}, field payer", f"{row.payer_id} has no row of its own")
    shares = total(
        other.approved
        for other in approved.values()
        if (other.payer_id, other.year) == (row.payer_id, row.year) and other.department_id
    )
    if shares > above.approved:
        raise bad_city(
            f"{above.place}, field approved",
            f"{above.approved} is less than the {shares} of its departments",
        )


def _empty(id: str, row: BudgetRow) -> Budget:
    above = budget_id(row.payer_id, None, row.year)
    return Budget(
        id=id,
        payer_id=row.payer_id,
        department_id=row.department_id,
        parent_id=above if row.department_id else None,
        year=row.year,
        document_number=row.document_number,
        project_code=row.project_code,
        fund_source=row.fund_source,
        approved=ZERO,
    )
