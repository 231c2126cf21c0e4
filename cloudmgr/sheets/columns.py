"""What a sheet's columns are and how one cell becomes a value. Fractions never become floats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

MAX_TEXT_LENGTH = 2000
EXACT_DIGITS = 15
"""A number cell of a spreadsheet is a binary fraction that holds this many decimal digits."""

YES = frozenset({"是", "yes", "y", "true", "1", "√"})
NO = frozenset({"否", "no", "n", "false", "0", "×"})


class CellKind(StrEnum):
    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"
    LIST = "list"  # texts with 、 , or ; between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `name` is the key and the English header, `title_zh` the Chinese one.

    `choices` maps what people may write (Chinese labels too) to the value; `note` explains the
    column in templates.
    """

    name: str
    title_zh: str
    kind: CellKind = CellKind.TEXT
    required: bool = True
    choices: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    width: int = 16


class CellError(ValueError):
    """Why a cell is no value of its column."""


def cell_value(column: Column, cell: Any) -> Any:
    """A cell as str, int, Decimal, date, bool, a choice, a tuple of texts, or None when empty.

    Raises `CellError` with a sentence for what does not fit.
    """
    if isinstance(cell, str):
        cell = cell.strip()
    if cell is None or cell == "":
        if column.required:
            raise CellError("it is empty and must be given")
        return () if column.kind is CellKind.LIST else None
    return _READ[column.kind](column, cell)


def _text(column: Column, cell: Any) -> str:
    if isinstance(cell, datetime):
        cell = cell.date() if not (cell.hour or cell.minute or cell.second) else cell
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # codes that a spreadsheet took for numbers
    found = str(cell).strip()
    if len(found) > MAX_TEXT_LENGTH:
        raise CellError(f"it has {len(found)} characters and at most {MAX_TEXT_LENGTH} fit")
    if any(ord(each) < 32 and each not in "\t\n\r" for each in found):
        raise CellError("it holds control characters")
    return found


def _decimal(column: Column, cell: Any) -> Decimal:
    if isinstance(cell, bool):
        raise CellError(f"{cell} is no number")
    # The shortest text of the cell's binary fraction is what its author typed.
    text = repr(cell) if isinstance(cell, float) else str(cell)
    text = re.sub(r"(?<=\d)[,，](?=\d{3}(\D|$))", "", text.removeprefix("¥").removeprefix("￥"))
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise CellError(f"{cell!r} is no number") from None
    if not number.is_finite():
        raise CellError(f"{cell!r} is no number")
    if isinstance(cell, float) and len(number.as_tuple().digits) > EXACT_DIGITS:
        raise CellError(f"{text} has more digits than a number cell keeps; format it as text")
    return number


def _whole(column: Column, cell: Any) -> int:
    number = _decimal(column, cell)
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise CellError(f"{cell!r} is no whole number")
    return int(number)


def _date(column: Column, cell: Any) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", str(cell))
    try:
        if parts is None:
            raise ValueError
        return date(*(int(part) for part in parts.groups()))
    except ValueError:
        raise CellError(f"{cell!r} is no date; write it as 2026-07-01") from None


def _yes_no(column: Column, cell: Any) -> bool:
    word = _text(column, int(cell) if isinstance(cell, bool) else cell).lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise CellError(f"{cell!r} is neither 是 (yes) nor 否 (no)")


def _choice(column: Column, cell: Any) -> Any:
    word = _text(column, cell)
    if word not in column.choices:
        raise CellError(f"{word!r} is none of {', '.join(map(str, column.choices))}")
    return column.choices[word]


def _list(column: Column, cell: Any) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r"[、,，;；\n]", _text(column, cell)))
    return tuple(part for part in parts if part)


_READ = {
    CellKind.TEXT: _text,
    CellKind.WHOLE: _whole,
    CellKind.DECIMAL: _decimal,
    CellKind.DATE: _date,
    CellKind.YES_NO: _yes_no,
    CellKind.CHOICE: _choice,
    CellKind.LIST: _list,
}
