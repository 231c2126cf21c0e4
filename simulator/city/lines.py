"""What stands in a request: the lines a department writes, given what it runs now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.applications import Application, Zone
from cloudmgr.domain.requests import RequestKind, RequestLine
from simulator.city.stage import Chance

SIZES = (("2c4g", 30), ("4c8g", 35), ("4c16g", 10), ("8c16g", 18), ("16c32g", 6), ("16c64g", 1))
GROWTH = {
    "1c2g": "2c4g",
    "2c4g": "4c8g",
    "2c8g": "4c16g",
    "4c8g": "8c16g",
    "4c16g": "8c32g",
    "8c16g": "16c32g",
    "8c32g": "16c64g",
    "16c32g": "32c64g",
}
SHRINKING = {larger: smaller for smaller, larger in GROWTH.items()}


def new_lines(
    kind: RequestKind, application: Application, chance: Chance
) -> tuple[RequestLine, ...]:
    """A machine or two with a disk; internet systems take traffic or logs along [sample]."""
    stack = chance.one_of(("kunpeng", "hygon")) if application.xinchuang else "x86"
    small = kind in (RequestKind.TEMPORARY, RequestKind.EMERGENCY)
    size = "4c8g" if small else chance.weighted(SIZES)
    wanted: list[tuple[str, int, int]] = [(f"vm-{stack}-{size}", chance.between(1, 3), 0)]
    if not small or chance.happens(50):
        wanted.append(("block-ssd", 100 * chance.between(1, 5), 0))
    if not small and application.zone is Zone.INTERNET and chance.happens(40):
        wanted.append(("egress-internet", 1, 50 * chance.between(1, 8)))
    if not small and application.zone is not Zone.VIDEO and chance.happens(30):
        wanted.append(("log-ingest", 1, 20 * chance.between(1, 10)))
    if kind is RequestKind.MIGRATE_IN:
        wanted.append(("migration-service", 1, 0))
    months = chance.one_of((12, 12, 24))
    return tuple(
        RequestLine(
            line=number, sku_id=sku, quantity=quantity, estimate_units=estimate, term_months=months
        )
        for number, (sku, quantity, estimate) in enumerate(wanted, start=1)
    )


def target_lines(
    kind: RequestKind, running: Sequence[Allocation], busy: Collection[str], chance: Chance
) -> tuple[RequestLine, ...]:
    """One or two lines on what runs; empty when nothing fits the kind.

    `busy` are allocations another request works on already.
    """
    fitting = [
        allocation
        for allocation in running
        if allocation.state is AllocationState.ACTIVE
        and allocation.id not in busy
        and _fits(kind, allocation)
    ]
    if not fitting:
        return ()
    chosen = [chance.one_of(fitting)]
    if kind is RequestKind.RENEW and len(fitting) > 1:
        chosen = fitting[:2]
    return tuple(_line(kind, number, each, chance) for number, each in enumerate(chosen, start=1))


def _fits(kind: RequestKind, allocation: Allocation) -> bool:
    virtual = allocation.sku_id.startswith("vm-")
    disk = allocation.sku_id.startswith(("block-", "object-standard", "backup-vm"))
    if kind is RequestKind.RELOCATE:
        return virtual
    if kind is RequestKind.CHANGE:
        return disk or (virtual and _size(allocation.sku_id) in (GROWTH | SHRINKING))
    return virtual or disk or kind is RequestKind.RENEW


def _line(kind: RequestKind, number: int, allocation: Allocation, chance: Chance) -> RequestLine:
    sku, quantity = allocation.sku_id, allocation.quantity
    if kind is RequestKind.CHANGE:
        sku, quantity = _changed(allocation, chance)
    return RequestLine(
        line=number,
        sku_id=sku,
        quantity=quantity,
        allocation_id=allocation.id,
        term_months=12,
        estimate_units=allocation.estimate_units,
    )


def _changed(allocation: Allocation, chance: Chance) -> tuple[str, int]:
    """Two of three changes ask for more."""
    more = chance.happens(67)
    if not allocation.sku_id.startswith("vm-"):
        factor = 3 if more else 1
        return allocation.sku_id, max(allocation.quantity * factor // 2, 1)
    size = _size(allocation.sku_id)
    steps = (GROWTH, SHRINKING) if more else (SHRINKING, GROWTH)
    other = steps[0].get(size) or steps[1][size]
    return allocation.sku_id.removesuffix(size) + other, allocation.quantity


def _size(sku_id: str) -> str:
    return sku_id.rpartition("-")[2]
