"""Candidates for the next catalog version: approved agreements, and what of each runs today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import Yuan, total
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.off_catalog import OffCatalogItem, OffCatalogState
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.services.placements import monthly_of
from cloudmgr.services.world import World

UNDONE = (RequestState.WITHDRAWN, RequestState.EXPIRED, RequestState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogCandidate:
    """An approved agreement, and what of it runs today: the case for a catalog item."""

    item: OffCatalogItem
    allocations: int
    quantity: int
    monthly_price: Yuan


def candidates(world: World, now: datetime) -> tuple[CatalogCandidate, ...]:
    """Every approved agreement that no version has adopted, the dearest first."""
    found = []
    for item in world.find(OffCatalogItem, state=OffCatalogState.APPROVED):
        if world.get(ResourceRequest, item.request_id).state in UNDONE:
            continue
        running = world.find(Allocation, sku_id=item.id, state=RUNNING)
        found.append(
            CatalogCandidate(
                item=item,
                allocations=len(running),
                quantity=sum(each.quantity for each in running),
                monthly_price=total(monthly_of(each, world, now) for each in running),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.monthly_price, each.item.id)))
