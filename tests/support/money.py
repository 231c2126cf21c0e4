"""Builders for what is rated, billed and settled in tests; every argument by name.

One department `dep` in region `city` paid for by `city-finance`, one pool `pool`, one contract
`contract` of provider `prv`, January 2026 (31 days, 2 678 400 seconds) unless told otherwise.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from catalog.period import Month
from catalog.prices import PriceBook, QuotedPrice
from catalog.skus import PricingModel, Sku
from catalog.tiers import Tiers
from catalog.versions import CatalogVersion
from cloudmgr.domain.allocations import Allocation, AllocationState, Segment, SegmentMode
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.rating import (
    HourlySums,
    Place,
    RatedLine,
    RatingContext,
    rate_allocation,
)
from tests.support.catalogs import a_ceiling, a_quote, a_sku, a_version, tiers

JANUARY = Month(2026, 1)
FEBRUARY = Month(2026, 2)

VM, BIG_VM, DISK = a_sku(id="vm"), a_sku(id="vm-4c"), a_sku(id="disk", charged_when_stopped=True)
EGRESS = a_sku(
    id="egress", model=PricingModel.METERED, meter="egress_mib", meter_units_per_unit=1024
)
MOVE = a_sku(id="move", model=PricingModel.ONE_OFF)
SKUS = (VM, BIG_VM, DISK, EGRESS, MOVE)
EGRESS_TIERS = tiers((0, "0.80"), (100, "0.60"), (500, "0.50"))
CEILINGS: dict[str, str | Tiers] = {
    "vm": "120.00",
    "vm-4c": "200.00",
    "disk": "0.80",
    "egress": EGRESS_TIERS,
    "move": "5000.00",
}


def at(text: str) -> datetime:
    """`01-15 10:30` of 2026 (or `2027-01-15 10:30`) on Shanghai's clock, in UTC."""
    day, _, time = text.partition(" ")
    full = day if len(day) > 5 else f"2026-{day}"
    return datetime.fromisoformat(f"{full}T{time or '00:00'}:00+08:00").astimezone(UTC)


def a_catalog(
    *,
    id: str = "v1",
    day: date = date(2026, 1, 1),
    ceilings: dict[str, str | Tiers] | None = None,
    skus: tuple[Sku, ...] = SKUS,
) -> CatalogVersion:
    """Five Skus: two VMs, a disk (charged when stopped), metered egress, a one-off move."""
    wanted = CEILINGS | (ceilings or {})
    return a_version(
        id=id,
        day=day,
        skus=skus,
        ceilings=tuple(a_ceiling(sku_id=sku_id, at=wanted[sku_id]) for sku_id in wanted),
    )


def quotes(**changed: Any) -> tuple[QuotedPrice, ...]:
    """One quote per Sku from 1 January 2026: `q-vm` 100.00, `q-vm-4c` 190.00, `q-disk` 0.75 a
    GiB, `q-egress` in the ceiling's tiers a GiB, `q-move` 3000.00."""
    prices: dict[str, Any] = {
        "vm": "100.00",
        "vm-4c": "190.00",
        "disk": "0.75",
        "egress": EGRESS_TIERS,
        "move": "3000.00",
    }
    return tuple(a_quote(id=f"q-{sku}", sku_id=sku, at=prices[sku], **changed) for sku in prices)


def a_book(
    *,
    versions: tuple[CatalogVersion, ...] | None = None,
    base: tuple[QuotedPrice, ...] | None = None,
    more: tuple[QuotedPrice, ...] = (),
    **changed: Any,
) -> PriceBook:
    """The catalog and its quotes (or `base`), and `more` quotes."""
    first = quotes(**changed) if base is None else base
    return PriceBook(versions or (a_catalog(),), (*first, *more))


def a_context(
    *,
    month: Month = JANUARY,
    book: PriceBook | None = None,
    proration: Proration = Proration.DAY,
    **changed: Any,
) -> RatingContext:
    fields: dict[str, Any] = {
        "month": month,
        "prices": book or a_book(),
        "proration": proration,
        "places": {"dep": Place("city", "city-finance")},
        "payees": {"contract": "prv"},
    }
    return RatingContext(**(fields | changed))


def a_segment(
    start: str, quantity: int = 1, sku_id: str = "vm", mode: SegmentMode = SegmentMode.CHARGED
) -> Segment:
    return Segment(at(start), sku_id, quantity, mode)


def an_allocation(*segments: Segment, id: str = "AL-1", end: str | None = None) -> Allocation:
    """One that has the segments given, running unless it has an end."""
    last = segments[-1]
    return Allocation(
        id=id,
        request_id=None,
        department_id="dep",
        application_id="app",
        pool_id="pool",
        provider_id="prv",
        contract_id="contract",
        sku_id=last.sku_id,
        quantity=last.quantity,
        resources=(),
        delivered_at=segments[0].start,
        ended_at=at(end) if end else None,
        segments=segments,
        state=AllocationState.RELEASED if end else AllocationState.ACTIVE,
    )


def rated(
    *segments: Segment,
    end: str | None = None,
    context: RatingContext | None = None,
    usage: HourlySums = (),
) -> tuple[RatedLine, ...]:
    """The lines of one allocation."""
    return rate_allocation(an_allocation(*segments, end=end), context or a_context(), usage)


def bill(lines: tuple[RatedLine, ...]) -> list[tuple[str, str, int, str, str, str]]:
    """What people check of lines: kind, Sku, quantity, fraction, unit price, amount."""
    return [
        (
            line.kind.value,
            line.sku_id,
            line.quantity,
            line.fraction,
            f"{line.unit_price.normalize():f}",
            f"{line.amount:f}",
        )
        for line in lines
    ]


def hours(start: str, *sums: int) -> HourlySums:
    """Consecutive hourly sums from `start` on."""
    first = at(start)
    return tuple((first + timedelta(hours=i), units) for i, units in enumerate(sums))
