"""A rehearsal of going live: the reference city written into the workbook and brought into a node
that knows its organisations, systems, pools and catalog only, gives the same stock and counters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloudmgr.cities.city import City
from cloudmgr.cities.load import put_city
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.node import NodeSettings
from cloudmgr.domain.openings import OpeningLine, OpeningState
from cloudmgr.domain.parties import Organisation, Region, RoleGrant, User
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.values import Value
from cloudmgr.services.clock import run_due
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.files import UploadFile
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.openings import ImportOpening
from cloudmgr.services.openings_answers import ConfirmOpeningLines
from cloudmgr.services.openings_export import opening_book
from cloudmgr.services.openings_signing import SignOpening
from cloudmgr.services.sessions import actor_of

KEPT = (
    NodeSettings, Region, Organisation, User, RoleGrant, Site, ResourcePool, Application, Policy,
    PublishedCatalog, CatalogContent,
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded(city: City) -> MemoryNode:
    node = MemoryNode()
    with node.transaction() as world:
        put_city(world, city)
    return node


@pytest.fixture(scope="module")
def gone_live(city: City, loaded: MemoryNode) -> MemoryNode:
    """An empty node that took the workbook, three days before the cut-over."""
    with loaded.reading() as world:
        data = opening_book(world, city.opens_at)
    node = _empty(loaded)
    now = city.opens_at - timedelta(days=3)

    def give(command: Command, login: str) -> Any:
        with node.transaction() as world:
            return perform(world, command, actor_of(world, login), now)

    file = give(UploadFile(name="opening.xlsx", data=data), "opco.a")
    command = ImportOpening(title="期初建账", cut_over=city.opens_at, file_id=file.id)
    opening = give(command, "opco.a")
    for login in _both_sides(city):
        give(ConfirmOpeningLines(opening_id=opening.id), login)
    for login in ("authority.a", "finance.a"):
        opening = give(SignOpening(opening_id=opening.id), login)
    assert opening.state is OpeningState.SIGNED
    with node.transaction() as world:
        run_due(world, city.opens_at)
    return node


def _empty(loaded: MemoryNode) -> MemoryNode:
    """What a node knows before anything runs: inventories are stated, nothing is taken of them."""
    node = MemoryNode()
    with loaded.reading() as known, node.transaction() as world:
        for kind in KEPT:
            world.put_many(replace(each, version=0) for each in known.find(kind))
        for each in known.find(Inventory):
            world.put(replace(each, allocated=0, version=0))
    return node


def _both_sides(city: City) -> Iterator[str]:
    for role in (Role.PROVIDER, Role.DEPARTMENT_USER):
        by_organisation = {
            person.organisation_id: person.login for person in city.people if role in person.roles
        }
        yield from by_organisation.values()


def every(node: MemoryNode, kind: type[Any]) -> tuple[Any, ...]:
    with node.reading() as world:
        found: tuple[Any, ...] = world.find(kind)
    return found


def plain(records: Iterable[Value], **changed: Any) -> list[Value]:
    return [replace(each, version=0, **changed) for each in records]


def test_the_same_allocations_stand_under_contracts_of_the_same_numbers(
    loaded: MemoryNode, gone_live: MemoryNode
) -> None:
    numbers = {each.id: each.number for each in every(loaded, Contract)}
    mine = {each.id: each.number for each in every(gone_live, Contract)}
    before, after = every(loaded, Allocation), every(gone_live, Allocation)
    assert len(after) == len(before) > 500
    assert [numbers[each.contract_id] for each in before] == [
        mine[each.contract_id] for each in after
    ]
    assert plain(before, contract_id="") == plain(after, contract_id="")


@pytest.mark.parametrize("kind", [Inventory, Quota, Budget, BudgetCommitment])
def test_the_counters_of_pools_limits_and_money_are_the_same(
    loaded: MemoryNode, gone_live: MemoryNode, kind: type[Value]
) -> None:
    assert plain(every(loaded, kind)) == plain(every(gone_live, kind))


def test_what_contracts_have_settled_is_the_same(loaded: MemoryNode, gone_live: MemoryNode) -> None:
    before = {each.number: each for each in every(loaded, Contract)}
    after = {each.number: each for each in every(gone_live, Contract)}
    assert before.keys() == after.keys()
    for number, contract in after.items():
        assert replace(contract, id="", version=0) == replace(before[number], id="", version=0)


def test_every_line_went_live(gone_live: MemoryNode) -> None:
    assert {str(each.state) for each in every(gone_live, OpeningLine)} == {"live"}
