"""A stage to play on without a city's month: a driver that only writes down what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa

from catalog.errors import CloudmgrError
from catalog.period import Month
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import Command
from simulator.city.stage import Stage
from tests.support.plays import the_city

V = TypeVar("V", bound=Value)


@dataclass
class WritingDriver:
    """Answers every command with itself, or refuses all of them; finds what it was given."""

    given: list[tuple[str, Command]] = field(default_factory=list)
    clock: list[datetime] = field(default_factory=list)
    found: tuple[Value, ...] = ()
    refusal: CloudmgrError | None = None

    def perform(self, login: str, command: Command) -> Any:
        self.given.append((login, command))
        if self.refusal is not None:
            raise self.refusal
        return command

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        return tuple(each for each in self.found if isinstance(each, kind))

    def ingest(self, login: str, pool_id: str, batch_id: str, rows: pa.Table) -> UsageBatch:
        raise AssertionError("nobody sends readings here")

    def close_month(self, login: str, month: Month) -> None:
        raise AssertionError("nobody closes a month here")

    def move_clock(self, login: str, to: datetime) -> None:
        self.clock.append(to)

    def audit_events(self, login: str) -> int:
        return 0


def a_stage(driver: WritingDriver | None = None, *, seed: int = 1) -> Stage:
    """The reference city's people and clock, on a driver that only writes down."""
    return Stage(the_city(), driver or WritingDriver(), seed)
