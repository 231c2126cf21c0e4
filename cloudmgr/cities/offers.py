"""What every pool sells at the cut-over and for how much: quotes made from contracts' rules.

A quote is the ceiling x the contract's share, rounded down to 6 decimals, so never above it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from catalog.money import PRICE_PLACES, unit_price
from catalog.skus import Sku
from catalog.tiers import Tier, Tiers
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import City, Offer
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import bad_city
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.quotes import Quote, QuoteState


def quotes_of(city: City, catalog: CatalogVersion, next_id: Callable[[], str]) -> list[Quote]:
    """One quote in force from the cut-over for every pool and item it sells, by contract, pool
    and item. An item without a ceiling cannot be quoted and is left out."""
    quotes = []
    for contract, rule in zip(city.contracts, city.quote_rules, strict=True):
        for pool_id in contract.pool_ids:
            for sku in sold_in(city, catalog, pool_id):
                ceiling = catalog.ceiling_of(sku.id)
                if ceiling is not None:
                    tiers = share_of(ceiling.tiers, rule.share_of(sku.category))
                    quotes.append(_quote(city, next_id(), contract, pool_id, sku, tiers))
    return quotes


def share_of(tiers: Tiers, share: Fraction) -> Tiers:
    """Each tier's price x share, rounded down to 6 decimals."""
    return tuple(
        Tier(tier.from_quantity, _floor(Fraction(tier.unit_price) * share)) for tier in tiers
    )


def sold_in(city: City, catalog: CatalogVersion, pool_id: str) -> tuple[Sku, ...]:
    """The items a pool sells: of its chapters, on its stack, made of what it has.

    Raises `bad_city` for a single item that the catalog does not know.
    """
    pool = next(each for each in city.pools if each.id == pool_id)
    offer = next(each for each in city.offers if each.pool_id == pool_id)
    for sku_id in (*offer.without, *offer.also):
        if not catalog.has(sku_id):
            raise bad_city(f"pools.toml, pool {pool_id}", f"the catalog has no item {sku_id!r}")
    has = {each.resource_class for each in city.inventories if each.pool_id == pool_id}
    return tuple(
        sku
        for sku in catalog.skus
        if _offered(offer, sku)
        and _runs_on(pool, sku)
        and all(amount.resource_class in has for amount in sku.resources)
    )


def _offered(offer: Offer, sku: Sku) -> bool:
    if sku.retired or sku.id in offer.without:
        return False
    return sku.category in offer.categories or sku.id in offer.also


def _runs_on(pool: ResourcePool, sku: Sku) -> bool:
    return not sku.stacks or pool.stack in sku.stacks


def _quote(city: City, id: str, contract: Contract, pool_id: str, sku: Sku, tiers: Tiers) -> Quote:
    return Quote(
        id=id,
        provider_id=contract.provider_id,
        contract_id=contract.id,
        pool_id=pool_id,
        sku_id=sku.id,
        tiers=tiers,
        effective_from=city.opens_at,
        source_kind=city.kind,
        state=QuoteState.IN_FORCE,
    )


def _floor(price: Fraction) -> Decimal:
    scale = 10**PRICE_PLACES
    return unit_price(Decimal(price.numerator * scale // price.denominator).scaleb(-PRICE_PLACES))
