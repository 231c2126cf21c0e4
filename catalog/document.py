"""A catalog version as one TOML document: written exactly, read back equal, faults by row.

Owns the text only; which tables there are is `catalog.tables`. Prices are strings, as everywhere.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from catalog.errors import bad_catalog
from catalog.tables import (
    FLAG_COLUMNS,
    MONEY_COLUMNS,
    TABLES,
    Cell,
    TableFault,
    rows_of,
    tables_of,
    version_of,
)
from catalog.tiers import price_text
from catalog.versions import CatalogVersion

_MARKS = {"\x7f": "\\u007f"}


def write_document(version: CatalogVersion) -> str:
    """The whole version as TOML; the head's cells stand before the tables."""
    return "\n".join(_lines(version)) + "\n"


def read_document(text: str) -> tuple[CatalogVersion | None, tuple[TableFault, ...]]:
    """The version a document describes, or every fault with its table, row and column.

    Raises `bad_catalog` for what is no TOML, with the parser's line.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise bad_catalog("TOML document", f"cannot be read: {error}") from error
    head = {name: found.pop(name) for name in TABLES["version"] if name in found}
    faults = [
        TableFault(name, 1, "", f"is unknown; the tables are {', '.join([*TABLES][1:])}")
        for name in found
        if name not in TABLES or name == "version"
    ]
    tables = {"version": list(rows_of("version", [head]))}
    for table in [*TABLES][1:]:
        rows = found.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            faults.append(TableFault(table, 1, "", f"write it as [[{table}]], a table per row"))
            continue
        tables[table] = list(rows_of(table, (_plain(row) for row in rows)))
        faults += _misfits(table, rows)
    version, more = version_of(tables)
    faults += more
    return (None if faults else version), tuple(faults)


def _lines(version: CatalogVersion) -> Iterator[str]:
    tables = tables_of(version)
    yield "# A catalog version, whole. Prices are yuan per unit, tax included, as strings."
    yield from _pairs("version", tables["version"][0])
    for table in [*TABLES][1:]:
        for row in tables[table]:
            yield ""
            yield f"[[{table}]]"
            yield from _pairs(table, row)


def _pairs(table: str, row: Mapping[str, Cell]) -> Iterator[str]:
    for name in TABLES[table]:
        if row[name] != "":
            yield f"{name} = {_value(name, row[name])}"


def _value(name: str, cell: Cell) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case int() | date():
            return str(cell)
        case str():
            return _quoted(cell)
        case _:
            assert name in MONEY_COLUMNS, f"{name} is no money"
            return _quoted(price_text(cell))


def _quoted(text: str) -> str:
    """A basic string: JSON escapes are TOML's, but for the one character that JSON leaves."""
    quoted = json.dumps(text, ensure_ascii=False)
    for character, escape in _MARKS.items():
        quoted = quoted.replace(character, escape)
    return quoted


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what has no place in a table; `_misfits` tells about it."""
    return {name: cell for name, cell in row.items() if _misfit(name, cell) is None}


def _misfits(table: str, rows: list[Mapping[str, Any]]) -> Iterator[TableFault]:
    for number, row in enumerate(rows, start=1):
        for name, cell in row.items():
            if name not in TABLES[table]:
                known = ", ".join(TABLES[table])
                yield TableFault(table, number, name, f"is unknown; the fields are {known}")
            elif (why := _misfit(name, cell)) is not None:
                yield TableFault(table, number, name, why)


def _misfit(name: str, cell: Any) -> str | None:
    if isinstance(cell, float | list | dict):
        return f"{cell!r} must be written as a string in quotes"
    if name in MONEY_COLUMNS and not isinstance(cell, str):
        return f'{cell!r} must be written as a string, such as "12.30"'
    if isinstance(cell, bool) and name not in FLAG_COLUMNS:
        return "it is neither true nor false"
    return None
