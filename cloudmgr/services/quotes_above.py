"""Quotes above today's ceiling: what fixed contracts keep after a ceiling fell, and its cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog.money import Yuan, total
from catalog.prices import QuotedPrice
from catalog.skus import PricingModel
from catalog.tiers import Tiers, breakpoints, lower_of, rate_at
from catalog.versions import version_at
from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.rating import monthly_price
from cloudmgr.services.pricing import price_book
from cloudmgr.services.reading import visible
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAboveCeiling:
    """A fixed quote above today's ceiling, and a full month of what lives under it."""

    quote_id: str
    contract_id: str
    pool_id: str
    sku_id: str
    tiers: Tiers
    ceiling: Tiers
    allocations: int
    monthly_price: Yuan
    monthly_at_ceiling: Yuan


def quotes_above_ceiling(
    world: World, actor: Actor, now: datetime
) -> tuple[QuoteAboveCeiling, ...]:
    """The quotes the actor may see, the dearest first; only of allocations he sees is the money."""
    above = {each.quote_id: each for each in _above(world, now)}
    scope = visible(world, actor, Quote)
    if scope is None or not above:
        return ()
    where: dict[str, Any] = {**scope, "id": tuple(above)}
    seen = {each.id for each in world.find(Quote, **where)}
    live = _live(world, actor, tuple(each for each in above.values() if each.quote_id in seen))
    found = [_view(world, above[id], live[id], now) for id in seen]
    return tuple(
        sorted(
            found, key=lambda each: (each.monthly_at_ceiling - each.monthly_price, each.quote_id)
        )
    )


def _above(world: World, now: datetime) -> list[QuotedPrice]:
    book = price_book(world)
    fixed = [each for each in book.quotes_at(now) if each.price_link == "fixed"]
    if not fixed:
        return []
    version = version_at(book.versions, now)
    return [
        each
        for each in fixed
        if (ceiling := version.ceiling_of(each.sku_id)) and _exceeds(each.tiers, ceiling.tiers)
    ]


def _exceeds(tiers: Tiers, ceiling: Tiers) -> bool:
    return any(rate_at(tiers, at) > rate_at(ceiling, at) for at in breakpoints(tiers, ceiling))


def _live(
    world: World, actor: Actor, quotes: tuple[QuotedPrice, ...]
) -> dict[str, list[Allocation]]:
    """What runs under each quote, by its Sku and pool."""
    found: dict[str, list[Allocation]] = defaultdict(list)
    scope = visible(world, actor, Allocation)
    if scope is None or not quotes:
        return found
    quote_of = {(each.sku_id, each.pool_id): each.quote_id for each in quotes}
    skus = tuple(sorted({each.sku_id for each in quotes}))
    where: dict[str, Any] = {**scope, "state": RUNNING, "sku_id": skus}
    for allocation in world.find(Allocation, **where):
        quote_id = quote_of.get((allocation.sku_id, allocation.pool_id))
        if quote_id is not None:
            found[quote_id].append(allocation)
    return found


def _view(
    world: World, quoted: QuotedPrice, live: list[Allocation], now: datetime
) -> QuoteAboveCeiling:
    book = price_book(world)
    price = book.price_at(quoted.sku_id, quoted.pool_id, now)
    ceiling = book.ceiling_at(quoted.sku_id, now)
    capped = replace(price, tiers=lower_of(price.tiers, ceiling))
    sku = version_at(book.versions, now).sku(quoted.sku_id)
    monthly = [] if sku.model is PricingModel.ONE_OFF else live
    both = [
        total(
            monthly_price(sku, each.quantity, at, estimate_units=each.estimate_units)
            for each in monthly
        )
        for at in (price, capped)
    ]
    return QuoteAboveCeiling(
        quote_id=quoted.quote_id,
        contract_id=quoted.contract_id,
        pool_id=quoted.pool_id,
        sku_id=quoted.sku_id,
        tiers=price.tiers,
        ceiling=ceiling,
        allocations=len(live),
        monthly_price=both[0],
        monthly_at_ceiling=both[1],
    )
