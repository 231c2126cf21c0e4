"""How far a city has come to the cloud: shares with the records behind them, against dated targets.

Owns the formulas (DOMAIN.md 11); the ledgers are `applications`, `machine_rooms`, `networks`.

    上云率            non-classified systems on the cloud ÷ all of them that still run
    机房整合纳管率    rooms closed or taken into the cloud ÷ all non-classified rooms
    专网整合率        networks integrated into the extranet ÷ all non-classified networks
    IT 支出节约率     1 − (cloud + remaining) ÷ baseline, each for a year
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from catalog.money import Yuan, total
from cloudmgr.domain.applications import Application, DeploymentStatus, state_on
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.values import Value


class AdoptionIndicator(StrEnum):
    ON_CLOUD = "on_cloud"
    ROOMS = "rooms"
    NETWORKS = "networks"
    SAVING = "saving"

    @property
    def label_zh(self) -> str:
        return {
            "on_cloud": "非涉密政务信息系统上云率",
            "rooms": "机房整合纳管率",
            "networks": "专网整合率",
            "saving": "信息化支出节约率",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionTarget(Value):
    """What share an indicator shall reach by a day, and where that figure comes from. `kind` is
    `published` or `sample`."""

    indicator: AdoptionIndicator
    value: Ratio
    due_on: date
    document_number: str
    source: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionFigure:
    """One indicator of a day. `value` is exact; None is "not set", and `why` says what is missing.

    Counts are whole, money is yuan a year. `counted_ids` are the records that fulfil it,
    `other_ids` the rest of the denominator.
    """

    indicator: AdoptionIndicator
    value: Ratio | None
    numerator: str
    denominator: str
    counted_ids: tuple[str, ...] = ()
    other_ids: tuple[str, ...] = ()
    why: str = ""
    target_id: str | None = None
    target: Ratio | None = None
    due_on: date | None = None
    met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudCost:
    """What the cloud cost: the statements of `months` months before a day."""

    months: int
    billed: Yuan

    @property
    def yearly(self) -> Fraction | None:
        """For a year; None before any month was billed."""
        return Fraction(self.billed) * 12 / self.months if self.months else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """What the indicators of one region (or city) are made of."""

    applications: Sequence[Application]
    rooms: Sequence[MachineRoom]
    networks: Sequence[PrivateNetwork]
    cloud: CloudCost


def figures(
    ledgers: Ledgers, on: date, targets: Iterable[AdoptionTarget]
) -> tuple[AdoptionFigure, ...]:
    """Every indicator at the end of a day, each against the target it is measured by then."""
    targets = tuple(targets)
    found = (
        on_cloud(ledgers.applications, on),
        rooms_integrated(ledgers.rooms, on),
        networks_integrated(ledgers.networks, on),
        saving(ledgers.rooms, ledgers.cloud, on),
    )
    return tuple(_against(each, target_at(targets, each.indicator, on)) for each in found)


def on_cloud(applications: Iterable[Application], on: date) -> AdoptionFigure:
    """上云率: what is retired by then, or came into the ledger later, is not counted."""
    states = {each.id: state_on(each, on) for each in applications if not each.classified}
    there = [id for id, state in states.items() if state is DeploymentStatus.ON_CLOUD]
    missing = [
        id
        for id, state in states.items()
        if state not in (None, DeploymentStatus.ON_CLOUD, DeploymentStatus.RETIRED)
    ]
    return _share(AdoptionIndicator.ON_CLOUD, there, missing, "no system is in the ledger")


def rooms_integrated(rooms: Iterable[MachineRoom], on: date) -> AdoptionFigure:
    """机房整合纳管率."""
    counted = [each for each in rooms if not each.classified and each.there_on(on)]
    gone = [each.id for each in counted if each.gone_on(on)]
    left = [each.id for each in counted if not each.gone_on(on)]
    return _share(AdoptionIndicator.ROOMS, gone, left, "no machine room is in the ledger")


def networks_integrated(networks: Iterable[PrivateNetwork], on: date) -> AdoptionFigure:
    """专网整合率."""
    counted = [each for each in networks if not each.classified and each.there_on(on)]
    done = [each.id for each in counted if each.integrated(on)]
    left = [each.id for each in counted if not each.integrated(on)]
    return _share(AdoptionIndicator.NETWORKS, done, left, "no private network is in the ledger")


def saving(rooms: Iterable[MachineRoom], cloud: CloudCost, on: date) -> AdoptionFigure:
    """1 − (cloud + remaining) ÷ baseline; remaining is what rooms still there cost now, at their
    baseline where nobody said otherwise. `numerator` is what is saved a year."""
    counted = [each for each in rooms if not each.classified and each.there_on(on)]
    unknown = [each.id for each in counted if each.baseline_cost is None]
    baseline = total(each.baseline_cost or Decimal(0) for each in counted)
    remaining = total(_present_cost(each) for each in counted if not each.gone_on(on))
    why = ""
    if unknown or not baseline:
        why = f"no baseline cost of {', '.join(unknown) or 'any machine room'}"
    yearly = cloud.yearly
    if yearly is None:
        why = why or "no month of the cloud is billed yet"
    if why or yearly is None:
        return AdoptionFigure(
            indicator=AdoptionIndicator.SAVING,
            value=None,
            numerator="",
            denominator=f"{baseline:f}" if baseline else "",
            other_ids=tuple(unknown),
            why=why,
        )
    saved = Fraction(baseline) - yearly - Fraction(remaining)
    return AdoptionFigure(
        indicator=AdoptionIndicator.SAVING,
        value=saved / Fraction(baseline),
        numerator=str(saved),
        denominator=f"{baseline:f}",
        counted_ids=tuple(each.id for each in counted if each.gone_on(on)),
        other_ids=tuple(each.id for each in counted if not each.gone_on(on)),
    )


def target_at(
    targets: Iterable[AdoptionTarget], indicator: AdoptionIndicator, on: date
) -> AdoptionTarget | None:
    """What counts on a day: the next target due, after the last one that last one."""
    own = sorted(
        (each for each in targets if each.indicator is indicator),
        key=lambda each: (each.due_on, each.id),
    )
    coming = [each for each in own if each.due_on >= on]
    return (coming[0] if coming else own[-1]) if own else None


def check_target(target: AdoptionTarget) -> None:
    """Raise `bad_value` for a share outside 0 to 1, or one without a source."""
    if not 0 <= target.value <= 1:
        raise bad_value("value", "a target is a share from 0 to 1")
    if not target.document_number.strip() or not target.source.strip():
        raise bad_value("document_number", "a target names its document and where it stands")


def _present_cost(room: MachineRoom) -> Decimal:
    known = room.running_cost if room.running_cost is not None else room.baseline_cost
    return known or Decimal(0)


def _share(
    indicator: AdoptionIndicator, counted: list[str], others: list[str], nothing: str
) -> AdoptionFigure:
    whole = len(counted) + len(others)
    return AdoptionFigure(
        indicator=indicator,
        value=Fraction(len(counted), whole) if whole else None,
        numerator=str(len(counted)),
        denominator=str(whole),
        counted_ids=tuple(sorted(counted)),
        other_ids=tuple(sorted(others)),
        why="" if whole else nothing,
    )


def _against(figure: AdoptionFigure, target: AdoptionTarget | None) -> AdoptionFigure:
    if target is None:
        return figure
    return replace(
        figure,
        target_id=target.id,
        target=target.value,
        due_on=target.due_on,
        met=None if figure.value is None else figure.value >= target.value,
    )
