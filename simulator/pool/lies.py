"""Pools that break one rule of the interface each, and keep all the others.

Every lie is the honest pool with one rule overridden, so that a conformance check that names it is
the only one that can fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.pools_interface import (
    ClassCapacity,
    OccurrencePage,
    OperationStatus,
    PoolOperation,
    ProvisionOrder,
    ResizeOrder,
    ResourcePage,
)
from simulator.pool.honest import Ending, HonestPool
from simulator.pool.state import Kept, PoolState, Work
from simulator.pool.supply import PoolSettings

MALFORMED = b'{"items": [{"id": "AL-1", '


class RawAnswer(Exception):
    """Answer 200 with these bytes, whatever the interface says."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.body = body


class Lie(StrEnum):
    """How a simulated pool lies."""

    NEVER_DOES = "never-does"
    PHANTOM_SUCCESS = "phantom-success"
    DOUBLE_PROVISION = "double-provision"
    CHANGES_SIZE = "changes-size"
    FORGETS_REFERENCE = "forgets-reference"
    INVENTORY_DISAGREES = "inventory-disagrees"
    OTHER_OPERATION = "other-operation"
    REUSES_KEY = "reuses-key"
    IGNORES_RESIZE = "ignores-resize"
    KEEPS_RELEASED = "keeps-released"
    CHANGED_BATCH = "changed-batch"
    LOSES_A_PAGE = "loses-a-page"
    MALFORMED_JSON = "malformed-json"


class NeverDoes(HonestPool):
    """Takes orders and works on them for ever."""

    def _work_off(self) -> None:
        for work in list(self.state.unfinished.values()):
            if work.operation.status is OperationStatus.PENDING:
                running = replace(work.operation, status=OperationStatus.RUNNING)
                self.state.put_work(replace(work, operation=running))


class PhantomSuccess(HonestPool):
    """Reports success and has made nothing."""

    def _made(self, order: ProvisionOrder, at: datetime) -> Ending:
        return Ending(OperationStatus.SUCCEEDED, f"R-{len(self.state.works) + 90_000_000:08d}")


class DoubleProvision(HonestPool):
    """A repeated key makes another resource, behind the same operation."""

    def _repeated(self, known: Work, digest: str) -> PoolOperation:
        operation = super()._repeated(known, digest)
        if known.provision is not None:
            self._made(known.provision, self._now())
        return operation


class ChangesSize(HonestPool):
    """Gives three quarters of the memory ordered."""

    def _made(self, order: ProvisionOrder, at: datetime) -> Ending:
        amounts = tuple(
            ResourceAmount(each.resource_class, each.units * 3 // 4)
            if each.resource_class is ResourceClass.MEMORY_MIB
            else each
            for each in order.amounts
        )
        return super()._made(replace(order, amounts=amounts), at)


class ForgetsReference(HonestPool):
    """Lists what it made under a reference of its own."""

    def _made(self, order: ProvisionOrder, at: datetime) -> Ending:
        return super()._made(replace(order, reference=f"own-{order.reference}"), at)


class InventoryDisagrees(HonestPool):
    """Counts seven VCPU more than its resources have."""

    def _classes(self) -> tuple[ClassCapacity, ...]:
        return tuple(
            replace(each, allocated_units=each.allocated_units + 7)
            if each.resource_class is ResourceClass.VCPU
            else each
            for each in super()._classes()
        )


class OtherOperation(HonestPool):
    """Answers an order with the id of another operation."""

    def provision(self, key: str, order: ProvisionOrder) -> PoolOperation:
        operation = super().provision(key, order)
        return replace(operation, id=f"OP-{int(operation.id[3:]) - 1:08d}")


class ReusesKey(HonestPool):
    """Takes another order under a used key for the first one."""

    def _repeated(self, known: Work, digest: str) -> PoolOperation:
        return super()._repeated(known, known.digest)


class IgnoresResize(HonestPool):
    """Reports another size and leaves the old one."""

    def _resized(self, kept: Kept, order: ResizeOrder, at: datetime) -> Ending:
        return Ending(OperationStatus.SUCCEEDED, kept.resource.id)


class KeepsReleased(HonestPool):
    """Reports a release and goes on listing the resource."""

    def _released(self, kept: Kept, at: datetime) -> Ending:
        return Ending(OperationStatus.SUCCEEDED, kept.resource.id)


class ChangedBatch(HonestPool):
    """Sends a batch with its first reading changed every second time it is asked for."""

    def __init__(
        self, settings: PoolSettings, state: PoolState, now: Callable[[], datetime]
    ) -> None:
        super().__init__(settings, state, now)
        self._sent: Counter[str] = Counter()

    def usage_content(self, batch_id: str) -> tuple[bytes, str]:
        content, media_type = super().usage_content(batch_id)
        self._sent[batch_id] += 1
        if self._sent[batch_id] % 2:
            return content, media_type
        first, rest = content.split(b"\n", 1)
        return first.replace(b'"value":', b'"value":1') + b"\n" + rest, media_type


class LosesAPage(HonestPool):
    """Every page after the first begins one resource too late."""

    def resources(self, cursor: str | None, limit: int) -> ResourcePage:
        page = super().resources(cursor, limit)
        return page if cursor is None else replace(page, items=page.items[1:])


class MalformedJson(HonestPool):
    """Answers 200 with half a document where incidents are asked for."""

    def incidents(self, since: datetime | None, cursor: str | None, limit: int) -> OccurrencePage:
        raise RawAnswer(MALFORMED)


LIARS: dict[Lie, type[HonestPool]] = {
    Lie.NEVER_DOES: NeverDoes,
    Lie.PHANTOM_SUCCESS: PhantomSuccess,
    Lie.DOUBLE_PROVISION: DoubleProvision,
    Lie.CHANGES_SIZE: ChangesSize,
    Lie.FORGETS_REFERENCE: ForgetsReference,
    Lie.INVENTORY_DISAGREES: InventoryDisagrees,
    Lie.OTHER_OPERATION: OtherOperation,
    Lie.REUSES_KEY: ReusesKey,
    Lie.IGNORES_RESIZE: IgnoresResize,
    Lie.KEEPS_RELEASED: KeepsReleased,
    Lie.CHANGED_BATCH: ChangedBatch,
    Lie.LOSES_A_PAGE: LosesAPage,
    Lie.MALFORMED_JSON: MalformedJson,
}
