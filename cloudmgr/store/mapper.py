"""The one mapper between frozen values and rows, driven by the values' annotations.

`row_of(Kind)` declares a kind's table; `mapper_of(Kind)` carries values into it and back. Rows
never leave the store. The reasons stand in docs/adr/0006-one-generic-mapper.md.
"""

from __future__ import annotations

import re
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast, get_type_hints

from sqlalchemy import Column, Index, MetaData, Row, Table, select
from sqlmodel import Field, SQLModel
from sqlmodel.main import SQLModelMetaclass

from cloudmgr.services.world import unique_fields
from cloudmgr.store.columns import column_type

T = TypeVar("T")

METADATA = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


class StoredRow(SQLModel):
    """Base of every table of the node."""

    metadata = METADATA


ROWS: dict[type[Any], type[StoredRow]] = {}
"""The row class of every kind the store keeps; complete once `cloudmgr.store.tables` is there."""


def row_of(
    kind: type[Any], *, key: str = "id", index: tuple[str | tuple[str, ...], ...] = ()
) -> type[StoredRow]:
    """Declare the table of a frozen dataclass: a column per field, named like it.

    `index` names the fields (or groups of fields) that lists filter by; the key joins each
    index, because lists come in its order. Fields that the kind calls `UNIQUE` are so here too.
    """
    assert kind not in ROWS, f"{kind.__name__} has two row classes"
    hints = get_type_hints(kind, include_extras=True)
    columns = {name: _column(name, hints[name], key) for name in field_names(kind)}
    groups = [(each,) if isinstance(each, str) else each for each in index]
    indexes = [Index(None, *group, key) for group in groups]
    indexes += [Index(None, field, unique=True) for field in unique_fields(kind)]
    row: Any = SQLModelMetaclass(
        f"{kind.__name__}Row",
        (StoredRow,),
        {
            "__doc__": f"The table of {kind.__name__}.",
            "__module__": __name__,
            "__tablename__": snake(kind.__name__),
            "__annotations__": dict.fromkeys(columns, Any),
            "__table_args__": tuple(indexes),
            **{name: Field(sa_column=column) for name, column in columns.items()},
        },
        table=True,
    )
    ROWS[kind] = row
    return cast("type[StoredRow]", row)


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a frozen dataclass, which are the columns of its table."""
    return tuple(field.name for field in fields(kind))


def snake(name: str) -> str:
    """`ResourceRequest` -> `resource_request`: the table of a kind."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def table_of(row: type[StoredRow]) -> Table:
    """The Core table of a row class; the store speaks Core, for its speed."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


class Mapper(Generic[T]):
    """Carries values of one kind into rows and back; the columns' types do the converting."""

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self.table = table_of(ROWS[kind])
        self.names = field_names(kind)
        self.select = select(*(self.table.c[name] for name in self.names))
        self._fields = attrgetter(*self.names)

    def row(self, value: T) -> dict[str, Any]:
        """The parameters of an insert."""
        return dict(zip(self.names, self._fields(value), strict=True))

    def value(self, row: Row[Any]) -> T:
        """A row of `select` as a value."""
        return self.kind(**dict(zip(self.names, row, strict=True)))


_MAPPERS: dict[type[Any], Mapper[Any]] = {}


def mapper_of(kind: type[T]) -> Mapper[T]:
    """The mapper of a kind that has a row class; KeyError for one that has none."""
    if kind not in _MAPPERS:
        _MAPPERS[kind] = Mapper(kind)
    return _MAPPERS[kind]


def _column(name: str, hint: Any, key: str) -> Column[Any]:
    kind, nullable = column_type(hint)
    if name == key:
        # The audit chain counts its events itself; nothing may be numbered by the database.
        return Column(name, kind, primary_key=True, autoincrement=False)
    return Column(name, kind, nullable=nullable)
