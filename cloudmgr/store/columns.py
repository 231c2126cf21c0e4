"""How one field stands in a column, on both databases alike: the types and the choice among them.

Owns the refusals at the door of the database: floats, naive instants, numbers that do not fit.
Which fields there are is left to the domain's annotations, which `column_type` reads.
"""

from __future__ import annotations

import types
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from catalog.errors import bad_amount
from catalog.money import Exact, exact
from catalog.period import Month, utc
from cloudmgr.domain.errors import bad_value
from cloudmgr.services import codec

LARGEST_INTEGER = 2**63 - 1


class TextColumn(TypeDecorator[str]):
    """Text that sorts by code point, as Python sorts it: keyset pages depend on one order.

    PostgreSQL would else sort by the locale of the server, and cannot keep NUL characters.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        sorted_by_byte = "C" if dialect.name == "postgresql" else None
        return Text(collation=sorted_by_byte)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if "\x00" in value:
            raise bad_value("text", "it holds a NUL character; send text without it")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise bad_value("text", "it holds half a character; send valid Unicode") from error
        return value


class IntegerColumn(TypeDecorator[int]):
    """A whole number of 64 bits; SQLite by itself would also keep 1.5 here."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int):
            raise bad_value("number", f"{value!r} is not a whole number")
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise bad_value("number", f"{value} does not fit into 64 bits")
        return value


class MoneyColumn(TypeDecorator[Decimal]):
    """Yuan as an integer of 10^-places yuan: SQLite keeps SQL decimals as floats, silently.

    Other figures with `Exact` places (scores, tax rates) stand in it too. Refuses floats and
    over-precision as `catalog.money.exact` does, and what does not fit into 64 bits: unit prices
    of 9 223 372 036 854.775808 yuan and more.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = int(exact(value, self.places).scaleb(self.places))
        if not -LARGEST_INTEGER <= scaled <= LARGEST_INTEGER:
            raise bad_amount(value, f"it does not fit into 64 bits with {self.places} decimals")
        return scaled

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        # A sum comes back from PostgreSQL as a Decimal without places.
        return None if value is None else Decimal(int(value)).scaleb(-self.places)


class InstantColumn(TypeDecorator[datetime]):
    """An aware instant, in UTC on the way in and on the way out; naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant = utc(value)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class ChoiceColumn(TypeDecorator[StrEnum]):
    """One of the texts of a StrEnum; a new member needs no migration."""

    impl = TextColumn
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.choices(value)


class MonthColumn(TypeDecorator[Month]):
    """A billing month as `2026-01`, whose order as text is the order of time."""

    impl = TextColumn
    cache_ok = True

    def process_bind_param(self, value: Month | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Month | None:
        return None if value is None else Month.parse(value)


class JsonColumn(TypeDecorator[Any]):
    """Nested values, tuples and everything else as canonical JSON: one text per content.

    Text and not JSONB, whose own idea of numbers and key order would change what was stored.
    """

    impl = TextColumn
    cache_ok = True

    def __init__(self, hint: Any) -> None:
        super().__init__()
        self.hint = hint

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else codec.canonical(codec.dump(value, self.hint))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else codec.adapter(self.hint).validate_json(value)


def column_type(hint: Any) -> tuple[TypeEngine[Any], bool]:
    """The column type of an annotation, and whether the field may be None.

    Raises TypeError for a float or a bare Decimal: neither says how exact it is.
    """
    hint, nullable = _without_none(hint)
    return _type(hint), nullable


_PLAIN: dict[Any, type[TypeEngine[Any]]] = {
    str: TextColumn,
    bool: Boolean,
    bytes: LargeBinary,
    int: IntegerColumn,
    datetime: InstantColumn,
    date: Date,
    Month: MonthColumn,
}


def _type(hint: Any) -> TypeEngine[Any]:
    if get_origin(hint) is Annotated:
        bare, *rules = get_args(hint)
        places = [rule.places for rule in rules if isinstance(rule, Exact)]
        plain = MoneyColumn(places[0]) if places else _type(bare)
        return JsonColumn(hint) if isinstance(plain, JsonColumn) else plain
    if hint in (float, Decimal):
        raise TypeError(f"{hint.__name__} has no exact column; annotate Yuan or UnitPrice")
    if hint in _PLAIN:
        return _PLAIN[hint]()
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ChoiceColumn(hint)
    return JsonColumn(hint)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    some = tuple(part for part in get_args(hint) if part is not types.NoneType)
    nullable = len(some) < len(get_args(hint))
    return (some[0] if len(some) == 1 else Union[some]), nullable  # noqa: UP007
