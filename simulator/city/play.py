"""The script of a city: months of requests, deliveries, readings, bills, scores and payments.

Owns who is on the stage and in what order; what each of them does is in the module of its noun.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import simpy

from catalog.load import find_version
from catalog.period import DAY, Month, midnight
from cloudmgr.cities.city import City
from cloudmgr.domain.access import Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.parties import OrganisationKind
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.applications import RegisterApplication
from simulator.city.driver import Driver
from simulator.city.incidents import incidents
from simulator.city.meters import Meters
from simulator.city.month_end import MonthEnd
from simulator.city.requests import RequestLife
from simulator.city.stage import Process, Stage
from simulator.city.wishes import Wish, wishes_of
from simulator.traces.shares import TraceShares

SETTLED_WITHIN_DAYS = 75
"""A month is settled well before this; the stage closes then at the latest."""

Progress = Callable[[date], None]


@dataclass(frozen=True, slots=True)
class Played:
    """A finished play: the stage as it ended, the meters with their traces, and what it took."""

    stage: Stage
    meters: Meters
    months: tuple[Month, ...]
    wall_s: float


def play(
    city: City,
    driver: Driver,
    shares: TraceShares,
    *,
    months: int = 1,
    seed: int = 1,
    progress: Progress | None = None,
) -> Played:
    """Play `months` months from the city's cut-over, until the last is settled."""
    began = time.perf_counter()
    stage = Stage(city, driver, seed)
    skus = {sku.id: sku for sku in find_version(city.catalog_id).skus}
    meters = Meters(stage, shares, skus)
    first = Month.of(city.opens_at)
    played = tuple(first.plus(offset) for offset in range(months))
    busy: set[str] = set()
    stage.env.process(_planned(stage, first, busy))
    for month in played:
        stage.env.process(meters.run(month))
        stage.env.process(MonthEnd(stage, month).run())
        for wish in wishes_of(city, month, stage.chance(f"wishes-{month}")):
            stage.env.process(RequestLife(stage, wish, busy).run())
        for provider in city.organisations_of(OrganisationKind.PROVIDER):
            stage.env.process(incidents(stage, month, provider.id))
    end = midnight(played[-1].next().first + SETTLED_WITHIN_DAYS * DAY)
    _run(stage, stage.until(end), progress)
    return Played(stage, meters, played, time.perf_counter() - began)


def _run(stage: Stage, end: simpy.Event, progress: Progress | None) -> None:
    """Step until the end; people with nothing left to do leave the clock where it is."""
    day = None
    while not end.processed and stage.env.peek() != float("inf"):
        stage.env.step()
        if progress is not None and stage.now.date() != day:
            day = stage.now.date()
            progress(day)
    stage.sync()


def _planned(stage: Stage, month: Month, busy: set[str]) -> Process:
    """Systems that are not on the cloud yet enter the ledger and ask to move in."""
    chance = stage.chance("planned")
    for number, application in enumerate(stage.city.planned, start=1):
        yield stage.until(midnight(month.first + 4 * DAY))
        yield stage.office_opens()
        yield stage.working(chance.between(30, 240))
        entered = _enter(stage, application)
        wish = Wish(
            number=900 + number,
            at=stage.now,
            department_id=application.department_id,
            application=replace(application, id=entered.id),
            kind=RequestKind.MIGRATE_IN,
        )
        stage.env.process(RequestLife(stage, wish, busy).run())


def _enter(stage: Stage, application: Application) -> Application:
    entered: Application = stage.perform(
        stage.login(Role.DEPARTMENT_USER, application.department_id),
        RegisterApplication(
            code=application.code,
            name_zh=application.name_zh,
            name_en=application.name_en,
            department_id=application.department_id,
            mlps_level=application.mlps_level,
            zone=application.zone,
            dr_level=application.dr_level,
            dr_mode=application.dr_mode,
            xinchuang=application.xinchuang,
            important=application.important,
            approval_document=application.approval_document,
            fund_source=application.fund_source,
            security_check_passed=application.security_check_passed,
            filing_proof=application.filing_proof,
        ),
    )
    return entered
