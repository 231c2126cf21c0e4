"""A busy database: what failed for others' sake is done again, a few times, then told as busy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from cloudmgr.api import edge as edges
from cloudmgr.api.edge import RETRIES, Edge
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.errors import busy
from cloudmgr.services.commands import HANDLERS
from cloudmgr.services.world import Node, World
from tests.support.api import Api, application, done, refused

DRAFT = {
    "department_id": "d01", "application_id": "A01", "kind": "new", "reason": "when busy",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}],
}  # fmt: skip


class Busy:
    """A node whose first transactions come to nothing at their end, as after a deadlock."""

    def __init__(self, node: Node, times: int) -> None:
        self.node = node
        self.times = times
        self.begun = 0

    @contextmanager
    def transaction(self) -> Iterator[World]:
        self.begun += 1
        with self.node.transaction() as world:
            yield world
            if self.begun <= self.times:
                raise busy()

    def reading(self) -> Any:
        return self.node.reading()


def serve(api: Api, times: int) -> tuple[Busy, list[float]]:
    """The city's application on a node that is busy some times; and how long it waited."""
    waited: list[float] = []
    node = Busy(api.node, times)
    api.edge = Edge(node, sleep=waited.append)
    return node, waited


@pytest.fixture
def patient(own_city: Api) -> Iterator[Api]:
    before = own_city.edge
    yield own_city
    own_city.edge = before


@pytest.mark.parametrize("times", range(1, RETRIES))
def test_a_command_is_done_again_and_once(patient: Api, times: int) -> None:
    node, waited = serve(patient, times)
    drafted = done(patient.post("requests", "d01.user", DRAFT))
    assert node.begun == times + 1
    assert len(waited) == times
    assert all(0 < each < 1 for each in waited)
    items = patient.items("requests", "d01.user", limit=500)
    assert [each["id"] for each in items if each["reason"] == "when busy"] == [drafted["id"]]


def test_in_the_end_it_is_told_when_to_come_back_and_nothing_was_done(patient: Api) -> None:
    node, _ = serve(patient, 99)
    answer = patient.post("requests", "d01.user", DRAFT)
    refused(answer, 503, "busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert node.begun == RETRIES
    assert patient.items("requests", "d01.user", limit=500) == []


def test_who_waited_long_already_is_not_made_to_wait_again(
    patient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "RETRY_SECONDS", -1.0)
    node, _ = serve(patient, 99)
    refused(patient.post("requests", "d01.user", DRAFT), 503, "busy")
    assert node.begun == 1


def test_another_refusal_is_not_tried_again(patient: Api) -> None:
    node, _ = serve(patient, 0)
    refused(patient.post("requests/REQ-absent/submission", "d01.user"), 404, "not_found")
    assert node.begun == 1


def test_signing_in_is_tried_again_too(patient: Api) -> None:
    serve(patient, 1)
    assert patient.sign_in("d01.user").status_code == 201


def test_two_that_would_lock_each_other_out_both_get_done(own_city: Api) -> None:
    """On PostgreSQL a deadlock, of which one is given up; on SQLite they take turns."""
    with own_city.node.reading() as world:
        first, second = (each.id for each in world.find(Inventory, limit=2))
    edge, meet, done_by = Edge(own_city.node), threading.Barrier(2), []

    def cross(one: str, other: str) -> None:
        tries = 0

        def work(world: World) -> None:
            nonlocal tries
            tries += 1
            world.lock((Inventory, one))
            if tries == 1:
                with suppress(threading.BrokenBarrierError):
                    meet.wait(timeout=2)
            world.lock((Inventory, other))

        edge.commit(work)
        done_by.append(tries)

    pairs = ((first, second), (second, first))
    threads = [threading.Thread(target=cross, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    deadlocks = not meet.broken
    assert sorted(done_by) == ([1, 2] if deadlocks else [1, 1])


def test_every_command_says_that_the_database_may_be_busy() -> None:
    commands = {handler.name for handler in HANDLERS.values()}
    for ops in application().openapi()["paths"].values():
        for operation in ops.values():
            if operation["operationId"] in {*commands, "log_in", "log_in_by_cookie"}:
                assert "503" in operation["responses"], operation["operationId"]


def test_where_guesses_are_counted_the_document_says_so() -> None:
    told = {
        operation["operationId"]
        for ops in application().openapi()["paths"].values()
        for operation in ops.values()
        if "429" in operation["responses"]
    }
    assert told == {"log_in", "log_in_by_cookie", "change_password"}
