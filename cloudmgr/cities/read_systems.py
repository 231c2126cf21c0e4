"""Reads the business systems, on the cloud and planned, and what each of them runs."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import date
from pathlib import Path

from cloudmgr.cities.city import Archetype, Scale, Workload
from cloudmgr.cities.records import CityRecord, keyed, known, rows
from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone
from cloudmgr.domain.errors import bad_city

APPLICATION_COLUMNS = (
    "id", "name_zh", "name_en", "department", "mlps", "classified", "zone", "dr_level", "dr_mode",
    "xinchuang", "important", "status", "security_check", "approval_document", "filing_proof",
    "fund_source", "plan",
)  # fmt: skip
WORKLOAD_COLUMNS = ("application", "archetype", "scale", "home_pool", "term_end")


def read_applications(path: Path, departments: Container[str]) -> tuple[Application, ...]:
    found: dict[str, Application] = {}
    for record in rows(path, APPLICATION_COLUMNS):
        id = keyed(record.text("id"), found, record)
        found[id] = Application(
            id=id,
            code=id,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            department_id=known(record, "department", "department", departments),
            mlps_level=_level(record, "mlps", 5),
            classified=record.flag("classified"),
            zone=record.choice("zone", Zone),
            dr_level=_level(record, "dr_level", 6),
            dr_mode=record.choice("dr_mode", DrMode),
            xinchuang=record.flag("xinchuang"),
            important=record.flag("important"),
            state=record.choice("status", DeploymentStatus),
            approval_document=record.text("approval_document", ""),
            fund_source=record.text("fund_source", ""),
            security_check_passed=record.flag("security_check"),
            filing_proof=record.text("filing_proof", ""),
        )
    return tuple(found.values())


def _level(record: CityRecord, field: str, most: int) -> int:
    level = record.whole(field)
    if not 1 <= level <= most:
        raise record.fault(field, f"levels are 1 to {most}")
    return level


def read_workloads(
    path: Path, applications: Collection[str], pools: Container[str]
) -> dict[str, Workload]:
    """One row for every application; each has an archetype, whether it runs something or not."""
    found: dict[str, Workload] = {}
    for record in rows(path, WORKLOAD_COLUMNS):
        id = known(record, "application", "application", applications)
        runs = bool(record.text("home_pool", ""))
        found[keyed(id, found, record)] = Workload(
            application_id=id,
            archetype=record.choice("archetype", Archetype),
            scale=record.choice("scale", Scale),
            home_pool_id=known(record, "home_pool", "pool", pools) if runs else None,
            term_end=day_of(record, "term_end") if runs else None,
            place=record.place,
        )
    for id in applications:
        if id not in found:
            raise bad_city(f"{path.parent.name}/{path.name}", f"application {id} has no row")
    return found


def day_of(record: CityRecord, field: str) -> date:
    """A day written as text, as CSV has it."""
    try:
        return date.fromisoformat(record.text(field))
    except ValueError as error:
        raise record.fault(field, "it is not a day; write it as 2026-12-31") from error
