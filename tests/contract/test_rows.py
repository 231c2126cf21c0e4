"""Every kind of record has one table with its fields, and comes out of it as it went in."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import types
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

import cloudmgr.domain
import cloudmgr.services
from catalog.errors import CloudmgrError
from catalog.money import Exact
from catalog.period import Month, Period
from cloudmgr.cities.read import find_city
from cloudmgr.domain.assessment_scores import AssessmentScheme
from cloudmgr.domain.values import Value
from cloudmgr.services import codec
from cloudmgr.store import statements
from cloudmgr.store.engine import open_engine
from cloudmgr.store.mapper import ROWS, field_names, mapper_of, table_of


def _kinds() -> Iterator[type[Value]]:
    """Every record class of the domain and the services, whoever wrote it."""
    for package in (cloudmgr.domain, cloudmgr.services):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for member in vars(module).values():
                declared = isinstance(member, type) and member.__module__ == module.__name__
                if declared and issubclass(member, Value) and member is not Value:
                    yield member


KINDS = tuple(_kinds())

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2999, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC, fold=0)
)
INTEGERS = st.one_of(st.integers(0, 5), st.integers(-(2**63) + 1, 2**63 - 1))
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
    int: INTEGERS,
    datetime: INSTANTS,
    time: st.times(),
    date: st.dates(date(2000, 1, 1), date(2999, 12, 31)),
    timedelta: st.timedeltas(),
    Fraction: st.fractions(),
    AssessmentScheme: st.just(find_city("reference").scheme),
    Month: st.builds(Month, st.integers(2000, 2999), st.integers(1, 12)),
    Period: st.tuples(INSTANTS, INSTANTS).map(lambda ends: Period(min(ends), max(ends))),
    types.NoneType: st.none(),
    Any: st.one_of(TEXTS, st.integers(0, 5), st.booleans(), st.none()),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Anything an annotation allows, money up to its largest amount."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rules = [rule for rule in arguments if isinstance(rule, Exact)]
        return _exact(rules[0].places) if rules else values_of(arguments[0])
    if origin in (Union, types.UnionType):
        return st.one_of(*(values_of(each) for each in arguments))
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values_of(each) for each in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    if hint in PLAIN:
        return PLAIN[hint]
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return _records(hint)


def _exact(places: int) -> st.SearchStrategy[Decimal]:
    largest = min(10 ** (13 + places), 2**63) - 1
    return st.integers(-largest, largest).map(lambda units: Decimal(units).scaleb(-places))


def _records(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    fields = st.fixed_dictionaries({name: values_of(hints[name]) for name in field_names(kind)})
    return fields.map(lambda each: _made(kind, each)).filter(lambda made: made is not None)


def _made(kind: type[Any], fields: dict[str, Any]) -> Any:
    """The record, or None where its own rules refuse these fields."""
    try:
        return kind(**fields)
    except CloudmgrError:
        return None


def test_every_kind_of_record_has_a_row_class_with_exactly_its_fields() -> None:
    missing = {kind.__name__ for kind in KINDS if kind not in ROWS}
    assert not missing, f"declare these with row_of() in cloudmgr/store: {missing}"
    for kind in KINDS:
        columns = tuple(column.name for column in table_of(ROWS[kind]).columns)
        assert columns == tuple(field.name for field in dataclasses.fields(kind))


def test_no_two_kinds_share_a_table() -> None:
    tables = [table_of(row).name for row in ROWS.values()]
    assert len(tables) == len(set(tables))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url, durable=False)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_comes_out_of_its_row_as_it_went_in(kind: type[Value], engine: Engine) -> None:
    mapper = mapper_of(kind)

    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(values_of(kind))
    def comes_back(record: Value) -> None:
        with engine.connect() as connection:
            connection.execute(mapper.table.insert(), mapper.row(record))
            row = connection.execute(statements.by_id(mapper), {"b_id": record.id}).one()
            assert mapper.value(row) == record
            # Equal amounts may still be written differently.
            assert codec.dump(mapper.value(row)) == codec.dump(record)

    comes_back()
