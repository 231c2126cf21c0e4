"""Workers for the contract tests: a machine's clock, a workshop, and a registry of one's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.leases import Backoff
from cloudmgr.services import jobs, outbox
from cloudmgr.services.commands import perform
from cloudmgr.services.leases import Workshop
from tests.contract.samples import NOON


class Machine:
    """The machine's clock of a test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


def a_shop(node: Any, machine: Machine, **changed: Any) -> Workshop:
    fields: dict[str, Any] = {
        "outside": "outside",
        "lease_seconds": 60,
        "backoff": Backoff(first_seconds=10, longest_seconds=15, attempts=3),
        "every": {"count": 100},
    }
    return Workshop(node=node, clock=machine, **(fields | changed))


def give(node: Any, command: Any) -> Any:
    with node.transaction() as world:
        return perform(world, command, SYSTEM, NOON)


def forget_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test registers its own receivers and jobs."""
    monkeypatch.setattr(outbox, "RECEIVERS", {})
    monkeypatch.setattr(outbox, "OWED", set())
    monkeypatch.setattr(jobs, "RUNS", {})
