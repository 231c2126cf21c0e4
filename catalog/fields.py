"""One record of catalog data that knows where it stands, so that every fault is row-exact.

Owns reading single fields from TOML and CSV with file, item and field in each refusal. Which
files and fields there are is `catalog.load`.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from catalog.errors import CloudmgrError, Invalid, bad_catalog
from catalog.money import exact, unit_price

Choice = TypeVar("Choice", bound=StrEnum)
_SHARE_PLACES = 6


class Record:
    """A TOML table or a CSV row: `place` is its file and item, `values` its fields."""

    def __init__(self, place: str, values: Mapping[str, object]) -> None:
        self.place = place
        self.values = values

    def fault(self, field: str, why: str) -> Invalid:
        fault = bad_catalog(f"{self.place}, field {field}", why)
        fault.details |= {"field": field, "why": why}
        return fault

    def only(self, *fields: str) -> None:
        """Refuse fields outside `fields`: a misspelt one would silently count for nothing."""
        for field in self.values:
            if field not in fields:
                raise self.fault(field, f"is unknown; the fields are {', '.join(fields)}")

    def text(self, field: str, default: str | None = None) -> str:
        """A string, stripped; `default` stands for a missing or empty one, None demands it."""
        value = self.values.get(field, "")
        if not isinstance(value, str):
            raise self.fault(field, f"{value!r} must be written as a string in quotes")
        if not value.strip() and default is None:
            raise self.fault(field, "it must not be empty")
        return value.strip() or default or ""

    def money(self, field: str) -> Decimal:
        """A unit price in yuan, written as a string; a float or a number is refused."""
        value = self.values.get(field)
        if isinstance(value, int):
            raise self.fault(field, f'{value!r} must be written as a string, such as "12.30"')
        return self._exact(field, value, unit_price)

    def share(self, field: str) -> Fraction:
        """A share of 1 with at most 6 decimals, written as a string such as "0.999"."""
        value = self.text(field)
        return Fraction(self._exact(field, value, lambda text: exact(text, _SHARE_PLACES)))

    def _exact(self, field: str, value: object, read: Any) -> Decimal:
        try:
            number: Decimal = read(value)
        except CloudmgrError as error:
            fault = self.fault(field, error.message)
            fault.details["cause"] = error.code
            raise fault from error
        if number < 0:
            raise self.fault(field, f"{number} is negative")
        return number

    def whole(self, field: str, default: int | None = None) -> int:
        """A whole number of at least 0, as an integer or its digits."""
        value = self.values.get(field)
        if value in (None, "") and default is not None:
            return default
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.fault(field, f"{value!r} is not a whole number of at least 0")
        return value

    def choice(self, field: str, of: type[Choice]) -> Choice:
        """A member of an enumeration by its value."""
        value = self.text(field)
        if value not in list(of):
            raise self.fault(field, f"{value!r} is not one of {', '.join(of)}")
        return of(value)

    def flag(self, field: str) -> bool:
        """`yes` or `no`; empty is no."""
        value = self.text(field, "no")
        if value not in ("yes", "no"):
            raise self.fault(field, f"{value!r} is neither yes nor no")
        return value == "yes"

    def words(self, field: str) -> tuple[str, ...]:
        """Words parted by spaces; none when empty."""
        return tuple(self.text(field, "").split())

    def day(self, field: str) -> date:
        """A TOML date without time."""
        value = self.values.get(field)
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self.fault(field, f"{value!r} is not a date; write it as 2026-01-01 unquoted")
        return value

    def table(self, field: str) -> Mapping[str, object]:
        """A TOML table; empty when missing."""
        value = self.values.get(field, {})
        if not isinstance(value, dict):
            raise self.fault(field, "it must be a table")
        return value

    def tables(self, field: str) -> tuple[Mapping[str, object], ...]:
        """A list of TOML tables; empty when missing."""
        value = self.values.get(field, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.fault(field, "it must be a list of tables")
        return tuple(value)


def read_toml(path: Path) -> Record:
    """A TOML file as one record; raises `bad_catalog` with the parser's line."""
    try:
        return Record(_shown(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise bad_catalog(_shown(path), f"cannot be read: {error}") from error


def read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[Record]:
    """The rows of a CSV file with exactly these columns, each placed by line and first cell."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        reader = csv.reader(lines, strict=True)
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            raise bad_catalog(f"{_shown(path)} line 1", f"the columns must be {','.join(columns)}")
        for cells in reader:
            place = f"{_shown(path)} line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise bad_catalog(place, f"has {len(cells)} cells instead of {len(header)}")
            yield Record(f"{place} ({cells[0]})", dict(zip(header, cells, strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise bad_catalog(_shown(path), f"cannot be read: {error}") from error


def _shown(path: Path) -> str:
    """Folder and file: enough to find it, the same on every machine."""
    return f"{path.parent.name}/{path.name}"
