"""Reading rows from XLSX and CSV: headers in Chinese or English and in any order, every fault with
its sheet, row and column. All faults are found before anything is said."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cloudmgr.domain.errors import bad_file, bad_rows
from cloudmgr.sheets.columns import CellError, Column, cell_value

MAX_ROWS = 100_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_FAULTS_TOLD = 200
HEADER_WITHIN_ROWS = 10
NO_VALUE = object()

Cells = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in one cell; `column` is empty when the whole row is meant."""

    sheet: str
    row: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row by the names of its columns; `number` is what the spreadsheet shows beside it."""

    sheet: str
    number: int
    values: dict[str, Any]

    def fault(self, column: str, why: str) -> RowFault:
        """A fault in this row that only the noun could see."""
        return RowFault(self.sheet, self.number, column, why)


@dataclass(slots=True)
class Rows:
    """What was read and what could not be."""

    rows: list[SheetRow] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def read_rows(
    data: bytes, columns: Sequence[Column], *, sheet: str | None = None, name: str = "workbook"
) -> Rows:
    """The rows of one sheet (the first when none is named) or of a CSV file.

    Empty rows are passed over. Raises `bad_file` for what is neither, and for a missing sheet.
    """
    if data.startswith(b"PK"):
        title, table = _xlsx(data, sheet, name)
    else:
        title, table = sheet or "CSV", _csv(data)
    return _parsed(title, table, columns, name)


def require_rows(found: Iterable[Rows], more: Sequence[RowFault] = ()) -> None:
    """Raise `bad_rows` with every fault of the sheets read, and of the noun's own checks."""
    faults = [*(fault for rows in found for fault in rows.faults), *more]
    if faults:
        told = [
            {"sheet": each.sheet, "row": each.row, "column": each.column, "why": each.why}
            for each in faults[:MAX_FAULTS_TOLD]
        ]
        raise bad_rows(told, len(faults))


def sheet_names(data: bytes, name: str = "workbook") -> tuple[str, ...]:
    """The titles of a workbook's sheets."""
    book = _opened(data, name)
    try:
        return tuple(book.sheetnames)
    finally:
        book.close()


def _opened(data: bytes, name: str) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(each.file_size for each in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise bad_file(name, "unpacked it is too large; send it in parts")
        return load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise bad_file(name, "it cannot be opened as a workbook; save it again as XLSX") from error


def _xlsx(data: bytes, sheet: str | None, name: str) -> tuple[str, Iterator[Cells]]:
    book = _opened(data, name)
    title = sheet or book.sheetnames[0]
    if title not in book.sheetnames:
        raise bad_file(name, f"it has no sheet {title!r}, only {', '.join(book.sheetnames)}")
    page = book[title]
    page.reset_dimensions()  # some programs write a wrong size; the rows themselves are right
    return title, page.iter_rows(values_only=True)


def _csv(data: bytes) -> Iterator[Cells]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    return (tuple(row) for row in csv.reader(io.StringIO(text, newline="")))


def _parsed(title: str, table: Iterator[Cells], columns: Sequence[Column], name: str) -> Rows:
    found = Rows()
    places: dict[str, int] | None = None
    for number, cells in enumerate(table, start=1):
        if all(cell is None or str(cell).strip() == "" for cell in cells):
            continue
        if places is None:
            places = _places(cells, columns)
            if places is None and number >= HEADER_WITHIN_ROWS:
                break
            if places is not None:
                found.faults += _header_faults(title, number, cells, places, columns)
            continue
        if len(found.rows) >= MAX_ROWS:
            raise bad_file(name, f"{title} has more than {MAX_ROWS} rows; send it in parts")
        found.rows.append(_row(title, number, cells, places, columns, found.faults))
    if places is None:
        titles = "、".join(column.title_zh for column in columns)
        found.faults.append(RowFault(title, 1, "", f"no header row was found; it names {titles}"))
    return found


def _places(cells: Cells, columns: Sequence[Column]) -> dict[str, int] | None:
    """Where each column stands, if this row is the header: at least half its required names."""
    keys = {_key(cell): place for place, cell in reversed(list(enumerate(cells)))}
    places = {}
    for column in columns:
        for title in (column.name, column.title_zh):
            if _key(title) in keys:
                places[column.name] = keys[_key(title)]
    required = [column.name for column in columns if column.required] or list(places)
    if not places or 2 * sum(name in places for name in required) < len(required):
        return None
    return places


def _key(cell: Any) -> str:
    """A header without what people add to it: spaces, a star, the case."""
    return "".join(str(cell or "").split()).rstrip("*＊").lower()


def _header_faults(
    title: str, number: int, cells: Cells, places: dict[str, int], columns: Sequence[Column]
) -> Iterator[RowFault]:
    for column in columns:
        if column.required and column.name not in places:
            yield RowFault(title, number, column.title_zh, "this column is missing")
    known = {_key(title) for column in columns for title in (column.name, column.title_zh)}
    seen: set[str] = set()
    for cell in cells:
        key = _key(cell)
        if key and key not in known:
            yield RowFault(title, number, str(cell), "this column is not known; take it out")
        elif key and key in seen:
            yield RowFault(title, number, str(cell), "this column stands twice")
        seen.add(key)


def _row(
    title: str,
    number: int,
    cells: Cells,
    places: dict[str, int],
    columns: Sequence[Column],
    faults: list[RowFault],
) -> SheetRow:
    values: dict[str, Any] = {}
    for column in columns:
        place = places.get(column.name)
        if place is None and column.required:
            continue  # told once, at the header
        cell = cells[place] if place is not None and place < len(cells) else None
        try:
            values[column.name] = cell_value(column, cell)
        except CellError as error:
            faults.append(RowFault(title, number, column.title_zh, str(error)))
    return SheetRow(title, number, values)
