"""Agreements outside the catalog in a world: written with a request line, approved with it, adopted
by a catalog version.

Owns no price: the price book reads an agreement as a Sku and a quote like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.catalogs import OFF_CATALOG, is_off_catalog
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import bad_value, not_covered
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.off_catalog import (
    OffCatalogItem,
    OffCatalogState,
    OffCatalogTerms,
    check_terms,
    quote_of,
)
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.proration import day_start
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.pricing import catalog_versions
from cloudmgr.services.world import World, next_id


def agreed_lines(
    world: World,
    kind: RequestKind,
    lines: Iterable[RequestLine],
    application: Application,
) -> tuple[RequestLine, ...]:
    """The lines with an agreement written down for each that asks for one.

    Raises `bad_value`, `not_found` or `not_covered` where one cannot be, and for a line that asks
    for somebody else's.
    """
    return tuple(_agreed(world, kind, line, application) for line in lines)


def approve_agreement(world: World, request: ResourceRequest, line: RequestLine) -> None:
    """The request was approved: its price stands as a quote in force from now on."""
    if line.off_catalog is None:
        return
    item = world.get(OffCatalogItem, line.sku_id)
    if item.state is not OffCatalogState.OFFERED:
        return
    world.put(advance(item, OffCatalogState.APPROVED, request_id=request.id, line=line.line))
    world.put(quote_of(item))


def check_candidates(world: World, candidate_ids: Iterable[str]) -> None:
    """Raise `bad_value` for one that is no approved agreement."""
    for id in candidate_ids:
        item = world.seek(OffCatalogItem, id)
        if item is None or item.state is not OffCatalogState.APPROVED:
            raise bad_value("candidate_id", f"{id} is no candidate; see the list of candidates")


def adopt(world: World, adopted: Iterable[tuple[str, str]]) -> None:
    """A version that sells them was published: (agreement, Sku). What runs keeps its price."""
    for id, sku_id in adopted:
        item = world.get(OffCatalogItem, id)
        if item.state is OffCatalogState.APPROVED:
            world.put(advance(item, OffCatalogState.ADOPTED, adopted_as=sku_id))


def _agreed(
    world: World, kind: RequestKind, line: RequestLine, application: Application
) -> RequestLine:
    terms = line.off_catalog
    where = f"lines[{line.line}]"
    if terms is None:
        if is_off_catalog(line.sku_id) and not _runs_already(world, line):
            raise bad_value(
                f"{where}.sku_id", "an agreement is for one request; ask with `off_catalog` for own"
            )
        return line
    if not kind.creates:
        raise bad_value(f"{where}.off_catalog", f"a {kind} request keeps what was agreed")
    known = world.seek(OffCatalogItem, line.sku_id)
    if known is not None and known.application_id == application.id and known.terms == terms:
        return replace(line, pool_id=known.pool_id)
    check_terms(line.line, terms)
    item = world.put(_item(world, terms, application, where))
    return replace(line, sku_id=item.id, pool_id=item.pool_id)


def _runs_already(world: World, line: RequestLine) -> bool:
    """Whether the line works on an allocation of that very agreement."""
    held = world.seek(Allocation, line.allocation_id) if line.allocation_id else None
    return held is not None and held.sku_id == line.sku_id


def _item(
    world: World, terms: OffCatalogTerms, application: Application, where: str
) -> OffCatalogItem:
    contract = world.get(Contract, terms.contract_id)
    pool = world.get(ResourcePool, terms.pool_id)
    if not contract.lists(pool.id, OFF_CATALOG):
        raise not_covered(f"an agreement outside the catalog in {pool.id}", contract.id)
    known = {each.id for version in catalog_versions(world) for each in version.standards}
    if terms.standard_id not in known:
        raise bad_value(
            f"{where}.off_catalog.standard_id",
            f"name a service standard of the catalog: {', '.join(sorted(known))}",
        )
    id = next_id(world, OFF_CATALOG)
    return OffCatalogItem(
        id=id,
        terms=terms,
        department_id=application.department_id,
        application_id=application.id,
        provider_id=contract.provider_id,
        pool_id=pool.id,
        contract_id=contract.id,
        quote_id=next_id(world, "QT"),
        effective_from=day_start(contract.starts_at),
    )
