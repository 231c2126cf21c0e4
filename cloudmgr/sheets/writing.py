"""Writing workbooks: what people typed stays text, money stays exact, headers in both languages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from catalog.period import SHANGHAI
from cloudmgr.sheets.columns import Column

_HEAD = Font(bold=True)
_FILL = PatternFill("solid", start_color="FFE8EEF7")
_WRAP = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that a spreadsheet works out, such as `=SUM(F2:F9)`; plain texts never are."""

    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: the lines above the table (titles, marks such as 示例参数), header and rows."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Mapping[str, Any]]
    above: Sequence[str] = ()
    english: bool = False


def write_book(sheets: Iterable[Sheet]) -> bytes:
    """The workbook's bytes. Rows may be a generator: they are written as they come."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title[:31])
        for place, column in enumerate(sheet.columns, start=1):
            page.column_dimensions[get_column_letter(place)].width = column.width
        page.freeze_panes = f"A{len(sheet.above) + 2}"
        for line in sheet.above:
            page.append([_cell(page, line)])
        page.append([_header(page, column, sheet.english) for column in sheet.columns])
        for row in sheet.rows:
            page.append([_cell(page, row.get(column.name)) for column in sheet.columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template(
    title: str, columns: Sequence[Column], example: Mapping[str, Any]
) -> tuple[Sheet, ...]:
    """A sheet to fill in, with one example row, and one that explains its columns."""
    name, title_zh, note, required = (
        Column(name="column", title_zh="列"),
        Column(name="name", title_zh="英文列名"),
        Column(name="note", title_zh="说明", width=60),
        Column(name="required", title_zh="必填", width=8),
    )
    explained = (
        {
            "column": column.title_zh,
            "name": column.name,
            "required": "是" if column.required else "否",
            "note": column.note or "、".join(map(str, column.choices)),
        }
        for column in columns
    )
    return (
        Sheet(title, columns, (example,)),
        Sheet(f"{title}说明", (title_zh, name, required, note), explained),
    )


def _header(page: Any, column: Column, english: bool) -> Any:
    cell = WriteOnlyCell(page, value=column.name if english else column.title_zh)
    cell.font, cell.fill, cell.alignment = _HEAD, _FILL, _WRAP
    return cell


def _cell(page: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Formula):
        return WriteOnlyCell(page, value=value.text)
    if isinstance(value, bool):
        value = "是" if value else "否"
    if isinstance(value, tuple | list | set | frozenset):
        value = "、".join(str(each) for each in value)
    if isinstance(value, datetime):
        value = value.astimezone(SHANGHAI).replace(tzinfo=None)
    if isinstance(value, int | Decimal | date):
        number: Any = value  # Decimals are written digit by digit
        cell = WriteOnlyCell(page, value=number)
        if isinstance(value, Decimal):
            places = -min(int(value.as_tuple().exponent), 0)
            cell.number_format = "#,##0" + ("." + "0" * places if places else "")
        return cell
    cell = WriteOnlyCell(page, value=str(value))
    cell.data_type = "s"  # a text that begins with = is no formula, whoever typed it
    return cell
