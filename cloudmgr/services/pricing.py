"""Prices and Skus of a transaction: the book made of published catalogs, quotes and contracts.

Owns keeping catalogs and building the book; what it answers is `catalog.prices`. The node keeps
the book until a catalog, a contract or a quote changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from catalog.money import ZERO
from catalog.period import DAY, is_midnight
from catalog.prices import PriceBook, QuotedPrice
from catalog.skus import Sku
from catalog.versions import CatalogVersion
from cloudmgr.domain import rating
from cloudmgr.domain.catalogs import (
    OFF_CATALOG,
    CatalogContent,
    PublishedCatalog,
    content_of,
    published,
    whole,
)
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.off_catalog import (
    OffCatalogItem,
    OffCatalogState,
    quote_of,
    sku_of,
    with_agreements,
)
from cloudmgr.domain.proration import day_start
from cloudmgr.domain.quotes import PRICING_STATES, Quote, QuoteState, quoted_price
from cloudmgr.services import codec
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.world import World

open_to_all(PublishedCatalog, CatalogContent)

_catalogs: dict[PublishedCatalog, CatalogVersion] = {}
"""Catalogs read by this process; the digest in the record makes that safe across nodes."""


def keep_catalog(world: World, version: CatalogVersion, published_at: datetime) -> PublishedCatalog:
    """Store a published catalog version; raises `already_exists` under a used id."""
    content = content_of(version)
    head = published(version, codec.digest(content), published_at)
    world.put(content)
    return world.put(head)


def price_book(world: World) -> PriceBook:
    """Every published catalog and every quote that prices some moment, as of this transaction."""
    kinds = (PublishedCatalog, Contract, Quote, OffCatalogItem)
    return world.derived("price_book", kinds, lambda: _made(world))


def catalog_versions(world: World) -> tuple[CatalogVersion, ...]:
    """Every published catalog as it was published, by effective date."""
    heads = sorted(_read(world), key=lambda head: head.effective_from)
    return tuple(_catalogs[head] for head in heads)


def catalog_version(world: World, id: str) -> CatalogVersion:
    """A published catalog; raises `not_found`."""
    head = world.get(PublishedCatalog, id)
    return next(each for each in catalog_versions(world) if each.id == head.id)


def _read(world: World) -> tuple[PublishedCatalog, ...]:
    """The heads of all published catalogs, each of whose contents this process has read."""
    heads = world.find(PublishedCatalog)
    for head in heads:
        if head not in _catalogs:
            _catalogs[head] = whole(head, world.get(CatalogContent, head.id))
    return heads


def _made(world: World) -> PriceBook:
    terms = {contract.id: _term(contract) for contract in world.find(Contract)}
    quotes = world.find(Quote, state=PRICING_STATES)
    items = world.find(OffCatalogItem)
    # An agreement prices its own request before it is approved; from then on its quote does.
    offered = (quote_of(item) for item in items if item.state is OffCatalogState.OFFERED)
    quoted = (
        part
        for quote in (*quotes, *offered)
        for part in _by_link(quote, _within_term(quote, *terms[quote.contract_id]), terms, quotes)
    )
    return _book(_read(world), tuple(quoted), tuple(sku_of(item) for item in items))


def ending_quotes(world: World) -> frozenset[str]:
    """Quotes in force whose provider has ended them at a midnight, past or to come."""
    in_force = world.find(Quote, state=QuoteState.IN_FORCE)
    return frozenset(quote.id for quote in in_force if quote.effective_to is not None)


def sku_at(world: World, sku_id: str, moment: datetime) -> Sku:
    """The Sku by the catalog in force; raises `unknown_sku`."""
    return rating.sku_at(price_book(world).versions, sku_id, moment)


def _term(contract: Contract) -> tuple[Contract, datetime]:
    """What of a contract its quotes depend on, and the midnight its prices end at."""
    end = contract.ends_at
    if not is_midnight(end):
        end = day_start(end) + DAY
    free = replace(contract, total=ZERO, settled=ZERO, opening_paid=ZERO, raised=ZERO, version=0)
    return free, end


@lru_cache(maxsize=8192)
def _within_term(quote: Quote, contract: Contract, end: datetime) -> QuotedPrice | None:
    """The quote, priced no longer than its contract is in force; None when it never is."""
    if quote.effective_from >= end:
        return None
    quoted = quoted_price(quote, contract)
    if quoted.effective_to is None or quoted.effective_to > end:
        return replace(quoted, effective_to=end)
    return quoted


def _by_link(
    quote: Quote,
    quoted: QuotedPrice | None,
    terms: Mapping[str, tuple[Contract, datetime]],
    quotes: Iterable[Quote],
) -> Iterator[QuotedPrice]:
    """A quoted price cut where its contract's price link changes, as long as it is the latest."""
    if quoted is None:
        return
    contract, _ = terms[quote.contract_id]
    if quote.source_kind == OFF_CATALOG:  # there is no ceiling it could follow
        yield replace(quoted, price_link="fixed")
        return
    if not contract.dated:
        yield quoted
        return
    later = (
        other.effective_from
        for other in quotes
        if (other.pool_id, other.sku_id) == (quote.pool_id, quote.sku_id)
        and other.effective_from > quote.effective_from
    )
    end = min(filter(None, (quoted.effective_to, *later)), default=None)
    changes = (each.starts_at for each in contract.dated if quoted.effective_from < each.starts_at)
    starts = [quoted.effective_from, *(each for each in changes if end is None or each < end)]
    for start, stop in zip(starts, [*starts[1:], quoted.effective_to], strict=True):
        then = replace(contract, price_link=contract.terms_at(start).price_link)
        yield replace(quoted_price(quote, then), effective_from=start, effective_to=stop)


@lru_cache(maxsize=8)
def _book(
    heads: tuple[PublishedCatalog, ...], quotes: tuple[QuotedPrice, ...], agreed: tuple[Sku, ...]
) -> PriceBook:
    """One book for equal records, so that what it worked out serves the next transaction too."""
    versions = tuple(_catalogs[head] for head in heads)
    return PriceBook(with_agreements(versions, agreed), quotes)
