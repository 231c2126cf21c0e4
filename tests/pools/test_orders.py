"""Work orders of a pool at scheduling level, worked off by a worker against a real pool process."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.pools_connection import PoolConnection
from cloudmgr.domain.pools_orders import PoolOrder, PoolOrderState
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.workorders import WorkOrder, WorkOrderState
from cloudmgr.services.pools_connection import ConnectPool, PausePool
from cloudmgr.services.pools_orders import POOL_ORDER
from cloudmgr.services.pools_orders_results import DecidePoolOrder
from cloudmgr.services.provisioning import AcceptWorkOrder
from simulator.pool.failures import Failure
from simulator.pool.lies import Lie
from tests.pools.serving import an_order, client_of, free_port, serving
from tests.pools.works import Works, a_working_town, connected, pool_of, recount, there
from tests.support.requests import (
    a_line,
    accepted,
    allocation_of,
    approved,
    check_conserved,
    completed,
    confirmed,
    dispatched,
    done,
    look,
    orders,
    refused,
)

S = RequestState


@pytest.fixture
def town(tmp_path: Path) -> Works:
    return a_working_town(tmp_path)


def test_what_was_ordered_is_made_once_delivered_and_confirmed(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool", "--work", "100") as url:
        request = dispatched(town, approved(town, a_line(), a_line(line=2, quantity=2)))
        assert there(url) == {}, "nothing remote happens in a command"
        town.work(2)
        assert look(town, request).state is S.AWAITING_CONFIRMATION
        (order,) = town.all(WorkOrder, request_id=request.id)
        assert order.state is WorkOrderState.DONE
        confirmed(town, request)
        recount(town, url)
        messages = town.all(OutboxMessage, topic=POOL_ORDER)
        assert {each.state for each in messages} == {MessageState.SENT}


def test_resize_renewal_and_release_go_the_same_way(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        made = dispatched(town, approved(town))
        town.work()
        confirmed(town, made)
        running = allocation_of(town, made)
        for kind, line in (
            (RequestKind.CHANGE, a_line(sku_id="vm-large", allocation_id=running.id)),
            (RequestKind.RENEW, a_line(sku_id="vm-large", allocation_id=running.id)),
            (RequestKind.RELEASE, a_line(sku_id="vm-large", allocation_id=running.id)),
        ):
            request = dispatched(town, approved(town, line, kind=kind))
            town.work()
            assert look(town, request).state is S.AWAITING_CONFIRMATION, kind
            confirmed(town, request)
            recount(town, url)
        assert there(url) == {}


def test_a_relocation_releases_what_it_leaves_behind(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        made = dispatched(town, approved(town))
        town.work()
        confirmed(town, made)
        assert len(there(url)) == 1
        line = a_line(allocation_id=allocation_of(town, made).id, pool_id="kunpeng")
        completed(town, line, kind=RequestKind.RELOCATE)
        town.work()
        recount(town, url)
        assert there(url) == {}


def test_a_pool_that_refuses_fails_the_request_and_a_retry_makes_only_what_is_missing(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        lines = (a_line(), a_line(line=2, sku_id="vm-large", quantity=2))
        request = approved(town, *lines)
        with client_of(url) as client:
            client.provision("other", an_order("OTHER", vcpu=1995), sent_before=False)
            other = client.settled("other", within_seconds=5, every_seconds=0.05)
            request = dispatched(town, request)
            town.work(2)
            failed = look(town, request)
            assert failed.state is S.FAILED
            assert "capacity_exceeded" in failed.outcome
            assert len(there(url)) == 2, "line 1 was made"
            client.release("free", other.resource_id or "", sent_before=False)
            client.settled("free", within_seconds=5, every_seconds=0.05)
        dispatched(town, failed)
        town.work(2)
        assert look(town, request).state is S.AWAITING_CONFIRMATION
        confirmed(town, request)
        recount(town, url)


def test_what_a_cancelled_request_had_made_is_taken_back(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        request = dispatched(town, approved(town, a_line(), a_line(line=2, sku_id="vm-kp")))
        town.work()
        assert len(there(url)) == 1
        (by_hand,) = orders(town, request)
        refused(town, by_hand)
        town.wait("02-20 09:00")
        assert look(town, request).state is S.CANCELLED
        town.work(2)
        assert there(url) == {}
        recount(town, url)


def test_an_order_still_under_way_when_its_request_ends_is_followed_and_taken_back(
    town: Works, tmp_path: Path
) -> None:
    state = tmp_path / "pool"
    with pool_of(town, state, "--lie", str(Lie.NEVER_DOES)):
        request = dispatched(town, approved(town, a_line(), a_line(line=2, sku_id="vm-kp")))
        town.work()
        by_hand = next(each for each in orders(town, request) if each.pool_id == "kunpeng")
        refused(town, by_hand)
        town.wait("02-20 09:00")
        assert look(town, request).state is S.CANCELLED
        town.work()
    with pool_of(town, state) as url:
        town.work(4)
        assert there(url) == {}
        assert [each.state for each in town.all(PoolOrder)] == [PoolOrderState.SUCCEEDED] * 2


@pytest.mark.parametrize("failure", [each for each in Failure if each is not Failure.TWICE])
def test_a_pool_that_does_not_answer_holds_everything_and_is_done_once_in_the_end(
    failure: Failure, town: Works, tmp_path: Path
) -> None:
    state = tmp_path / "pool"
    options = ("--fail-percent", "100", "--fail", str(failure), "--late", "900")
    with pool_of(town, state, *options):
        request = dispatched(town, approved(town))
        town.work(2)
        assert look(town, request).state is S.PROVISIONING
        (order,) = town.all(PoolOrder)
        assert order.state is PoolOrderState.SENT
        assert order.problem
    with pool_of(town, state) as url:
        town.work(3)
        confirmed(town, request)
        recount(town, url)


def test_a_pool_that_is_not_there_holds_everything(town: Works, tmp_path: Path) -> None:
    connected(town, f"http://127.0.0.1:{free_port()}")
    request = dispatched(town, approved(town))
    town.work(8)
    assert look(town, request).state is S.PROVISIONING
    (message,) = town.all(OutboxMessage, topic=POOL_ORDER)
    assert message.state is MessageState.WAITING, "an order to a pool is never given up"
    with pool_of(town, tmp_path / "pool") as url:
        town.work(3)
        confirmed(town, request)
        recount(town, url)


HOLDS = (Lie.NEVER_DOES, Lie.PHANTOM_SUCCESS, Lie.CHANGES_SIZE, Lie.FORGETS_REFERENCE)


@pytest.mark.parametrize("lie", HOLDS)
def test_a_pool_that_says_it_did_what_it_does_not_show_is_not_believed(
    lie: Lie, town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool", "--lie", str(lie)):
        request = dispatched(town, approved(town))
        town.work(3)
        assert look(town, request).state is S.PROVISIONING
        (order,) = town.all(PoolOrder)
        assert order.state is PoolOrderState.SENT
        assert bool(order.problem) == (lie is not Lie.NEVER_DOES)
        check_conserved(town)


def test_even_a_pool_that_doubles_repeated_orders_gets_none_to_double(
    town: Works, tmp_path: Path
) -> None:
    kinds = [each for each in Failure if each not in (Failure.TWICE, Failure.HELD_UP)]
    fails = [word for kind in kinds for word in ("--fail", str(kind))]
    state, lie = tmp_path / "pool", ("--lie", str(Lie.DOUBLE_PROVISION))
    options = ("--fail-percent", "40", *fails, "--late", "900", *lie)
    with pool_of(town, state, *options):
        made = [dispatched(town, approved(town)) for _ in range(4)]
        town.work(6)
    with pool_of(town, state, *lie) as url:
        town.work(3)
        for request in made:
            confirmed(town, request)
        recount(town, url)


def test_an_order_that_is_under_way_is_closed_by_the_pools_answer_or_by_the_reviewer(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool", "--lie", str(Lie.NEVER_DOES)):
        request = dispatched(town, approved(town))
        town.work()
        (work_order,) = orders(town, request)
        by_hand = AcceptWorkOrder(work_order_id=work_order.id)
        assert town.code(by_hand, "prv.engineer") == "pool_order_under_way"
        (order,) = town.all(PoolOrder)
        decision = DecidePoolOrder(
            pool_order_id=order.id, done=False, reason="the console shows no such order"
        )
        town.give(decision, "centre.a")
        assert town.code(decision, "centre.a") == "pool_order_ended"
        town.work()
        assert look(town, request).state is S.FAILED
        assert town.look(PoolOrder, order.id).decided_by == "centre.a"


def test_a_paused_pool_is_sent_nothing(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        town.give(PausePool(pool_id="x86", paused=True), "centre.a")
        request = dispatched(town, approved(town))
        town.work(2)
        assert there(url) == {}
        assert look(town, request).state is S.PROVISIONING
        town.give(PausePool(pool_id="x86", paused=False), "centre.a")
        town.work(2)
        assert look(town, request).state is S.AWAITING_CONFIRMATION


def test_lines_that_take_nothing_of_the_pool_stay_with_people(town: Works, tmp_path: Path) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        request = dispatched(town, approved(town, a_line(), a_line(line=2, sku_id="setup")))
        town.work()
        (order,) = orders(town, request)
        assert order.state is WorkOrderState.ACCEPTED
        done(town, order)
        assert look(town, request).state is S.AWAITING_CONFIRMATION
        (made,) = there(url)[allocation_of(town, request).id]
        assert allocation_of(town, request).provider_resource_id == made.id, "as the pool told"


def test_a_pool_below_scheduling_level_gets_work_orders_for_people(town: Works) -> None:
    request = dispatched(town, approved(town))
    town.work()
    assert not town.all(PoolOrder)
    accepted(town, orders(town, request)[0])


def test_the_token_is_read_from_the_secrets_folder_and_stands_nowhere(
    town: Works, tmp_path: Path
) -> None:
    with serving(tmp_path / "pool", "--token", "s3cret-token", "--resources", "0") as url:
        connected(town, url)
        connect = ConnectPool(pool_id="x86", url=url, credential="x86-token")
        town.give(connect, "centre.a")
        request = dispatched(town, approved(town))
        town.work(2)
        (order,) = town.all(PoolOrder)
        assert order.state is PoolOrderState.SENT, "without its token nothing is refused for good"
        (tmp_path / "x86-token").write_text("s3cret-token\n")
        town.work(2)
        assert look(town, request).state is S.AWAITING_CONFIRMATION
        assert town.look(PoolConnection, "x86").credential == "x86-token"
        assert "s3cret" not in repr(town.records)


def test_requests_of_all_kinds_have_their_orders_under_different_keys(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        town.give(ConnectPool(pool_id="x86", url=url, key_prefix="north-"), "centre.a")
        requests: list[ResourceRequest] = [dispatched(town, approved(town)) for _ in range(3)]
        town.work()
        keys = [each.id for each in town.all(PoolOrder)]
        assert len(set(keys)) == len(requests) == 3
        assert all(key.startswith("north-") for key in keys)
