"""City files as records that refuse with `bad_city` and say file, line or item, and field.

Owns nothing but that: the rules of single fields are the catalog's.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from catalog import fields
from catalog.errors import CloudmgrError, Invalid
from catalog.money import amount
from catalog.period import midnight
from cloudmgr.cities.city import Scale
from cloudmgr.domain.errors import bad_city

T = TypeVar("T")


class CityRecord(fields.Record):
    """A row or table of a city's files."""

    def fault(self, field: str, why: str) -> Invalid:
        return bad_city(f"{self.place}, field {field}", why)

    def yuan(self, field: str) -> Decimal:
        """An amount with 2 decimals, written as a string."""
        return self._exact(field, self.text(field), amount)

    def midnight(self, field: str) -> datetime:
        """A TOML date as the instant its Shanghai day begins."""
        return midnight(self.day(field))

    def many(self, field: str, one: Callable[[str], T]) -> tuple[T, ...]:
        """A list of strings, each read by `one`; none when missing."""
        found = self.values.get(field, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self.fault(field, "it must be a list of strings")
        try:
            return tuple(one(each) for each in found)
        except ValueError as error:
            raise self.fault(field, str(error)) from error

    def wholes(self, field: str) -> tuple[int, ...]:
        """A list of whole numbers of at least 0; none when missing."""
        found = self.values.get(field, [])
        if not isinstance(found, list):
            raise self.fault(field, "it must be a list of whole numbers")
        return tuple(CityRecord(self.place, {field: each}).whole(field) for each in found)

    def truth(self, field: str, default: bool = False) -> bool:
        """A TOML boolean."""
        value = self.values.get(field, default)
        if not isinstance(value, bool):
            raise self.fault(field, f"{value!r} is neither true nor false")
        return value

    def by_scale(self, field: str, read: Callable[[CityRecord, str], T]) -> dict[Scale, T]:
        """One value for every scale, or a table with one per scale; empty when missing."""
        value = self.values.get(field)
        if value is None:
            return {}
        if not isinstance(value, dict):
            return {scale: read(self, field) for scale in Scale}
        inner = CityRecord(f"{self.place}, field {field}", value)
        inner.only(*Scale)
        return {Scale(key): read(inner, key) for key in value}

    def items(self, field: str, what: str) -> Iterator[CityRecord]:
        """The tables of a list, each placed by its number and id."""
        for number, values in enumerate(self.tables(field), start=1):
            name = values.get("id") or values.get("post") or values.get("scope_id") or ""
            yield CityRecord(f"{self.place} ({what} {number}: {name})", values)

    def part(self, field: str) -> CityRecord:
        """A table inside this one; empty when missing."""
        return CityRecord(f"{self.place}, {field}", self.table(field))

    @contextmanager
    def located(self) -> Iterator[None]:
        """Put the place in front of what a value says about itself."""
        try:
            yield
        except CloudmgrError as error:
            if error.code == "bad_city":
                raise
            fault = bad_city(self.place, error.message)
            fault.details["cause"] = error.code
            raise fault from error


def toml(path: Path) -> CityRecord:
    """A TOML file; raises `bad_city` with the parser's line."""
    record = _own(lambda: fields.read_toml(path))
    return CityRecord(record.place, record.values)


def rows(path: Path, columns: tuple[str, ...]) -> tuple[CityRecord, ...]:
    """The rows of a CSV file with exactly these columns, each placed by its line."""
    return tuple(
        CityRecord(each.place, each.values)
        for each in _own(lambda: tuple(fields.read_csv(path, columns)))
    )


def keyed(id: str, records: Container[str], record: CityRecord) -> str:
    """The id, refused when it stands in the same file already."""
    if id in records:
        raise record.fault("id", f"{id} is defined twice")
    return id


def known(record: CityRecord, field: str, what: str, ids: Container[str]) -> str:
    """A reference to something defined in another place; refused when it is not."""
    id = record.text(field)
    if id not in ids:
        raise record.fault(field, f"there is no {what} {id!r}")
    return id


def all_known(record: CityRecord, field: str, what: str, ids: Container[str]) -> tuple[str, ...]:
    """A list of references, each defined in another place."""
    found = record.many(field, str)
    for id in found:
        if id not in ids:
            raise record.fault(field, f"there is no {what} {id!r}")
    return found


def _own(read: Callable[[], T]) -> T:
    try:
        return read()
    except CloudmgrError as error:
        where = str(error.details.get("where", ""))
        raise bad_city(where, error.message.removeprefix(f"{where}: ")) from error
