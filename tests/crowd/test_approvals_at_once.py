"""Many approvals at once against one quota, one pool and one budget, through a killed server.

The clients are processes of their own and speak HTTP to a served node; the node is killed in the
middle and started again. What fits is approved, the rest refused with the code of what was short,
and every counter still says what the records behind it add up to.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
import pytest

from cloudmgr.domain import audit
from cloudmgr.domain.allocations import Allocation, AllocationState, Reservation, ReservationState
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.quota import UNLIMITED, Quota, quota_id
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.services.estimates import estimate
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.api import give_tokens, secret_of
from tests.support.requests import a_line, check_conserved, signed_until, submitted
from tests.support.served import ServedNode
from tests.support.stored_town import StoredTown, move_in
from tests.support.supply import VCPU
from tests.support.worlds import CHAIN, Town, a_town

ROOT = Path(__file__).resolve().parents[2]
PLENTY = 1_000_000
VCPUS = 2
"""What each request takes."""

DEPARTMENTS = ("health", "transport")
SIGNERS = ("centre.a", "centre.b")
SHORT = {"quota": "quota_exceeded", "pool": "no_pool", "budget": "budget_exceeded"}
"""What is short -> the code of the refusals; a request that names its pool is told why it cannot
take it."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many approve, from how many processes, and how many of them fit."""

    approvals: int
    processes: int
    fit: int


SMALL = Size(approvals=40, processes=4, fit=25)
FULL = Size(approvals=200, processes=8, fit=120)


@cache
def _waiting(approvals: int) -> tuple[Town, tuple[ResourceRequest, ...], Decimal]:
    """A town where that many requests wait for their last signature, and what each commits."""
    town = a_town()
    # Without the signatures that many increases would call for.
    town.change(town.look(Policy, "policy"), chain=CHAIN[:4])
    for id in ("city", *DEPARTMENTS):
        town.change(town.look(Quota, quota_id(id, VCPU)), limit_units=UNLIMITED)
    for inventory in town.all(Inventory, pool_id="x86"):
        town.change(inventory, total=PLENTY * 4096)
    for budget in town.all(Budget, payer_id="treasury"):
        town.change(budget, approved=Decimal(PLENTY * 100))
    requests = tuple(
        signed_until(
            town,
            submitted(town, a_line(pool_id="x86"), department=DEPARTMENTS[number % 2]),
            "technical",
        )
        for number in range(approvals)
    )
    with town.transaction() as world:
        give_tokens(world, town.now)
        each = estimate(world, requests[0], town.now).commitment
    return town, requests, each


def _tightened(town: Town, short: str, fit: int, each: Decimal) -> Town:
    """The town with room for `fit` requests of what is `short`, and not quite one more."""
    tight = town.twin()
    if short == "quota":  # of the city, which both departments share
        tight.change(tight.look(Quota, quota_id("city", VCPU)), limit_units=fit * VCPUS + 1)
    elif short == "pool":
        inventory = tight.look(Inventory, inventory_id("x86", VCPU))
        tight.change(inventory, total=fit * VCPUS + 1)
    else:
        payer = tight.look(Budget, "treasury/-/2026")
        tight.change(payer, approved=(fit + 1) * each - Decimal("0.01"))
    return tight


@contextmanager
def _crowd(url: str, tasks: Sequence[dict[str, str]], processes: int) -> Iterator[SimpleQueue[Any]]:
    """Client processes that all begin at once; yields the queue of their answers."""
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.crowd.client", url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    answers: SimpleQueue[Any] = SimpleQueue()

    def listen(client: subprocess.Popen[str]) -> None:
        assert client.stdout is not None
        for line in client.stdout:
            answers.put(json.loads(line))

    try:
        for client in crowd:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        for number, client in enumerate(crowd):
            assert client.stdin is not None
            client.stdin.write(json.dumps(tasks[number::processes]) + "\n")
            client.stdin.flush()
        listeners = [threading.Thread(target=listen, args=(client,)) for client in crowd]
        for listener in listeners:
            listener.start()
        yield answers
        for listener in listeners:
            listener.join(timeout=60)
        assert [client.wait(timeout=60) for client in crowd] == [0] * processes
    finally:
        for client in crowd:
            client.kill()
            client.wait()
            for pipe in (client.stdin, client.stdout):
                if pipe is not None:
                    pipe.close()


def _task(number: int, request: ResourceRequest) -> dict[str, str]:
    return {"request_id": request.id, "token": secret_of(SIGNERS[number % len(SIGNERS)])}


def _all_at_once(database_url: str, folder: Path, short: str, size: Size) -> None:
    town, requests, each = _waiting(size.approvals)
    upgrade(database_url)
    node = SqlNode(database_url, MemoryLake(), durable=False)
    stored = move_in(_tightened(town, short, size.fit, each), node)
    tasks = [_task(number, request) for number, request in enumerate(requests)]
    with ServedNode(folder, database_url) as server:
        with _crowd(server.url, tasks, size.processes) as answers:
            told = [answers.get(timeout=120) for _ in range(size.fit // 3)]
            server.kill()
            server.start()
            told += [answers.get(timeout=240) for _ in range(size.approvals - len(told))]
        _check_answers(stored, told, short, size)
        _check_nothing_leaked(stored, size.fit, each)
        _check_repeated(server.url, tasks, stored)
    node.close()


def _check_answers(stored: StoredTown, told: list[dict[str, Any]], short: str, size: Size) -> None:
    counted = Counter(each["answer"] for each in told)
    assert counted == {"approved": size.fit, SHORT[short]: size.approvals - size.fit}
    assert sum(each["unanswered"] for each in told), "the kill met nobody"
    yes = {each["request_id"] for each in told if each["answer"] == "approved"}
    states = {each.id: each.state for each in stored.all(ResourceRequest)}
    assert {id for id, state in states.items() if state is RequestState.APPROVED} == yes
    others = {state for id, state in states.items() if id not in yes}
    assert others == {RequestState.IN_REVIEW}


def _check_nothing_leaked(stored: StoredTown, fit: int, each: Decimal) -> None:
    check_conserved(stored)
    assert len(stored.all(Reservation, state=ReservationState.HELD)) == fit
    assert len(stored.all(Reservation)) == fit
    assert len(stored.all(Allocation, state=AllocationState.RESERVED)) == fit
    assert len(stored.all(Approval, step="technical")) == fit
    assert stored.look(Quota, quota_id("city", VCPU)).reserved == fit * VCPUS
    assert stored.look(Inventory, inventory_id("x86", VCPU)).held == fit * VCPUS
    assert stored.look(Budget, "treasury/-/2026").committed == fit * each
    assert sum(row.amount for row in stored.all(BudgetCommitment)) == fit * each
    with stored.reading() as world:
        events = world.audit_events(limit=10_000)
    assert audit.verify(events) == len(events)
    assert Counter(event.command for event in events)["sign_request"] == fit


def _check_repeated(url: str, tasks: Sequence[dict[str, str]], stored: StoredTown) -> None:
    """Whoever asks once more with the same key is told the same and changes nothing."""
    approved = {each.id for each in stored.all(ResourceRequest, state=RequestState.APPROVED)}
    again = [task for task in tasks if task["request_id"] in approved][:5]
    with stored.reading() as world:
        before = len(world.audit_events(limit=10_000))
    for task in again:
        answer = httpx.post(
            f"{url}/api/v1/requests/{task['request_id']}/signatures",
            json={"decision": "approve"},
            headers={
                "Authorization": f"Bearer {task['token']}",
                "Idempotency-Key": f"sign-{task['request_id']}",
            },
            timeout=60,
        )
        assert answer.json()["state"] == "approved"
    with stored.reading() as world:
        assert len(world.audit_events(limit=10_000)) == before


def test_what_fits_is_approved_and_nothing_leaks(database_url: str, tmp_path: Path) -> None:
    """The budget is asked last, when quota and pool are counted already: these must be undone."""
    _all_at_once(database_url, tmp_path, "budget", SMALL)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("short", SHORT)
def test_two_hundred_at_once_end_with_exactly_what_fits(
    database_url: str, tmp_path: Path, short: str
) -> None:
    _all_at_once(database_url, tmp_path, short, FULL)
