"""Adoption of a city and its regions on a day, from the ledgers and the bills; and its targets.

Gathers only; the formulas are `domain.adoption`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from catalog.money import ZERO, total
from catalog.period import Month
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.adoption import (
    AdoptionFigure,
    AdoptionIndicator,
    AdoptionTarget,
    CloudCost,
    Ledgers,
    check_target,
    figures,
)
from cloudmgr.domain.applications import Application
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.parties import Organisation, Region, RegionLevel
from cloudmgr.domain.ratios import Ratio
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.world import World, next_id

open_to_all(AdoptionTarget)

BILLED_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAdoptionTarget(Command):
    """Set what share an indicator shall reach by a day; one for the same day is replaced. `kind`
    is `published` for a figure that a document gives, else `sample`."""

    indicator: AdoptionIndicator
    value: Ratio
    due_on: date
    document_number: str
    source: str
    kind: str = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionAdoption:
    """The indicators of one region's own departments; of a city also with all its counties."""

    region_id: str
    name_zh: str
    name_en: str
    level: RegionLevel
    with_counties: bool
    figures: tuple[AdoptionFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Indicators of a day; `cloud_months` months of bills stand behind the saving."""

    on: date
    cloud_months: int
    regions: tuple[RegionAdoption, ...]


@handles(Role.AUTHORITY)
def set_adoption_target(
    world: World, command: SetAdoptionTarget, actor: Actor, now: datetime
) -> AdoptionTarget:
    same = world.find(AdoptionTarget, indicator=command.indicator, due_on=command.due_on)
    fields = {name: getattr(command, name) for name in type(command).__dataclass_fields__}
    target = AdoptionTarget(
        id=same[0].id if same else next_id(world, "TGT"),
        version=same[0].version if same else 0,
        **fields,
    )
    check_target(target)
    return world.put(target)


def reads_adoption(actor: Actor) -> bool:
    """The city's offices and those of counties."""
    return actor.city_wide or bool(actor.counties)


def offices_regions(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    """Whose adoption is the actor's to see, as `reading.visible` tells it."""
    return {} if actor.city_wide else {"id": tuple(sorted(actor.counties))}


def adoption(world: World, actor: Actor, on: date) -> Adoption:
    """Every region the actor reads as an office, the city with all its counties first."""
    gathered = _Gathered.of(world, on)
    targets = world.find(AdoptionTarget)
    regions = {each.id: each for each in world.find(Region)}
    found = []
    for region in sorted(regions.values(), key=lambda each: (each.parent_id or "", each.id)):
        below = _below(regions, region.id)
        if len(below) > 1 and actor.city_wide:
            found.append(_region(region, gathered, below, on, targets, with_counties=True))
        if actor.city_wide or region.id in actor.counties:
            found.append(_region(region, gathered, {region.id}, on, targets, with_counties=False))
    return Adoption(on=on, cloud_months=gathered.months, regions=tuple(found))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The ledgers by region; what a department billed stands where it is."""

    ledgers: dict[str, tuple[list[Application], list[MachineRoom], list[PrivateNetwork]]]
    billed: dict[str, Decimal]
    months: int

    @classmethod
    def of(cls, world: World, on: date) -> _Gathered:
        places = {each.id: each.region_id for each in world.find(Organisation)}
        ledgers: dict[str, tuple[list[Application], list[MachineRoom], list[PrivateNetwork]]] = (
            defaultdict(lambda: ([], [], []))
        )
        for application in world.stream(Application):
            ledgers[places[application.department_id]][0].append(application)
        for room in world.stream(MachineRoom):
            ledgers[places[room.department_id]][1].append(room)
        for network in world.stream(PrivateNetwork):
            ledgers[places[network.department_id]][2].append(network)
        months = _billed_months(world, on)
        billed: dict[str, Decimal] = defaultdict(lambda: ZERO)
        if months:
            for statement in world.stream(Statement, month=months):
                billed[places[statement.department_id]] += statement.total
        return cls(ledgers, billed, len(months))

    def of_regions(self, regions: Iterable[str]) -> Ledgers:
        held = [self.ledgers[id] for id in regions if id in self.ledgers]
        return Ledgers(
            applications=[each for applications, _, _ in held for each in applications],
            rooms=[each for _, rooms, _ in held for each in rooms],
            networks=[each for _, _, networks in held for each in networks],
            cloud=CloudCost(
                months=self.months,
                billed=total(self.billed.get(id, ZERO) for id in regions),
            ),
        )


def _region(
    region: Region,
    gathered: _Gathered,
    regions: Iterable[str],
    on: date,
    targets: Iterable[AdoptionTarget],
    *,
    with_counties: bool,
) -> RegionAdoption:
    return RegionAdoption(
        region_id=region.id,
        name_zh=region.name_zh,
        name_en=region.name_en,
        level=region.level,
        with_counties=with_counties,
        figures=figures(gathered.of_regions(sorted(regions)), on, targets),
    )


def _below(regions: dict[str, Region], region_id: str) -> set[str]:
    """A region and all below it."""
    found = {region_id}
    while more := {each.id for each in regions.values() if each.parent_id in found} - found:
        found |= more
    return found


def _billed_months(world: World, on: date) -> tuple[str, ...]:
    """The last twelve closed months that were over on the day."""
    closed = world.find(BillingPeriod, state=PeriodState.CLOSED)
    over = sorted(each.id for each in closed if Month.parse(each.id).next().first <= on)
    return tuple(over[-BILLED_MONTHS:])
