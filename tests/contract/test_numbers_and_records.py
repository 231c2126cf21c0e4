"""Numbers, the audit chain and the outbox, alike in memory and on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from cloudmgr.domain import audit
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.errors import Conflict
from cloudmgr.domain.parties import Region
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.world import Message, World, next_id
from cloudmgr.store.tables import AUDIT
from cloudmgr.store.world import SqlNode
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import NOON, budget, record, region, request, timer


def test_numbers_count_each_series_from_one_without_gaps(node: NodeUnderTest) -> None:
    for expected in (1, 2, 3):
        with node.transaction() as world:
            assert world.number("REQ") == expected
    with node.transaction() as world:
        assert (world.number("ALC"), world.number("ALC")) == (1, 2)
        assert next_id(world, "REQ") == "REQ-00000004"


def _a_little_work(world: World) -> None:
    stored = world.put(region())
    world.put_many([request("REQ-1"), timer("T-1"), region("other")])
    record(world, "first")
    world.put(replace(stored, name_en="Changed"))
    world.put(budget(approved=Decimal("1234567890123.45")))
    record(world, "second")
    record(world, "nothing")


def test_the_chain_is_the_same_on_every_world(node: NodeUnderTest) -> None:
    memory = MemoryNode()
    with memory.transaction() as world:
        _a_little_work(world)
    with node.transaction() as world:
        _a_little_work(world)
    with node.reading() as world:
        events = world.audit_events()
    assert list(events) == memory.events
    assert audit.verify(events) == 3


def test_the_chain_goes_on_over_transactions_and_is_read_in_pages(node: NodeUnderTest) -> None:
    for number in range(5):
        with node.transaction() as world:
            record(world, f"event {number}")
    with node.reading() as world:
        assert audit.verify(world.audit_events()) == 5
        page = world.audit_events(after=2, limit=2)
        assert [event.subject for event in page] == ["event 2", "event 3"]


@pytest.mark.parametrize(
    "forgery", [{"subject": "other"}, {"hash": "f" * 64}, {"at": NOON + timedelta(microseconds=1)}]
)
def test_an_altered_event_is_found(sql: SqlNode, forgery: dict[str, object]) -> None:
    with sql.transaction() as world:
        for number in range(3):
            record(world, f"event {number}")
        world.run(update(AUDIT).where(AUDIT.c.sequence == 2).values(**forgery))
    with sql.reading() as world, pytest.raises(Conflict, match="audit_broken") as broken:
        audit.verify(world.audit_events())
    assert broken.value.details["sequence"] in (2, 3)


def test_a_removed_event_is_found(sql: SqlNode) -> None:
    with sql.transaction() as world:
        for number in range(3):
            record(world, f"event {number}")
        world.run(AUDIT.delete().where(AUDIT.c.sequence == 2))
    with sql.reading() as world, pytest.raises(Conflict, match="audit_broken"):
        audit.verify(world.audit_events())


def test_messages_wait_in_the_order_of_writing(node: NodeUnderTest) -> None:
    first = Message(topic="reminder", subject="REQ-1", payload={"days": 2, "到期": None}, at=NOON)
    second = replace(first, subject="REQ-0", payload={"nested": [1, {"a": "b"}]})
    with node.transaction() as world:
        world.outbox(first)
        world.outbox(second)
    assert node.messages() == (first, second)


def test_money_of_thirteen_digits_comes_back_to_the_fen(node: NodeUnderTest) -> None:
    most = Decimal("9999999999999.99")
    with node.transaction() as world:
        world.put(budget("most", approved=most, committed=-most))
        world.put(budget("zero", approved=Decimal("0.00")))
    with node.transaction() as world:
        assert world.get(Budget, "most").approved == most
        assert world.get(Budget, "most").committed == -most
        assert str(world.get(Budget, "zero").approved) == "0.00"
        assert [each.id for each in world.find(Budget, approved=most)] == ["most"]
        assert world.seek(Region, "most") is None
