"""A pool that keeps every rule of the interface. Lies are `lies`, mishaps on the way `failures`.

Orders are worked off when their time has come, seen from whoever asks next: nothing runs in the
background, and the same orders at the same moments give the same pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import RLock
from typing import TypeVar

from catalog.errors import Conflict, NotFound
from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.pools import ManagementLevel
from cloudmgr.domain.pools_interface import (
    CAPACITY_CODE,
    INTERFACE_VERSION,
    KEY_REUSED_CODE,
    UNKNOWN_CODE,
    UNKNOWN_RESOURCE_CODE,
    ClassCapacity,
    HealthStatus,
    OccurrencePage,
    OperationStatus,
    OrderAction,
    PoolHealth,
    PoolInventory,
    PoolOperation,
    PoolResource,
    ProvisionOrder,
    ResizeOrder,
    ResourcePage,
    UsagePage,
)
from cloudmgr.services import codec
from simulator.pool.state import Kept, PoolState, Sized, Work, units
from simulator.pool.supply import TOTAL_UNITS, PoolSettings, first_alarm, first_orders
from simulator.pool.usage import Day, day_of, readings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ending:
    """How an operation ends."""

    status: OperationStatus
    resource_id: str | None = None
    code: str = ""
    detail: str = ""


class HonestPool:
    """The rules behind the routes; safe for many threads. `now` only ever goes on."""

    def __init__(
        self, settings: PoolSettings, state: PoolState, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self.state = state
        self._now = now
        self._lock = RLock()
        self._usage: dict[date, Day] = {}
        if not state.kept:
            for order in first_orders(settings):
                HonestPool._made(self, order, settings.opened_at)

    # --- reading -------------------------------------------------------------------------

    def health(self) -> PoolHealth:
        return PoolHealth(
            interface=INTERFACE_VERSION,
            pool_id=self._settings.pool_id,
            level=ManagementLevel.SCHEDULING,
            status=HealthStatus.OK,
            at=self._now(),
        )

    def inventory(self) -> PoolInventory:
        with self._lock:
            self._work_off()
            return PoolInventory(at=self._now(), classes=self._classes())

    def resources(self, cursor: str | None, limit: int) -> ResourcePage:
        with self._lock:
            self._work_off()
            present = tuple(self.state.present())
            items, following = _page(present, lambda each: each.id, cursor, limit)
            return ResourcePage(items=items, next_cursor=following)

    def resource(self, resource_id: str) -> PoolResource:
        with self._lock:
            self._work_off()
            found = self.state.kept.get(resource_id)
        if found is None or found.released_at is not None:
            raise unknown("resource", resource_id)
        return found.resource

    def usage(self, from_day: date | None, cursor: str | None, limit: int) -> UsagePage:
        with self._lock:
            first, today = day_of(self._settings.opened_at), day_of(self._now())
            days = [first + timedelta(n) for n in range((today - first).days)]
            files = [self._day(day).file for day in days if from_day is None or day >= from_day]
            items, following = _page(files, lambda each: each.id, cursor, limit)
            return UsagePage(items=items, next_cursor=following)

    def usage_content(self, batch_id: str) -> tuple[bytes, str]:
        with self._lock:
            for file in self.usage(None, None, 10_000).items:
                if file.id == batch_id:
                    return self._day(file.day).content, file.media_type
        raise unknown("batch", batch_id)

    def incidents(self, since: datetime | None, cursor: str | None, limit: int) -> OccurrencePage:
        told = [
            each
            for each in (first_alarm(self._settings),)
            if since is None or each.changed_at >= since
        ]
        items, following = _page(told, lambda each: each.id, cursor, limit)
        return OccurrencePage(items=items, next_cursor=following)

    # --- orders --------------------------------------------------------------------------

    def provision(self, key: str, order: ProvisionOrder) -> PoolOperation:
        return self._take(key, OrderAction.PROVISION, order.reference, None, provision=order)

    def resize(self, key: str, resource_id: str, order: ResizeOrder) -> PoolOperation:
        return self._take(key, OrderAction.RESIZE, "", resource_id, resize=order)

    def release(self, key: str, resource_id: str) -> PoolOperation:
        return self._take(key, OrderAction.RELEASE, "", resource_id)

    def operation(self, operation_id: str) -> PoolOperation:
        with self._lock:
            self._work_off()
            found = self.state.works.get(operation_id)
        if found is None:
            raise unknown("operation", operation_id)
        return found.operation

    def operation_of_key(self, key: str) -> PoolOperation:
        with self._lock:
            self._work_off()
            found = self.state.of_key(key)
        if found is None:
            raise unknown("operation of key", key)
        return found.operation

    # --- rules a lie may break -----------------------------------------------------------

    def _take(
        self,
        key: str,
        action: OrderAction,
        reference: str,
        resource_id: str | None,
        *,
        provision: ProvisionOrder | None = None,
        resize: ResizeOrder | None = None,
    ) -> PoolOperation:
        digest = codec.digest(str(action), resource_id, provision or resize)
        with self._lock:
            self._work_off()
            known = self.state.of_key(key)
            if known is not None:
                return self._repeated(known, digest)
            now = self._now()
            operation = PoolOperation(
                id=f"OP-{len(self.state.works) + 1:08d}",
                key=key,
                action=action,
                reference=reference,
                resource_id=resource_id,
                status=OperationStatus.PENDING,
                accepted_at=now,
            )
            due = now + self._settings.work
            work = Work(
                operation=operation, digest=digest, due_at=due, provision=provision, resize=resize
            )
            self.state.put_work(work)
            return operation

    def _repeated(self, known: Work, digest: str) -> PoolOperation:
        """The same key again."""
        if known.digest != digest:
            raise Conflict(
                KEY_REUSED_CODE, f"{known.operation.key} stands for another order; take a new key"
            )
        return known.operation

    def _work_off(self) -> None:
        """End every operation whose time has come, in the order they came."""
        now = self._now()
        for work in list(self.state.unfinished.values()):
            if work.due_at <= now:
                self._end(work, now)
            elif work.operation.status is OperationStatus.PENDING:
                running = replace(work.operation, status=OperationStatus.RUNNING)
                self.state.put_work(replace(work, operation=running))

    def _made(self, order: ProvisionOrder, at: datetime) -> Ending:
        if short := self._short(order.amounts, {}):
            return Ending(OperationStatus.FAILED, None, CAPACITY_CODE, short)
        resource = PoolResource(
            id=f"R-{len(self.state.kept) + 1:08d}",
            reference=order.reference,
            sku_id=order.sku_id,
            quantity=order.quantity,
            amounts=order.amounts,
            created_at=at,
        )
        self._keep(resource, at)
        return Ending(OperationStatus.SUCCEEDED, resource.id)

    def _resized(self, kept: Kept, order: ResizeOrder, at: datetime) -> Ending:
        had = {each.resource_class: each.units for each in kept.resource.amounts}
        if short := self._short(order.amounts, had):
            return Ending(OperationStatus.FAILED, kept.resource.id, CAPACITY_CODE, short)
        resource = replace(
            kept.resource, sku_id=order.sku_id, quantity=order.quantity, amounts=order.amounts
        )
        sized = Sized(at, units(order.amounts, ResourceClass.VCPU))
        self.state.put_kept(Kept(resource=resource, sizes=(*kept.sizes, sized)))
        return Ending(OperationStatus.SUCCEEDED, resource.id)

    def _released(self, kept: Kept, at: datetime) -> Ending:
        self.state.put_kept(replace(kept, released_at=at))
        return Ending(OperationStatus.SUCCEEDED, kept.resource.id)

    def _classes(self) -> tuple[ClassCapacity, ...]:
        return tuple(
            ClassCapacity(
                resource_class=each,
                total_units=total,
                reserved_units=0,
                allocated_units=self.state.allocated[each],
            )
            for each, total in TOTAL_UNITS.items()
        )

    # --- small parts ---------------------------------------------------------------------

    def _end(self, work: Work, at: datetime) -> None:
        ending = self._ending(work, at)
        operation = replace(
            work.operation,
            status=ending.status,
            ended_at=at,
            resource_id=ending.resource_id,
            code=ending.code,
            detail=ending.detail,
        )
        self.state.put_work(replace(work, operation=operation))

    def _ending(self, work: Work, at: datetime) -> Ending:
        if work.provision is not None:
            return self._made(work.provision, at)
        id = work.operation.resource_id or ""
        kept = self.state.kept.get(id)
        if kept is None or kept.released_at is not None:
            return Ending(
                OperationStatus.FAILED, id, UNKNOWN_RESOURCE_CODE, f"there is no resource {id!r}"
            )
        if work.resize is not None:
            return self._resized(kept, work.resize, at)
        return self._released(kept, at)

    def _keep(self, resource: PoolResource, at: datetime) -> None:
        sized = Sized(at, units(resource.amounts, ResourceClass.VCPU))
        self.state.put_kept(Kept(resource=resource, sizes=(sized,)))

    def _short(self, amounts: tuple[ResourceAmount, ...], had: dict[ResourceClass, int]) -> str:
        """What there is too little of, or an empty string."""
        for each in self._classes():
            free = each.total_units - each.allocated_units + had.get(each.resource_class, 0)
            asked = units(amounts, each.resource_class)
            if asked > free:
                return f"{free} {each.resource_class} are free and {asked} are ordered"
        return ""

    def _day(self, day: date) -> Day:
        if day not in self._usage:
            self._usage[day] = readings(
                self._settings.pool_id, self._settings.seed, day, self.state.kept.values()
            )
        return self._usage[day]


def unknown(kind: str, id: str) -> NotFound:
    return NotFound(UNKNOWN_CODE, f"there is no {kind} {id!r} here")


def _page(
    items: Sequence[T], id_of: Callable[[T], str], cursor: str | None, limit: int
) -> tuple[tuple[T, ...], str | None]:
    """The items after `cursor` (the last id of the page before), and the next cursor."""
    rest = [item for item in items if cursor is None or id_of(item) > cursor]
    page = tuple(rest[:limit])
    return page, id_of(page[-1]) if len(rest) > limit else None
