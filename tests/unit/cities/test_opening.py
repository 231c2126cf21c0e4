"""The opening stock is large enough, plausible, deterministic, and stands where it may."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import count

import pytest

from catalog.errors import Invalid
from catalog.prices import PriceBook
from catalog.quantity import ResourceClass
from catalog.skus import PricingModel
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import Archetype, City, Scale
from cloudmgr.cities.offers import quotes_of
from cloudmgr.cities.opening import allocations_of, fits, opening_lines
from cloudmgr.domain.allocations import Allocation, AllocationState, SegmentMode
from cloudmgr.domain.applications import DrMode, Zone
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.quotes import quoted_price

Stock = tuple[tuple[Allocation, ...], dict[str, Inventory]]


def expand(city: City, catalog: CatalogVersion) -> Stock:
    quotes, stock = count(1), count(1)
    quoted = quotes_of(city, catalog, lambda: f"QT-{next(quotes):08d}")
    lines = opening_lines(city, catalog)
    return allocations_of(city, lines, quoted, lambda: f"ALC-{next(stock):08d}")


@pytest.fixture(scope="module")
def stock(city: City, catalog: CatalogVersion) -> Stock:
    return expand(city, catalog)


def test_about_five_hundred_allocations_run_at_the_cut_over(stock: Stock) -> None:
    allocations, _ = stock
    assert 450 <= len(allocations) <= 560


def test_every_system_runs_something(city: City, stock: Stock) -> None:
    allocations, _ = stock
    assert {each.application_id for each in allocations} == {each.id for each in city.applications}


def test_at_least_four_metered_items_are_used_each_with_an_estimate(
    catalog: CatalogVersion, stock: Stock
) -> None:
    allocations, _ = stock
    metered = [
        each for each in allocations if catalog.sku(each.sku_id).model is PricingModel.METERED
    ]
    assert len({each.sku_id for each in metered}) >= 4
    assert all(each.estimate_units > 0 for each in metered)


def test_expanding_twice_gives_the_same(city: City, catalog: CatalogVersion, stock: Stock) -> None:
    assert expand(city, catalog) == stock


def test_what_is_offered_is_reserved_allocated_or_free(city: City, stock: Stock) -> None:
    allocations, inventories = stock
    taken: dict[str, int] = {}
    for allocation in allocations:
        for amount in allocation.resources:
            id = f"{allocation.pool_id}/{amount.resource_class}"
            taken[id] = taken.get(id, 0) + amount.units
    assert taken.keys() <= inventories.keys()
    for id, inventory in inventories.items():
        assert inventory.allocated == taken.get(id, 0)
        assert inventory.held == 0
        assert inventory.reserved + inventory.allocated + inventory.free == inventory.offered


def test_every_pool_is_half_to_three_quarters_full(stock: Stock) -> None:
    _, inventories = stock
    used = [each for each in inventories.values() if each.allocated]
    main = (ResourceClass.VCPU, ResourceClass.MEMORY_MIB, ResourceClass.STORAGE_GIB_BACKUP)
    shares = {each.id: each.allocated_share for each in used if each.resource_class in main}
    assert all(Fraction(1, 2) <= share <= Fraction(3, 4) for share in shares.values()), shares


def test_memory_is_never_over_committed_and_processors_at_most_four_times(city: City) -> None:
    for inventory in city.inventories:
        most = 400 if inventory.resource_class is ResourceClass.VCPU else 100
        assert inventory.allocation_ratio_percent <= most


def test_every_allocation_stands_where_its_system_may(
    city: City, catalog: CatalogVersion, stock: Stock
) -> None:
    pools = {pool.id: pool for pool in city.pools}
    applications = {each.id: each for each in city.applications}
    for allocation in stock[0]:
        pool, application = pools[allocation.pool_id], applications[allocation.application_id]
        sku = catalog.sku(allocation.sku_id)
        assert application.zone in pool.zones
        assert pool.mlps_level >= application.mlps_level
        assert pool.xinchuang or not application.xinchuang
        assert not sku.stacks or pool.stack in sku.stacks
        assert not pool.department_ids or application.department_id in pool.department_ids


def test_systems_keep_what_their_dr_mode_promises(city: City, stock: Stock) -> None:
    site = {pool.id: pool.site_id for pool in city.pools}
    sites: dict[str, set[str]] = {}
    for allocation in stock[0]:
        sites.setdefault(allocation.application_id, set()).add(site[allocation.pool_id])
    for application in city.applications:
        if application.dr_mode is DrMode.SAME_CITY_ACTIVE:
            assert {"site-primary", "site-same-city"} <= sites[application.id]
        if application.dr_mode is DrMode.REMOTE_BACKUP:
            assert "site-remote" in sites[application.id]


def test_every_allocation_has_a_price_under_the_contract_it_names(
    city: City, catalog: CatalogVersion, stock: Stock
) -> None:
    contracts = {each.id: each for each in city.contracts}
    numbers = count(1)
    quotes = quotes_of(city, catalog, lambda: f"QT-{next(numbers):08d}")
    book = PriceBook((catalog,), tuple(quoted_price(q, contracts[q.contract_id]) for q in quotes))
    for allocation in stock[0]:
        price = book.price_at(allocation.sku_id, allocation.pool_id, city.opens_at)
        assert price.contract_id == allocation.contract_id
        assert contracts[allocation.contract_id].covers(
            allocation.pool_id, allocation.sku_id, city.opens_at
        )


def test_nothing_before_the_cut_over_is_charged(city: City, stock: Stock) -> None:
    for allocation in stock[0]:
        (segment,) = allocation.segments
        assert allocation.state is AllocationState.ACTIVE
        assert (segment.start, segment.mode) == (city.opens_at, SegmentMode.CHARGED)
        assert (segment.sku_id, segment.quantity) == (allocation.sku_id, allocation.quantity)
        assert allocation.delivered_at == city.opens_at


def test_terms_end_at_the_end_of_2026_or_2027(stock: Stock) -> None:
    ends = {each.term_end.isoformat() for each in stock[0] if each.term_end}
    assert ends == {"2026-12-31T16:00:00+00:00", "2027-12-31T16:00:00+00:00"}


def test_a_rule_fits_only_where_all_its_conditions_hold(city: City) -> None:
    rule = next(each for each in city.opening.rules if each.id == "web-firewall")
    application = next(each for each in city.applications if each.id == "A01")
    workload = city.workload_of("A01")
    assert fits(rule, application, workload)
    assert not fits(rule, replace(application, zone=Zone.EXTRANET), workload)
    assert not fits(rule, replace(application, mlps_level=2), workload)
    assert not fits(rule, application, replace(workload, scale=Scale.SMALL))
    only = replace(rule, archetypes=(Archetype.STEADY,))
    assert not fits(only, application, workload)
    assert not fits(replace(rule, application_ids=("A02",)), application, workload)
    assert not fits(replace(rule, dr_modes=(DrMode.LOCAL_BACKUP,)), application, workload)


def test_a_pool_without_room_refuses_with_the_rule_that_asked(
    city: City, catalog: CatalogVersion
) -> None:
    tiny = tuple(
        replace(each, total=64) if each.id == "video-a/VCPU" else each for each in city.inventories
    )
    with pytest.raises(Invalid, match=r"video-a cannot take .* refused by capacity") as refused:
        expand(replace(city, inventories=tiny), catalog)
    assert refused.value.code == "bad_city"
