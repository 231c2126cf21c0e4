"""Organisations from a sheet's rows, found by either code; what papers show is not overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cloudmgr.domain.organisations import check_codes
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.ledgers_rows import AtColumn
from cloudmgr.services.openings_names import Names
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellError
from cloudmgr.sheets.reading import SheetRow


@dataclass(slots=True)
class Codes:
    """The living organisations by their codes, with those of the rows before."""

    budget_units: dict[str, Organisation]
    credits: dict[str, Organisation]
    seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World) -> Codes:
        living = [each for each in world.find(Organisation) if each.ended_at is None]
        return cls(
            {each.budget_unit_code: each for each in living if each.budget_unit_code},
            {each.social_credit_code: each for each in living if each.social_credit_code},
        )

    def present(self, row: SheetRow, unit: str, credit: str) -> Organisation | None:
        for column, code in (("budget_unit_code", unit), ("social_credit_code", credit)):
            if code and f"{column} {code}" in self.seen:
                raise AtColumn(column, f"row {self.seen[f'{column} {code}']} has it already")
            if code:
                self.seen[f"{column} {code}"] = row.number
        by_unit, by_credit = self.budget_units.get(unit), self.credits.get(credit)
        if by_unit and by_credit and by_unit.id != by_credit.id:
            raise AtColumn("social_credit_code", f"the two codes are {by_unit.name_zh}'s and "
                            f"{by_credit.name_zh}'s")  # fmt: skip
        return by_unit or by_credit


def organisation_row(
    row: SheetRow, regions: Names, known: Codes
) -> tuple[Organisation | None, Organisation]:
    values = dict(row.values)
    unit, credit = values["budget_unit_code"] or "", values["social_credit_code"] or ""
    if not unit and not credit:
        raise AtColumn("budget_unit_code", "give at least one of the two codes")
    check_codes(unit, credit)
    try:
        region_id = regions.find(values["region"])
    except CellError as error:
        raise AtColumn("region", str(error)) from error
    present = known.present(row, unit, credit)
    if present is None:
        return None, Organisation(
            id="",
            kind=values["kind"],
            name_zh=values["name_zh"],
            name_en=values["name_en"],
            region_id=region_id,
            budget_unit_code=unit,
            social_credit_code=credit,
        )
    _check_same(present, values, region_id, unit, credit)
    return present, replace(
        present,
        budget_unit_code=present.budget_unit_code or unit,
        social_credit_code=present.social_credit_code or credit,
    )


def _check_same(
    present: Organisation, values: Mapping[str, Any], region_id: str, unit: str, credit: str
) -> None:
    """What papers show changes by a dated command, never by a row."""
    same: Iterable[tuple[str, Any, Any]] = (
        ("kind", present.kind, values["kind"]),
        ("name_zh", present.name_zh, values["name_zh"]),
        ("name_en", present.name_en, values["name_en"]),
        ("region", present.region_id, region_id),
        ("budget_unit_code", present.budget_unit_code or unit, unit or present.budget_unit_code),
        (
            "social_credit_code",
            present.social_credit_code or credit,
            credit or present.social_credit_code,
        ),
    )
    for column, held, given in same:
        if held != given:
            raise AtColumn(
                column, f"{present.id} has {held!r}; rename the organisation from a date instead"
            )
