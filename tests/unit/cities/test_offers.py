"""Quotes are made by one rule, never above the ceiling and never more than a millionth below."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from catalog.prices import PriceBook
from catalog.tiers import Tier
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import City
from cloudmgr.cities.offers import quotes_of, share_of, sold_in
from cloudmgr.domain.quotes import Quote, QuoteState

MILLIONTH = Fraction(1, 10**6)


def made(city: City, catalog: CatalogVersion) -> list[Quote]:
    numbers = count(1)
    return quotes_of(city, catalog, lambda: f"QT-{next(numbers):08d}")


@given(
    price=st.integers(1, 10**12).map(lambda millionths: Decimal(millionths).scaleb(-6)),
    share=st.fractions(min_value=0, max_value=1, max_denominator=10**8),
)
def test_a_share_of_a_price_is_rounded_down_to_six_decimals(
    price: Decimal, share: Fraction
) -> None:
    (tier,) = share_of((Tier(0, price),), share)
    exactly = Fraction(price) * share
    assert exactly - MILLIONTH < Fraction(tier.unit_price) <= exactly


def test_no_quote_is_above_its_ceiling(city: City, catalog: CatalogVersion) -> None:
    book = PriceBook((catalog,), ())
    for quote in made(city, catalog):
        book.check_quote(quote.sku_id, quote.tiers, city.opens_at)


def test_quotes_are_in_force_from_the_cut_over_and_marked_as_samples(
    city: City, catalog: CatalogVersion
) -> None:
    for quote in made(city, catalog):
        assert quote.effective_from == city.opens_at
        assert quote.state is QuoteState.IN_FORCE
        assert quote.source_kind == "sample"


def test_every_pool_sells_only_what_runs_on_its_stack_and_inventory(
    city: City, catalog: CatalogVersion
) -> None:
    for pool in city.pools:
        has = {each.resource_class for each in city.inventories if each.pool_id == pool.id}
        sold = sold_in(city, catalog, pool.id)
        assert sold
        for sku in sold:
            assert not sku.stacks or pool.stack in sku.stacks
            assert {amount.resource_class for amount in sku.resources} <= has


def test_the_backup_pool_sells_backup_and_no_machines(city: City, catalog: CatalogVersion) -> None:
    sold = {sku.id for sku in sold_in(city, catalog, "backup-r")}
    assert "backup-remote" in sold
    assert not any(sku_id.startswith("vm-") for sku_id in sold)


def test_everything_a_catalog_sells_is_sold_somewhere(city: City, catalog: CatalogVersion) -> None:
    sold = {sku.id for pool in city.pools for sku in sold_in(city, catalog, pool.id)}
    assert sold == {sku.id for sku in catalog.skus if not sku.retired}
