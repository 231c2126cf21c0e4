"""put, put_many, locks and undoing, alike in memory and on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy.exc import DBAPIError

from cloudmgr.domain import audit, capacity
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.errors import Conflict
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Region
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services.world import Message, World
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import NOON, budget, inventory, record, region, request, timer


def _refuses(code: str) -> pytest.RaisesExc[Conflict]:
    return pytest.RaisesExc(Conflict, match=f"^{code}: ")


def test_every_put_counts_the_version(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        first = world.put(region())
        second = world.put(replace(first, name_en="Second"))
        assert (first.version, second.version) == (1, 2)
    with node.transaction() as world:
        assert world.get(Region, "city") == second


def test_a_stale_put_is_refused_and_changes_nothing(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        held = world.put(region())
    with node.transaction() as world:
        current = world.put(replace(held, name_en="Changed"))
    with node.transaction() as world, _refuses("stale_version"):
        world.put(replace(held, name_en="Lost"))
    with node.transaction() as world:
        assert world.get(Region, "city") == current


def test_a_second_first_put_is_refused(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(region())
        with _refuses("already_exists"):
            world.put(region())


def test_a_put_of_a_version_nobody_stored_is_refused(node: NodeUnderTest) -> None:
    with node.transaction() as world, _refuses("stale_version"):
        world.put(region(version=3))


def test_a_state_cannot_be_written_around_the_table(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        stored = world.put(request())
    done = RequestState.COMPLETED
    with node.transaction() as world, _refuses("illegal_transition"):
        world.put(replace(stored, state=done))
    with node.transaction() as world, _refuses("illegal_transition"):
        world.put(request("REQ-2", state=done))
    with node.transaction() as world, _refuses("illegal_transition"):
        world.put_many([request("REQ-3", state=done)])
    with node.transaction() as world:
        assert world.find(ResourceRequest) == (stored,)
        assert world.put(advance(stored, RequestState.UNIT_SIGNING)).version == 2


def test_a_counter_is_put_only_under_its_lock(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        stored = world.put(inventory())
    with node.transaction() as world, _refuses("unlocked_put"):
        world.put(capacity.hold(stored, 1))
    with node.transaction() as world:
        world.lock((Inventory, stored.id), (Budget, "B-not-there"))
        world.put(capacity.hold(world.get(Inventory, stored.id), 1))
    with node.transaction() as world, _refuses("unlocked_put"):
        world.put(capacity.hold(world.get(Inventory, stored.id), 1))


def test_a_lock_taken_twice_is_taken_once(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(budget())
        world.lock((Budget, "B-1"))
        world.lock((Budget, "B-1"), (Budget, "B-1"))
        spent = replace(world.get(Budget, "B-1"), committed=Decimal("1.00"))
        assert world.put(spent).version == 2


def test_many_are_put_at_once(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        put = world.put_many([region("b"), timer("t"), region("a")])
        assert put == 3
        assert world.get(Region, "a").version == 1
    with node.transaction() as world:
        assert [each.id for each in world.find(Region)] == ["a", "b"]
        assert world.get(Timer, "t") == replace(timer("t"), version=1)
        assert world.put_many([]) == 0


@pytest.mark.parametrize("new", [["new", "known"], ["known", "new"], ["new", "twice", "twice"]])
def test_many_with_a_known_id_are_refused_and_none_is_put(
    node: NodeUnderTest, new: list[str]
) -> None:
    with node.transaction() as world:
        world.put(region("known"))
        with pytest.raises(Conflict, match=r"^already_exists: Region '(known|twice)'"):
            world.put_many([timer("before"), *(region(id) for id in new)])
        # Refused is not broken: the transaction goes on.
        assert [each.id for each in world.find(Region)] == ["known"]
        assert not world.find(Timer)
        world.put(region("later"))
    with node.transaction() as world:
        assert [each.id for each in world.find(Region)] == ["known", "later"]


def test_an_exception_undoes_records_numbers_events_and_messages(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        kept = world.put(region())
        assert world.number("REQ") == 1
        record(world, "kept")
        world.outbox(Message(topic="t", subject="kept", payload={}, at=NOON))
    with pytest.raises(ZeroDivisionError), node.transaction() as world:
        _work_and_fail(world, kept)
    with node.transaction() as world:
        assert world.find(Region) == (kept,)
        assert not world.find(Timer)
        assert world.number("REQ") == 2
        assert world.number("OTHER") == 1
        assert [event.subject for event in world.audit_events()] == ["kept"]
        assert audit.verify(world.audit_events()) == 1
    assert [message.subject for message in node.messages()] == ["kept"]


def _work_and_fail(world: World, kept: Region) -> None:
    world.put(replace(kept, name_en="Undone"))
    world.put(region("undone"))
    world.put_many([timer("undone")])
    assert world.number("REQ") == 2
    assert world.number("OTHER") == 1
    record(world, "undone")
    world.outbox(Message(topic="t", subject="undone", payload={}, at=NOON))
    raise ZeroDivisionError


def test_nothing_put_while_reading_is_kept(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        kept = world.put(region())
    with node.reading() as world:
        assert world.get(Region, "city") == kept
        # The databases refuse what memory undoes.
        with suppress(DBAPIError):
            world.put(replace(kept, name_en="Read"))
    with node.transaction() as world:
        assert world.find(Region) == (kept,)
