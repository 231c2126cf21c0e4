"""Openings as commands: a workbook comes in, is replaced or corrected.

Which rows are good is `openings_checking`, what both sides say of them `openings_answers`, who
signs them off `openings_signing`, what they become `openings_live`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog.period import is_midnight, local_day, midnight, utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.openings import (
    Opening,
    OpeningBudget,
    OpeningContent,
    OpeningContract,
    OpeningLine,
    OpeningLineState,
    OpeningPayment,
    OpeningQuota,
    OpeningResource,
    OpeningSheet,
    OpeningState,
    keep_answers,
)
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.files import file_content
from cloudmgr.services.openings_answers import ask, locked
from cloudmgr.services.openings_checking import Checked, check_rows, in_order
from cloudmgr.services.openings_live import current_lines, rows_of
from cloudmgr.services.openings_names import ledger_of
from cloudmgr.services.openings_rows import Draft
from cloudmgr.services.openings_sheets import COLUMNS, read_book
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.world import World, next_id
from cloudmgr.sheets.columns import CellError, cell_value
from cloudmgr.sheets.reading import RowFault, SheetRow, require_rows

open_to_all(Opening)

OFFICES = (Role.AUTHORITY, Role.OPERATING_COMPANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOpening(Command):
    """Take a filled-in workbook for a cut-over: today's Shanghai midnight or one to come. All rows
    are good, or nothing is kept."""

    title: str
    cut_over: datetime
    file_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOpening(Command):
    """Upload a corrected workbook, or another day. Rows left as they were keep what both sides
    said of them; signatures are void."""

    opening_id: str
    file_id: str
    cut_over: datetime | None = None


@dataclass(frozen=True, slots=True)
class CellEdit:
    """A cell by its column's name, and what shall stand there."""

    column: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOpeningLine(Command):
    """Correct single cells of a line; it is checked with all others and both sides speak anew."""

    line_id: str
    cells: tuple[CellEdit, ...]


@handles(*OFFICES)
def import_opening(world: World, command: ImportOpening, actor: Actor, now: datetime) -> Opening:
    """Raises `bad_rows` with every fault by sheet, row and column; `bad_file`, `bad_value`."""
    cut_over = _cut_over(command.cut_over, now)
    checked = _read(world, command.file_id, actor, cut_over)
    opening = world.put(
        Opening(
            id=next_id(world, "OPN"),
            title=command.title,
            cut_over=cut_over,
            file_id=command.file_id,
            round=1,
            uploaded_by=actor.user_id,
            uploaded_at=now,
        )
    )
    world.put_many([_line(opening, draft) for draft in checked.drafts])
    ask(world, opening, now)
    return opening


@handles(*OFFICES)
def replace_opening(world: World, command: ReplaceOpening, actor: Actor, now: datetime) -> Opening:
    """Raises as `import_opening`, and `illegal_transition` once it is live."""
    present = locked(world, command.opening_id)
    cut_over = _cut_over(command.cut_over or present.cut_over, now)
    opening = _reopened(world, present)
    checked = _read(world, command.file_id, actor, cut_over)
    opening = world.put(
        replace(
            opening,
            cut_over=cut_over,
            file_id=command.file_id,
            round=opening.round + 1,
            uploaded_by=actor.user_id,
            uploaded_at=now,
        )
    )
    earlier = {(line.sheet, line.content): line for line in current_lines(world, opening.id)}
    lines = []
    for draft in checked.drafts:
        line = _line(opening, draft)
        same = earlier.get((line.sheet, line.content))
        lines.append(line if same is None else keep_answers(line, same))
    for line in earlier.values():
        world.put(advance(line, OpeningLineState.REPLACED))
    world.put_many(lines)
    ask(world, opening, now)
    return opening


@handles(*OFFICES)
def edit_opening_line(
    world: World, command: EditOpeningLine, actor: Actor, now: datetime
) -> OpeningLine:
    """Raises `bad_rows` where the line, or another because of it, is not good any more."""
    line = world.get(OpeningLine, command.line_id)
    opening = locked(world, line.opening_id)
    opening = world.put(_reopened(world, opening))
    lines = current_lines(world, opening.id)
    if line.id not in {each.id for each in lines}:
        raise bad_value("line_id", f"{line.id} was replaced; correct the line that stands for it")
    rows = rows_of(lines)
    place = next(i for i, row in enumerate(rows[line.sheet]) if row.number == line.row)
    edited, faults = _edited(line.sheet, rows[line.sheet][place], command.cells)
    rows[line.sheet][place] = edited
    checked = check_rows(world, rows, ledger_of(world, opening.cut_over))
    require_rows((), in_order((*faults, *checked.faults)))
    made = next(
        each for each in checked.drafts if (each.sheet, each.row.number) == (line.sheet, line.row)
    )
    fresh = _line(opening, made)
    if fresh.content == line.content:
        raise bad_value("cells", "they change nothing")
    if line.state is not fresh.state:
        line = advance(line, fresh.state)
    ask(world, opening, now)
    return world.put(
        replace(fresh, id=line.id, state=line.state, version=line.version, round=line.round)
    )


def _cut_over(moment: datetime, now: datetime) -> datetime:
    cut_over = utc(moment)
    if not is_midnight(cut_over) or cut_over < midnight(local_day(now)):
        raise bad_value("cut_over", "it is today's midnight of Asia/Shanghai, or one to come")
    return cut_over


def _read(world: World, file_id: str, actor: Actor, cut_over: datetime) -> Checked:
    file, data = file_content(world, file_id, actor)
    return checked_book(world, data, file.name, cut_over)


def checked_book(world: World, data: bytes, name: str, cut_over: datetime) -> Checked:
    """The good rows of a workbook for a cut-over; raises `bad_rows` or `bad_file`."""
    found = read_book(data, name)
    rows = {sheet: each.rows for sheet, each in found.items()}
    checked = check_rows(world, rows, ledger_of(world, cut_over))
    unread = (fault for each in found.values() for fault in each.faults)
    require_rows((), in_order((*unread, *checked.faults)))
    return checked


def _line(opening: Opening, draft: Draft) -> OpeningLine:
    state = OpeningLineState.WAITING if draft.sides else OpeningLineState.CONFIRMED
    return OpeningLine(
        id=f"{opening.id}-{opening.round:02d}-{draft.sheet}-{draft.row.number:06d}",
        opening_id=opening.id,
        round=opening.round,
        sheet=draft.sheet,
        row=draft.row.number,
        provider_id=draft.provider_id,
        department_id=draft.department_id,
        sides=draft.sides,
        warnings=tuple(dict.fromkeys(draft.warnings)),
        state=state,
        **_field_of(draft.content),
    )


def _field_of(content: OpeningContent) -> dict[str, Any]:
    names = {
        OpeningContract: "contract",
        OpeningResource: "resource",
        OpeningQuota: "quota",
        OpeningBudget: "budget",
        OpeningPayment: "payment",
    }
    return {names[type(content)]: content}


def _reopened(world: World, opening: Opening) -> Opening:
    """The opening as one that people work on again: unsigned, and not about to go live."""
    timers.cancel(world, "opening_live", opening.id)
    void: dict[str, Any] = {
        "authority_signed_by": None,
        "finance_signed_by": None,
        "signed_at": None,
    }
    if opening.state is OpeningState.CONFIRMING:
        return replace(opening, **void, faults=())
    return advance(opening, OpeningState.CONFIRMING, **void, faults=())


def _edited(
    sheet: OpeningSheet, row: SheetRow, cells: Iterable[CellEdit]
) -> tuple[SheetRow, list[RowFault]]:
    columns = {title: each for each in COLUMNS[sheet] for title in (each.name, each.title_zh)}
    values, faults = dict(row.values), []
    for cell in cells:
        column = columns.get(cell.column)
        if column is None:
            raise bad_value("cells", f"the sheet {row.sheet} has no column {cell.column!r}")
        try:
            values[column.name] = cell_value(column, cell.value)
        except CellError as error:
            faults.append(row.fault(column.title_zh, str(error)))
    return SheetRow(row.sheet, row.number, values), faults
