"""What the departments will ask for in a month: drawn before it begins, from the seed alone.

Which running allocation a change, renewal, relocation or release works on is decided when the
request is written, from what then runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from catalog.period import SHANGHAI, Month, utc
from cloudmgr.cities.city import City
from cloudmgr.domain.applications import Application, Zone
from cloudmgr.domain.requests import RequestKind
from cloudmgr.domain.workdays import is_workday
from simulator.city.stage import Chance

WISHES_A_MONTH = 140
LAST_DAY = 26
KINDS = (
    (RequestKind.NEW, 42),
    (RequestKind.CHANGE, 26),
    (RequestKind.RENEW, 12),
    (RequestKind.RELEASE, 14),
    (RequestKind.TEMPORARY, 14),
    (RequestKind.MIGRATE_IN, 14),
    (RequestKind.RELOCATE, 8),
    (RequestKind.EMERGENCY, 10),
)
"""Weights of the kinds [sample]; the first of each kind comes in any case."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request somebody will make: who, when, for which system, of which kind."""

    number: int
    at: datetime
    department_id: str
    application: Application
    kind: RequestKind


def wishes_of(city: City, month: Month, chance: Chance) -> tuple[Wish, ...]:
    """The month's wishes in the order of their instants, every kind among them."""
    days = [
        day
        for offset in range(month.days)
        if (day := month.first + timedelta(days=offset)).day <= LAST_DAY and is_workday(day)
    ]
    kinds = [kind for kind, _ in KINDS]
    kinds += [chance.weighted(KINDS) for _ in range(WISHES_A_MONTH - len(kinds))]
    drawn = []
    for kind in kinds:
        application = chance.one_of(tuple(_fitting(city, kind)))
        minute = 15 * chance.between(0, 33)
        at = datetime.combine(chance.one_of(days), time(9), SHANGHAI) + timedelta(minutes=minute)
        drawn.append((utc(at), kind, application))
    drawn.sort(key=lambda each: each[0])
    return tuple(
        Wish(number, at, application.department_id, application, kind)
        for number, (at, kind, application) in enumerate(drawn, start=1)
    )


def _fitting(city: City, kind: RequestKind) -> Iterable[Application]:
    """Systems a kind makes sense for; the video network has its own pool and stays put."""
    for application in city.applications:
        if kind is RequestKind.RELOCATE and application.zone is Zone.VIDEO:
            continue
        yield application
