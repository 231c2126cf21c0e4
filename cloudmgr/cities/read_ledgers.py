"""Reads what a city had before the cloud: machine rooms, private networks, former names; and what
shares of them it means to reach."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from catalog.period import midnight
from cloudmgr.cities.plans import Ledgers
from cloudmgr.cities.read_systems import day_of
from cloudmgr.cities.records import CityRecord, keyed, known, rows, toml
from cloudmgr.domain.adoption import AdoptionIndicator, AdoptionTarget, check_target
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom, check_room
from cloudmgr.domain.networks import PrivateNetwork, check_network
from cloudmgr.domain.organisations import check_codes, in_force
from cloudmgr.domain.parties import DatedName, Organisation

ROOM_COLUMNS = (
    "code", "name_zh", "name_en", "department", "address", "racks", "racks_used", "pue",
    "classified", "baseline_cost", "running_cost", "disposition", "dispose_by", "disposed_on",
    "disposal_document", "in_use_from",
)  # fmt: skip
NETWORK_COLUMNS = (
    "code", "name_zh", "name_en", "department", "purpose", "bandwidth_mbps", "classified",
    "integrate_by", "integrated_on", "document_number", "in_use_from",
)  # fmt: skip
NAME_COLUMNS = (
    "organisation", "until", "name_zh", "name_en", "budget_unit_code", "social_credit_code",
    "document_number",
)  # fmt: skip


def read_ledgers(folder: Path, departments: Container[str]) -> Ledgers:
    return Ledgers(
        machine_rooms=_rooms(folder / "machine_rooms.csv", departments),
        networks=_networks(folder / "networks.csv", departments),
        targets=_targets(folder / "adoption.toml"),
    )


def with_former_names(
    path: Path, organisations: Mapping[str, Organisation]
) -> dict[str, Organisation]:
    """The organisations with the names they had until a day, oldest first in the file."""
    found = dict(organisations)
    for record in rows(path, NAME_COLUMNS):
        id = known(record, "organisation", "organisation", organisations)
        name = DatedName(
            since=None,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            budget_unit_code=record.text("budget_unit_code", ""),
            social_credit_code=record.text("social_credit_code", ""),
        )
        with record.located():
            check_codes(name.budget_unit_code, name.social_credit_code)
        present = organisations[id]
        until = midnight(day_of(record, "until"))
        earlier = found[id].names
        if earlier and earlier[-1].since is not None:
            if until <= earlier[-1].since:
                raise record.fault("until", "the names of an organisation stand oldest first")
            name = replace(name, since=earlier[-1].since)
        now = DatedName(
            since=until,
            name_zh=present.name_zh,
            name_en=present.name_en,
            budget_unit_code=present.budget_unit_code,
            social_credit_code=present.social_credit_code,
            document_number=record.text("document_number"),
        )
        found[id] = in_force(replace(present, names=(*earlier[:-1], name, now)), until)
    return found


def _rooms(path: Path, departments: Container[str]) -> tuple[MachineRoom, ...]:
    found: dict[str, MachineRoom] = {}
    for record in rows(path, ROOM_COLUMNS):
        code = keyed(record.text("code"), found, record)
        found[code] = MachineRoom(
            id=code,
            code=code,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en", ""),
            department_id=known(record, "department", "department", departments),
            address=record.text("address", ""),
            racks=record.whole("racks"),
            racks_used=record.whole("racks_used"),
            pue_hundredths=_hundredths(record),
            classified=record.flag("classified"),
            baseline_cost=record.yuan("baseline_cost") if _said(record, "baseline_cost") else None,
            running_cost=record.yuan("running_cost") if _said(record, "running_cost") else None,
            disposition=record.choice("disposition", Disposition),
            dispose_by=_day(record, "dispose_by"),
            disposed_on=_day(record, "disposed_on"),
            disposal_document=record.text("disposal_document", ""),
            in_use_from=_day(record, "in_use_from"),
        )
        with record.located():
            check_room(found[code])
    return tuple(found.values())


def _networks(path: Path, departments: Container[str]) -> tuple[PrivateNetwork, ...]:
    found: dict[str, PrivateNetwork] = {}
    for record in rows(path, NETWORK_COLUMNS):
        code = keyed(record.text("code"), found, record)
        found[code] = PrivateNetwork(
            id=code,
            code=code,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en", ""),
            department_id=known(record, "department", "department", departments),
            purpose=record.text("purpose", ""),
            bandwidth_mbps=record.whole("bandwidth_mbps"),
            classified=record.flag("classified"),
            integrate_by=_day(record, "integrate_by"),
            integrated_on=_day(record, "integrated_on"),
            document_number=record.text("document_number", ""),
            in_use_from=_day(record, "in_use_from"),
        )
        with record.located():
            check_network(found[code])
    return tuple(found.values())


def _targets(path: Path) -> tuple[AdoptionTarget, ...]:
    document = toml(path)
    document.only("targets")
    found: dict[str, AdoptionTarget] = {}
    for record in document.items("targets", "target"):
        record.only("id", "indicator", "value", "due_on", "document_number", "source", "kind")
        id = keyed(record.text("id"), found, record)
        found[id] = AdoptionTarget(
            id=id,
            indicator=record.choice("indicator", AdoptionIndicator),
            value=record.share("value"),
            due_on=record.day("due_on"),
            document_number=record.text("document_number"),
            source=record.text("source"),
            kind=record.text("kind"),
        )
        with record.located():
            check_target(found[id])
    return tuple(found.values())


def _said(record: CityRecord, field: str) -> bool:
    return bool(record.text(field, ""))


def _day(record: CityRecord, field: str) -> date | None:
    return day_of(record, field) if _said(record, field) else None


def _hundredths(record: CityRecord) -> int | None:
    """`1.85` as 185; None when empty."""
    text = record.text("pue", "")
    whole, _, decimals = text.partition(".")
    if not text:
        return None
    if not whole.isdecimal() or not decimals.isdecimal() or len(decimals) != 2:
        raise record.fault("pue", f"{text!r} is no PUE; write it as 1.85")
    return int(whole + decimals)
