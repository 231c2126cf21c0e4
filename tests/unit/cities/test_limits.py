"""Quotas and budgets hold what runs, with room for a month and no child above its parent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from catalog.errors import Invalid
from catalog.quantity import ResourceClass
from cloudmgr.cities.city import City
from cloudmgr.cities.load import put_city
from cloudmgr.cities.read import read_city
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import (
    Budget,
    BudgetChange,
    BudgetChangeKind,
    BudgetCommitment,
    budget_id,
)
from cloudmgr.domain.parties import OrganisationKind
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id
from cloudmgr.services.memory import MemoryNode
from tests.unit.cities.conftest import Break, Loaded


def test_every_quota_counts_what_runs_below_it(city: City, loaded: Loaded) -> None:
    above = {each.id: each.department_id for each in city.applications}
    regions = {each.id: each.region_id for each in city.organisations}
    parents = {each.id: each.parent_id for each in city.regions}
    sums: dict[tuple[str, ResourceClass], int] = {}
    with loaded.node.transaction() as world:
        for allocation in world.find(Allocation):
            region: str | None = regions[allocation.department_id]
            scopes = [allocation.application_id, above[allocation.application_id]]
            while region is not None:
                scopes.append(region)
                region = parents[region]
            for amount in allocation.resources:
                for scope in scopes:
                    key = (scope, amount.resource_class)
                    sums[key] = sums.get(key, 0) + amount.units
        quotas = world.find(Quota)
    assert all(
        each.allocated == sums.get((each.scope_id, each.resource_class), 0) for each in quotas
    )
    assert all(each.reserved == 0 for each in quotas)


def test_every_department_may_grow_in_every_class(city: City, loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        for department in city.organisations_of(OrganisationKind.DEPARTMENT):
            for resource_class in ResourceClass:
                for scope_id in (department.id, department.region_id, "city"):
                    left = world.get(Quota, quota_id(scope_id, resource_class)).left
                    assert left is not None
                    assert left > 0, (scope_id, resource_class)


def test_no_limit_is_above_its_parents(loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        for each in world.find(Quota):
            parent = world.seek(Quota, each.parent_id) if each.parent_id else None
            if parent is not None:
                assert each.limit_units is not None
                assert parent.limit_units is not None
                assert each.limit_units <= parent.limit_units


def test_some_systems_have_a_limit_of_their_own(loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        assert len({q.scope_id for q in world.find(Quota, scope=QuotaScope.APPLICATION)}) >= 3


def test_every_department_has_a_budget_under_its_payers(city: City, loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        for department in city.organisations_of(OrganisationKind.DEPARTMENT):
            payer = city.policy.payer_of(department.region_id, department.id)
            budget = world.get(Budget, budget_id(payer, department.id, 2026))
            assert budget.parent_id == budget_id(payer, None, 2026)
            assert world.get(Budget, budget.parent_id).department_id is None


def test_every_budget_is_its_one_initial_change_with_a_document(loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        budgets = world.find(Budget)
        changes = world.find(BudgetChange)
    assert {each.kind for each in changes} == {BudgetChangeKind.INITIAL}
    assert {each.budget_id: each.amount for each in changes} == {b.id: b.approved for b in budgets}
    assert len(changes) == len(budgets)
    assert all(each.document_number for each in changes)


def test_the_opening_stock_is_committed_on_both_budgets_of_a_chain(loaded: Loaded) -> None:
    rows: dict[str, Decimal] = {}
    with loaded.node.transaction() as world:
        for row in world.find(BudgetCommitment):
            rows[row.budget_id] = rows.get(row.budget_id, Decimal(0)) + row.amount
        for budget in world.find(Budget):
            children = [each.id for each in world.find(Budget, parent_id=budget.id)]
            expected = sum((rows.get(id, Decimal(0)) for id in (budget.id, *children)), Decimal(0))
            assert budget.committed == expected
            assert budget.left > 0, budget.id


def test_a_limit_below_what_runs_is_refused_with_its_place(broken: Break) -> None:
    limit = 'scope_id = "A01"\nunits = {{ VCPU = {}'
    folder = broken("quotas.toml", limit.format(320), limit.format(8))
    with pytest.raises(Invalid, match=r"limit 8: A01.*A01/VCPU is 8, \d+ run"):
        load(folder)


def test_a_limit_above_its_parents_is_refused_with_its_place(broken: Break) -> None:
    folder = broken("quotas.toml", "VCPU = 96", "VCPU = 20000")
    with pytest.raises(Invalid, match=r"limit 2: xiayi.*limit 20000 of xiayi would exceed"):
        load(folder)


def test_departments_with_more_than_their_payer_has_are_refused(broken: Break) -> None:
    folder = broken("budgets.csv", "finance,,2026,21300000.00", "finance,,2026,300000.00")
    with pytest.raises(Invalid, match=r"line 2 \(finance\), field approved: 300000.00 is less"):
        load(folder)


def test_a_department_whose_payer_has_no_budget_is_refused(broken: Break) -> None:
    folder = broken("budgets.csv", "finance-xiayi,,2026", "finance-xiayi,,2027")
    with pytest.raises(Invalid, match="field payer: finance-xiayi has no row of its own"):
        load(folder)


def load(folder: Path) -> None:
    with MemoryNode().transaction() as world:
        put_city(world, read_city(folder))
