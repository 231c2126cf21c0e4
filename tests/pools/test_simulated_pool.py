"""What a simulated pool keeps: its file outlives a crash, its sums and its readings are exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from catalog.quantity import ResourceClass
from cloudmgr.domain.pools_interface import OperationStatus, ResizeOrder
from cloudmgr.usage.batches import BatchFormat, read_batch
from simulator.pool.honest import HonestPool
from simulator.pool.state import PoolState
from simulator.pool.supply import PoolSettings
from tests.pools.serving import an_order

OPENED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = field(default=OPENED + timedelta(days=2))

    def __call__(self) -> datetime:
        return self.at


def a_pool(clock: Clock, file: Path | None = None, *, work_seconds: int = 0) -> HonestPool:
    settings = PoolSettings(
        pool_id="P", opened_at=OPENED, work=timedelta(seconds=work_seconds), resources=2
    )
    return HonestPool(settings, PoolState(file), clock)


def test_an_order_goes_on_where_a_crash_left_it(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "pool"
    pool = a_pool(clock, file, work_seconds=60)
    accepted = pool.provision("key", an_order("A"))
    pool.state.close()
    with file.open("a", encoding="utf-8") as torn:
        torn.write('["kept",{"resource":')
    again = a_pool(clock, file, work_seconds=60)
    assert again.operation_of_key("key").status is OperationStatus.RUNNING
    clock.at += timedelta(seconds=60)
    ended = again.operation(accepted.id)
    assert ended.status is OperationStatus.SUCCEEDED
    assert len(again.resources(None, 500).items) == 3
    again.state.close()
    third = a_pool(clock, file)
    assert third.operation(accepted.id) == ended
    assert third.inventory() == again.inventory()
    third.state.close()


def test_a_published_day_stays_as_it_was_whatever_happens_later() -> None:
    clock = Clock()
    pool = a_pool(clock)
    (listed, *_) = pool.usage(None, None, 500).items
    content, media_type = pool.usage_content(listed.id)
    assert read_batch(content, BatchFormat(media_type)).sent == listed.rows == 2 * 16 * 12
    size = an_order("A", vcpu=8)
    order = ResizeOrder(sku_id=size.sku_id, quantity=8, amounts=size.amounts)
    pool.resize("key-1", "R-00000001", order)
    pool.release("key-2", "R-00000002")
    clock.at += timedelta(days=1)
    pool.resources(None, 500)
    fresh = HonestPool(PoolSettings(pool_id="P", opened_at=OPENED), pool.state, clock)
    assert fresh.usage_content(listed.id)[0] == content


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.booleans()), max_size=20))
def test_the_inventory_is_always_the_sum_of_the_resources(
    steps: list[tuple[int, int, bool]],
) -> None:
    pool = a_pool(Clock())
    for number, (resource, vcpu, away) in enumerate(steps):
        id, key = f"R-{resource:08d}", f"key-{number}"
        order = an_order(f"A-{number}", vcpu=vcpu)
        if away:
            pool.release(key, id)
        elif number % 2:
            size = ResizeOrder(sku_id=order.sku_id, quantity=vcpu, amounts=order.amounts)
            pool.resize(key, id, size)
        else:
            pool.provision(key, order)
    summed = sum(
        amount.units
        for each in pool.resources(None, 500).items
        for amount in each.amounts
        if amount.resource_class is ResourceClass.VCPU
    )
    assert pool.inventory().allocated()[ResourceClass.VCPU] == summed
