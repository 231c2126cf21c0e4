"""Where the script plays: SimPy's time as the node's clock, people with desks, seeded chance.

Every instant is rounded up to the stage's tick, so that the node's clock moves in steps that many
actors share; nothing else of the result depends on the tick.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import simpy

from catalog.errors import CloudmgrError
from cloudmgr.cities.city import City
from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import Organisation, RegionLevel
from cloudmgr.domain.values import Value
from cloudmgr.domain.workdays import add_working_minutes, next_working_time
from cloudmgr.services.commands import Command
from simulator.city.driver import Driver

V = TypeVar("V", bound=Value)
T = TypeVar("T")
Process = Generator[simpy.Event, Any, Any]
TICK = timedelta(minutes=15)


class Chance:
    """One named stream of random numbers; its draws do not depend on any other stream."""

    def __init__(self, seed: int, name: str) -> None:
        self._generator = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def happens(self, percent: int) -> bool:
        return self.between(0, 99) < percent

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return int(self._generator.integers(low, high, endpoint=True))

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.between(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of the options by integer weights."""
        point = self.between(1, sum(weight for _, weight in options))
        for option, weight in options:
            point -= weight
            if point <= 0:
                return option
        raise AssertionError("weights sum to at least the point drawn")


class Stage:
    """A city, a driver and a clock; processes of the script run on `env`."""

    def __init__(self, city: City, driver: Driver, seed: int) -> None:
        self.city = city
        self.driver = driver
        self.seed = seed
        self.env = simpy.Environment()
        self.origin = city.opens_at
        self.commands = 0
        self._clock = city.opens_at
        self._desks: dict[str, simpy.Resource] = {}

    @property
    def now(self) -> datetime:
        return self.origin + timedelta(seconds=int(self.env.now))

    def until(self, moment: datetime) -> simpy.Event:
        """An event at the first tick not before `moment` (at once if that is past)."""
        ticks = -((self.origin - moment) // TICK)
        return self.env.timeout(max(ticks * int(TICK.total_seconds()) - self.env.now, 0))

    def working(self, minutes: int) -> simpy.Event:
        """After so many minutes of desk time."""
        return self.until(add_working_minutes(self.now, minutes))

    def office_opens(self) -> simpy.Event:
        return self.until(next_working_time(self.now))

    def desk(self, name: str, people: int) -> simpy.Resource:
        """The people who share one kind of work; each does one thing at a time."""
        if name not in self._desks:
            self._desks[name] = simpy.Resource(self.env, capacity=people)
        return self._desks[name]

    def chance(self, name: str) -> Chance:
        return Chance(self.seed, name)

    def perform(self, login: str, command: Command) -> Any:
        """A person gives a command now."""
        self.sync()
        self.commands += 1
        return self.driver.perform(login, command)

    def tried(self, login: str, command: Command) -> tuple[Any, CloudmgrError | None]:
        """As `perform`, but a refusal is an answer the script reacts to."""
        try:
            return self.perform(login, command), None
        except CloudmgrError as refusal:
            return None, refusal

    def find(self, login: str, kind: type[V], /, **where: str) -> tuple[V, ...]:
        self.sync()
        return self.driver.find(login, kind, **where)

    def sync(self) -> None:
        """Bring the node's clock to the script's time; what is due there happens."""
        if self.now > self._clock:
            self.driver.move_clock(self.login(Role.SYSTEM_ADMIN), self.now)
            self._clock = self.now

    def login(self, role: Role, organisation_id: str | None = None, index: int = 0) -> str:
        """The `index`-th person who holds a role, in one organisation or in a city office."""
        people = self.people(role, organisation_id)
        return people[index % len(people)]

    def people(self, role: Role, organisation_id: str | None = None) -> tuple[str, ...]:
        if organisation_id is not None:
            return self.city.logins(role, organisation_id)
        return tuple(
            person.login
            for person in self.city.people
            if role in person.roles and self.is_city(self.city.organisation(person.organisation_id))
        )

    def is_city(self, organisation: Organisation) -> bool:
        level = next(r.level for r in self.city.regions if r.id == organisation.region_id)
        return level is RegionLevel.CITY
