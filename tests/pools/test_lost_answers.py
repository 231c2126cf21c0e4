"""Real pools that answer late, twice, not at all or with 5xx: nothing is made twice, nothing lost.

What is counted is what the pool has in the end, asked of it after it was killed and served again
from the same file without mishaps.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloudmgr.domain.pools_interface import OperationStatus, PoolOperation
from cloudmgr.pools.client import PoolClient
from cloudmgr.pools.errors import PoolAnswerUnknown, PoolUnreachable
from simulator.pool.failures import Failure
from simulator.pool.lies import Lie
from tests.pools.serving import FIRST_RESOURCES, an_order, client_of, serving

LATE_OPTIONS = ("--late", "600")
TIMEOUT_SECONDS = 0.25
ENOUGH_CALLS = 60


def kept_at_it(client: PoolClient, key: str, reference: str) -> PoolOperation:
    """What an outbox does: call again under the same key until the answer is known."""
    sent_before = False
    for _ in range(ENOUGH_CALLS):
        try:
            client.provision(key, an_order(reference), sent_before=sent_before)
            return client.settled(key, within_seconds=5.0, every_seconds=0.05)
        except (PoolAnswerUnknown, PoolUnreachable):
            sent_before = True
    raise AssertionError(f"{key} was not settled in {ENOUGH_CALLS} calls")


@pytest.mark.parametrize("failure", [kind for kind in Failure if kind is not Failure.TWICE])
def test_an_order_whose_answer_never_comes_stays_unknown_and_is_done_once_in_the_end(
    failure: Failure, tmp_path: Path
) -> None:
    state, order = tmp_path / "pool", an_order("ALC-1")
    options = ("--fail-percent", "100", "--fail", str(failure), *LATE_OPTIONS)
    with serving(state, *options) as url, client_of(url, timeout_seconds=TIMEOUT_SECONDS) as client:
        for attempt in range(2):
            with pytest.raises(PoolAnswerUnknown):
                client.provision("key-1", order, sent_before=attempt > 0)
    with serving(state) as url, client_of(url) as client:
        client.provision("key-1", order, sent_before=True)
        ended = client.settled("key-1", within_seconds=5.0, every_seconds=0.05)
        assert ended.status is OperationStatus.SUCCEEDED
        made = [each for each in client.resources() if each.reference == "ALC-1"]
        assert [each.id for each in made] == [ended.resource_id]
        assert len(client.resources()) == FIRST_RESOURCES + 1


def test_an_order_that_a_proxy_delivers_twice_is_done_once(tmp_path: Path) -> None:
    options = ("--fail-percent", "100", "--fail", str(Failure.TWICE))
    with serving(tmp_path / "pool", *options) as url, client_of(url) as client:
        ended = kept_at_it(client, "key-1", "ALC-1")
        assert ended.status is OperationStatus.SUCCEEDED
        assert len(client.resources()) == FIRST_RESOURCES + 1


def test_many_orders_through_every_mishap_are_each_done_once(tmp_path: Path) -> None:
    state, orders = tmp_path / "pool", 16
    options = ("--fail-percent", "35", "--seed", "7", "--work", "50", *LATE_OPTIONS)
    with (
        serving(state, *options) as url,
        client_of(url, timeout_seconds=TIMEOUT_SECONDS) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        ended = list(
            threads.map(lambda n: kept_at_it(client, f"key-{n}", f"ALC-{n}"), range(orders))
        )
    with serving(state) as url, client_of(url) as client:
        made = {each.reference: each.id for each in client.resources()}
        assert len(client.resources()) == len(made) == FIRST_RESOURCES + orders
    assert {made[f"ALC-{n}"] for n in range(orders)} == {each.resource_id for each in ended}


def test_even_a_pool_that_doubles_repeated_orders_gets_none_to_double(tmp_path: Path) -> None:
    state, orders = tmp_path / "pool", 8
    # An order that the network itself delivers twice is no node's doing.
    kinds = [kind for kind in Failure if kind not in (Failure.TWICE, Failure.HELD_UP)]
    fails = [word for kind in kinds for word in ("--fail", str(kind))]
    options = ("--fail-percent", "40", *fails, *LATE_OPTIONS, "--lie", str(Lie.DOUBLE_PROVISION))
    with (
        serving(state, *options) as url,
        client_of(url, timeout_seconds=TIMEOUT_SECONDS) as client,
    ):
        for n in range(orders):
            kept_at_it(client, f"key-{n}", f"ALC-{n}")
    with serving(state) as url, client_of(url) as client:
        assert len(client.resources()) == FIRST_RESOURCES + orders


def test_one_order_sent_by_many_at_once_is_done_once(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "pool") as url,
        client_of(url) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        ended = list(threads.map(lambda _: kept_at_it(client, "key-1", "ALC-1"), range(8)))
        assert len({each.id for each in ended}) == 1
        assert len(client.resources()) == FIRST_RESOURCES + 1


def test_resize_and_release_through_mishaps_happen_once(tmp_path: Path) -> None:
    state = tmp_path / "pool"
    with serving(state) as url, client_of(url) as client:
        made = kept_at_it(client, "key-1", "ALC-1").resource_id
        assert made is not None
    options = ("--fail-percent", "100", "--fail", str(Failure.CUT))
    with (
        serving(state, *options) as url,
        client_of(url) as client,
        pytest.raises(PoolAnswerUnknown),
    ):
        client.release("key-2", made, sent_before=False)
    with serving(state) as url, client_of(url) as client:
        client.release("key-2", made, sent_before=True)
        ended = client.settled("key-2", within_seconds=5.0, every_seconds=0.05)
        assert ended.status is OperationStatus.SUCCEEDED
        assert client.resource(made) is None


def test_an_order_beyond_the_capacity_fails_and_makes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "pool") as url, client_of(url) as client:
        client.provision("key-1", an_order("ALC-1", vcpu=2_000), sent_before=False)
        ended = client.settled("key-1", within_seconds=5.0, every_seconds=0.05)
        assert (ended.status, ended.code) == (OperationStatus.FAILED, "capacity_exceeded")
        assert len(client.resources()) == FIRST_RESOURCES


def test_usage_and_incidents_come_as_they_were_listed(tmp_path: Path) -> None:
    with serving(tmp_path / "pool") as url, client_of(url) as client:
        first, second = client.usage()
        assert client.usage(second.day) == (second,)
        assert client.usage_content(first).count(b"\n") == first.rows > 0
        (alarm,) = client.incidents()
        assert client.incidents(alarm.changed_at) == (alarm,)
