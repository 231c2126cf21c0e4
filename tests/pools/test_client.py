"""The client's steps, one by one, against a pool made of answers: what it sends after what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from cloudmgr.domain.pools_interface import OperationStatus, PoolOperation
from cloudmgr.pools.breaker import Breaker
from cloudmgr.pools.client import Patience, PoolClient
from cloudmgr.pools.errors import (
    PoolAnswerUnknown,
    PoolBrokeInterface,
    PoolRefused,
    PoolUnreachable,
)
from tests.pools.serving import an_order

KEY = "REQ-1.1"
SEND, ASK = "POST /pool/v1/resources", f"GET /pool/v1/keys/{KEY}/operation"
Step = Callable[[httpx.Request], httpx.Response]


@dataclass
class Told:
    """What the client did: its requests, and how long it waited between them."""

    requests: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    now: float = 0.0


@contextmanager
def client(*steps: Step, breaker_failures: int = 100) -> Iterator[tuple[PoolClient, Told]]:
    """A client of a pool that gives these answers in turn, then none."""
    told, left = Told(), list(steps)

    def handle(request: httpx.Request) -> httpx.Response:
        told.requests.append(f"{request.method} {request.url.path}")
        assert request.method == "GET" or request.headers["Idempotency-Key"] == KEY
        return left.pop(0)(request)

    def sleep(seconds: float) -> None:
        told.waits.append(seconds)
        told.now += seconds

    with httpx.Client(base_url="http://pool", transport=httpx.MockTransport(handle)) as http:
        breaker = Breaker(lambda: told.now, failures=breaker_failures, open_seconds=30.0)
        yield (
            PoolClient(
                http,
                sleep=sleep,
                now=lambda: told.now,
                jitter=lambda: 0.0,
                patience=Patience(attempts=4),
                breaker=breaker,
            ),
            told,
        )
        assert not left, "the client asked less than was expected"


def answer(status: int, body: Any) -> Step:
    return lambda request: httpx.Response(status, json=body)


def raw(status: int, body: bytes) -> Step:
    return lambda request: httpx.Response(status, content=body)


def lost(error: type[httpx.TransportError]) -> Step:
    def step(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    return step


def problem(status: int, code: str) -> Step:
    return answer(status, {"title": "No", "status": status, "code": code, "detail": "no"})


def operation(key: str = KEY, action: str = "provision") -> dict[str, Any]:
    return {
        "id": "OP-1",
        "key": key,
        "action": action,
        "status": "pending",
        "accepted_at": "2026-01-01T00:00:00Z",
    }


ACCEPTED = answer(202, operation())
FOUND = answer(200, operation())
NEVER_ARRIVED = problem(404, "unknown")
LATE, CUT = lost(httpx.ReadTimeout), lost(httpx.RemoteProtocolError)
NO_LISTENER = lost(httpx.ConnectError)
GATEWAY_404 = raw(404, b"<html>no such route</html>")


def provision(one: PoolClient, *, sent_before: bool = False) -> PoolOperation:
    return one.provision(KEY, an_order("A"), sent_before=sent_before)


def test_an_accepted_order_is_sent_once() -> None:
    with client(ACCEPTED) as (one, told):
        assert provision(one).status is OperationStatus.PENDING
    assert told.requests == [SEND]


@pytest.mark.parametrize("loss", [LATE, CUT, raw(500, b""), raw(503, b""), raw(202, b'{"id": ')])
def test_after_a_lost_answer_the_pool_is_asked_before_anything_is_sent_again(loss: Step) -> None:
    with client(loss, FOUND) as (one, told):
        assert provision(one).id == "OP-1"
    assert told.requests == [SEND, ASK]


def test_only_an_order_that_never_arrived_is_sent_again_under_the_same_key() -> None:
    with client(LATE, NEVER_ARRIVED, ACCEPTED) as (one, told):
        provision(one)
    assert told.requests == [SEND, ASK, SEND]


def test_while_the_pool_cannot_be_asked_nothing_is_sent_and_the_answer_stays_unknown() -> None:
    with (
        client(LATE, LATE, NO_LISTENER, raw(502, b"")) as (one, told),
        pytest.raises(PoolAnswerUnknown) as raised,
    ):
        provision(one)
    assert told.requests == [SEND, ASK, ASK, ASK]
    assert raised.value.details["key"] == KEY


def test_a_gateways_404_is_not_taken_for_the_pools_word_that_nothing_arrived() -> None:
    with (
        client(LATE, *[GATEWAY_404] * 3) as (one, told),
        pytest.raises(PoolAnswerUnknown),
    ):
        provision(one)
    assert told.requests == [SEND, ASK, ASK, ASK]


def test_an_order_sent_in_an_earlier_call_is_asked_for_first() -> None:
    with client(FOUND) as (one, told):
        provision(one, sent_before=True)
    assert told.requests == [ASK]


def test_what_was_sent_before_stays_unknown_when_nobody_listens() -> None:
    with client(*[NO_LISTENER] * 4) as (one, _), pytest.raises(PoolAnswerUnknown):
        provision(one, sent_before=True)


def test_where_nobody_listens_nothing_was_done() -> None:
    with client(*[NO_LISTENER] * 4) as (one, told), pytest.raises(PoolUnreachable):
        provision(one)
    assert told.requests == [SEND] * 4


def test_waits_double_with_jitter() -> None:
    with client(*[NO_LISTENER] * 3, ACCEPTED) as (one, told):
        provision(one)
    # Half of 0.5, 1 and 2 seconds: jitter of 0 is the shortest wait.
    assert told.waits == [0.25, 0.5, 1.0]
    assert Patience().wait_seconds(30, 0.999) < Patience().longest_wait_seconds


def test_a_refusal_is_definite_and_not_tried_again() -> None:
    with client(problem(409, "key_reused")) as (one, told), pytest.raises(PoolRefused):
        provision(one)
    assert told.requests == [SEND]


def test_a_refusal_to_talk_says_nothing_about_an_order_in_doubt() -> None:
    with (
        client(LATE, problem(401, "unauthenticated")) as (one, _),
        pytest.raises(PoolAnswerUnknown),
    ):
        provision(one)
    with (
        client(LATE, NEVER_ARRIVED, problem(403, "forbidden")) as (one, _),
        pytest.raises(PoolAnswerUnknown),
    ):
        provision(one)


@pytest.mark.parametrize("other", [operation(key="REQ-2.1"), operation(action="release")])
def test_another_operation_is_never_taken_for_ours(other: dict[str, Any]) -> None:
    with client(answer(202, other), FOUND) as (one, told):
        assert provision(one).key == KEY
    assert told.requests == [SEND, ASK]
    with (
        client(answer(202, other), *[answer(200, other)] * 3) as (one, _),
        pytest.raises(PoolAnswerUnknown),
    ):
        provision(one)


def test_an_operation_that_does_not_end_in_time_stays_unknown() -> None:
    with client(*[FOUND] * 4) as (one, told), pytest.raises(PoolAnswerUnknown):
        one.settled(KEY, within_seconds=3.0, every_seconds=1.0)
    assert told.now == 3.0


def test_reading_is_tried_again_and_malformed_json_is_told_as_such() -> None:
    page: dict[str, Any] = {"items": [], "next_cursor": None}
    with client(raw(200, b'{"items": ['), answer(200, page)) as (one, _):
        assert one.resources() == ()
    with client(*[raw(200, b"{")] * 4) as (one, _), pytest.raises(PoolBrokeInterface):
        one.resources()


def test_a_released_resource_is_none_but_a_gateways_404_is_not() -> None:
    with client(NEVER_ARRIVED) as (one, _):
        assert one.resource("R-1") is None
    with client(*[GATEWAY_404] * 4) as (one, _), pytest.raises(PoolBrokeInterface):
        one.resource("R-1")


def test_a_list_that_goes_in_circles_ends() -> None:
    page = answer(200, {"items": [], "next_cursor": "again"})
    with client(page, page) as (one, _), pytest.raises(PoolBrokeInterface, match="cursor"):
        one.resources()


def test_a_usage_batch_that_is_not_what_was_listed_is_not_given_out() -> None:
    listed = {
        "id": "B-1",
        "day": "2026-01-01",
        "media_type": "application/x-ndjson",
        "rows": 1,
        "size_bytes": 3,
        "sha256": "0" * 64,
    }
    page = answer(200, {"items": [listed], "next_cursor": None})
    with client(page, raw(200, b"abc")) as (one, _):
        (file,) = one.usage()
        with pytest.raises(PoolBrokeInterface, match="B-1"):
            one.usage_content(file)


def test_a_pool_that_keeps_failing_is_left_alone_then_probed_once() -> None:
    health = {
        "interface": "1.0",
        "pool_id": "P",
        "level": "monitoring",
        "status": "ok",
        "at": "2026-01-01T00:00:00Z",
    }
    steps = [*[NO_LISTENER] * 3, NO_LISTENER, answer(200, health), answer(200, health)]
    with client(*steps, breaker_failures=3) as (one, told):
        with pytest.raises(PoolUnreachable) as raised:
            one.health()
        assert raised.value.code == "pool_circuit_open"
        assert len(told.requests) == 3
        with pytest.raises(PoolUnreachable):
            one.health()
        assert len(told.requests) == 3, "nothing is sent while it is open"
        told.now += 30.0
        with pytest.raises(PoolUnreachable):
            one.health()
        assert len(told.requests) == 4, "one probe, which failed"
        told.now += 30.0
        assert one.health().pool_id == "P"
        assert one.health().pool_id == "P", "closed again"


def test_malformed_answers_open_the_circuit_too() -> None:
    with client(*[raw(200, b"{")] * 3, breaker_failures=3) as (one, _):
        with pytest.raises(PoolUnreachable) as raised:
            one.health()
        assert raised.value.code == "pool_circuit_open"


def test_an_order_in_doubt_stays_unknown_when_the_circuit_opens() -> None:
    with client(LATE, LATE, breaker_failures=2) as (one, _), pytest.raises(PoolAnswerUnknown):
        provision(one)


def test_refusals_do_not_open_the_circuit() -> None:
    with client(*[problem(409, "key_reused")] * 5, breaker_failures=2) as (one, _):
        for _ in range(5):
            with pytest.raises(PoolRefused):
                provision(one)


def test_an_answer_that_drips_for_ever_is_given_up() -> None:
    told_now = [0.0]

    def drip(request: httpx.Request) -> httpx.Response:
        def chunks() -> Iterator[bytes]:
            for character in json.dumps(operation()):
                told_now[0] += 10.0
                yield character.encode()

        return httpx.Response(202, content=chunks())

    with httpx.Client(base_url="http://pool", transport=httpx.MockTransport(drip)) as http:
        one = PoolClient(
            http,
            sleep=lambda seconds: None,
            now=lambda: told_now[0],
            jitter=lambda: 0.0,
            patience=Patience(attempts=1),
        )
        with pytest.raises(PoolAnswerUnknown, match="too long"):
            provision(one)
