"""The statements a world needs, built once per table and dialect. Owns how conditions and order
become SQL; when they run is left to `world`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    Update,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.domain.values import Value
from cloudmgr.services.world import Ge, Le
from cloudmgr.store.columns import JsonColumn
from cloudmgr.store.mapper import Mapper, mapper_of
from cloudmgr.store.tables import AUDIT, NUMBERS

HOLD = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
"""PostgreSQL: take the locks `keys`, in their order, until the transaction ends."""

_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@cache
def by_id(mapper: Mapper[Any]) -> Select[Any]:
    """One record, by the parameter `b_id`."""
    return mapper.select.where(mapper.table.c.id == bindparam("b_id"))


def locked(mapper: Mapper[Any], ids: list[str]) -> Select[Any]:
    """The records of `ids`, locked in the order of their ids."""
    wanted = mapper.table.c.id
    return mapper.select.where(wanted.in_(ids)).order_by(wanted).with_for_update()


def chosen(
    mapper: Mapper[Any],
    where: Mapping[str, Any],
    *,
    after: str = "",
    limit: int | None = None,
    descending: bool = False,
) -> tuple[Select[Any], dict[str, Any]]:
    """The records that fit `where`, in the order of their ids, behind the id `after`: the
    statement, which is the same for all values of the same shape, and its parameters."""
    shape = tuple((name, _operator(wanted)) for name, wanted in where.items())
    values = {f"w_{name}": _operand(wanted) for name, wanted in where.items()}
    if after:
        values["b_after"] = after
    if limit is not None:
        values["b_limit"] = limit
    return _chosen(mapper, shape, bool(after), limit is not None, descending), values


@cache
def _chosen(
    mapper: Mapper[Any],
    shape: tuple[tuple[str, str], ...],
    behind: bool,
    limited: bool,
    descending: bool,
) -> Select[Any]:
    key = mapper.table.c.id
    found = mapper.select.where(*(_condition(mapper, *each) for each in shape))
    if behind:
        after: BindParameter[Any] = bindparam("b_after")
        found = found.where(key < after if descending else key > after)
    found = found.order_by(key.desc() if descending else key)
    return found.limit(bindparam("b_limit", type_=Integer)) if limited else found


@cache
def fresh(mapper: Mapper[Any], dialect: str) -> Any:
    """An insert that leaves alone what is there; its row count tells."""
    return (
        _INSERTS[dialect](mapper.table)
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )


@cache
def versions(kinds: tuple[type[Value], ...]) -> Select[Any]:
    """For each kind how many records there are and what their versions sum to, in one row."""
    figures = []
    for kind in kinds:
        version = mapper_of(kind).table.c.version
        figures.append(select(func.count(version)).scalar_subquery())
        figures.append(select(func.coalesce(func.sum(version), 0)).scalar_subquery())
    return select(*figures)


@cache
def last_event() -> Select[Any]:
    """The head of the audit chain."""
    return mapper_of(AuditEvent).select.order_by(AUDIT.c.sequence.desc()).limit(1)


@cache
def changed(mapper: Mapper[Any]) -> Update:
    """Every other column of the record `b_id`, if it still stands at `b_version`."""
    columns = mapper.table.c
    return update(mapper.table).where(
        columns.id == bindparam("b_id"), columns.version == bindparam("b_version")
    )


@cache
def next_number(dialect: str) -> ReturningInsert[Any]:
    """One more of the series `series`; its row stays locked until the transaction ends."""
    counted: ReturningInsert[Any] = (
        _INSERTS[dialect](NUMBERS)
        .values(value=1)
        .on_conflict_do_update(index_elements=["series"], set_={"value": NUMBERS.c.value + 1})
        .returning(NUMBERS.c.value)
    )
    return counted


def _operator(wanted: Any) -> str:
    """What a condition of `World.find` compares with."""
    if isinstance(wanted, tuple):
        return "in or null" if None in wanted else "in"
    return {Le: "<=", Ge: ">=", type(None): "null"}.get(type(wanted), "=")


def _operand(wanted: Any) -> Any:
    if isinstance(wanted, tuple):
        return [option for option in wanted if option is not None]
    return wanted.bound if isinstance(wanted, Le | Ge) else wanted


def _condition(mapper: Mapper[Any], name: str, operator: str) -> ColumnElement[bool]:
    column = _filterable(mapper.table, name)
    value: BindParameter[Any] = bindparam(f"w_{name}", expanding=operator.startswith("in"))
    condition: ColumnElement[bool]
    if operator == "<=":
        condition = column <= value
    elif operator == ">=":
        condition = column >= value
    elif operator == "null":
        condition = column.is_(None)
    elif operator == "=":
        condition = column == value
    else:
        condition = column.in_(value)
        if operator == "in or null":
            condition = or_(condition, column.is_(None))
    return condition


def _filterable(table: Table, name: str) -> Column[Any]:
    if name not in table.c:
        raise AttributeError(f"{table.name} has no field {name}")
    column = table.c[name]
    if isinstance(column.type, JsonColumn):
        raise AttributeError(f"{table.name}.{name} is kept as JSON; nothing can be found by it")
    return column
