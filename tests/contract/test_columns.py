"""What a column keeps exactly, and what it refuses, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, func, select
from sqlalchemy.types import TypeEngine

from catalog.errors import CloudmgrError
from catalog.money import UnitPrice, Yuan
from catalog.period import Month
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.journal import Posting
from cloudmgr.domain.ratios import Ratio
from cloudmgr.store.columns import (
    ChoiceColumn,
    InstantColumn,
    IntegerColumn,
    JsonColumn,
    MoneyColumn,
    MonthColumn,
    TextColumn,
    column_type,
)
from cloudmgr.store.engine import open_engine
from cloudmgr.store.mapper import mapper_of
from cloudmgr.store.world import SqlNode
from tests.contract.samples import budget, region

EIGHT_IN_SHANGHAI = datetime(2026, 1, 1, 8, 0, 0, 1, timezone(timedelta(hours=8)))


class Colour(StrEnum):
    RED = "red"


def _through(url: str, column: TypeEngine[Any], value: Any) -> Any:
    """Write a value into a column of a table made for it, and read it back."""
    table = Table("trial", MetaData(), Column("it", column))
    engine = open_engine(url, durable=False)
    with engine.connect() as connection:
        table.create(connection)
        connection.execute(table.insert(), {"it": value})
        came_back = connection.execute(select(table.c.it)).scalar_one()
    engine.dispose()
    return came_back


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        # SQLite's own decimals turn this one into …123459.
        (MoneyColumn(6), Decimal("123456789012.123456"), "123456789012.123456"),
        (MoneyColumn(6), Decimal("1234567890123.000001"), "1234567890123.000001"),
        (MoneyColumn(6), Decimal("-9223372036854.775807"), "-9223372036854.775807"),
        (MoneyColumn(2), Decimal("9999999999999.99"), "9999999999999.99"),
        (MoneyColumn(2), Decimal("1.5"), "1.50"),
        (MoneyColumn(2), Decimal("-0"), "0.00"),
        (IntegerColumn(), 2**63 - 1, str(2**63 - 1)),
        (InstantColumn(), EIGHT_IN_SHANGHAI, "2026-01-01 00:00:00.000001+00:00"),
        (InstantColumn(), datetime(9999, 12, 1, tzinfo=UTC), "9999-12-01 00:00:00+00:00"),
        (MonthColumn(), Month(2026, 1), "2026-01"),
        (ChoiceColumn(Colour), Colour.RED, "red"),
        (TextColumn(), "市\U00020000'\"\\%\n", "市\U00020000'\"\\%\n"),
        (TextColumn(), None, "None"),
        (JsonColumn(tuple[Posting, ...]), (Posting("a\x00b", Decimal("1.10")),), None),
    ],
)  # fmt: skip
def test_a_column_gives_back_what_it_was_given(
    url: str, column: TypeEngine[Any], value: Any, written: str | None
) -> None:
    came_back = _through(url, column, value)
    assert came_back == value
    assert written is None or str(came_back) == written


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (MoneyColumn(2), 0.1, "float_money"),
        (MoneyColumn(2), Decimal("0.001"), "bad_amount"),
        (MoneyColumn(2), Decimal("NaN"), "bad_amount"),
        (MoneyColumn(6), Decimal("9223372036854.775808"), "bad_amount"),
        (IntegerColumn(), 1.5, "bad_value"),
        (IntegerColumn(), 2**63, "bad_value"),
        (InstantColumn(), datetime(2026, 1, 1), "bad_period"),
        (TextColumn(), "a\x00b", "bad_value"),
        (TextColumn(), "\ud800", "bad_value"),
        (JsonColumn(tuple[Posting, ...]), (Posting("a", 0.1),), "float_money"),  # type: ignore[arg-type]
    ],
)
def test_a_put_of_what_cannot_be_exact_is_refused_and_the_transaction_goes_on(
    sql: SqlNode, column: TypeEngine[Any], value: Any, code: str
) -> None:
    table = Table("trial", MetaData(), Column("it", column))
    with sql.transaction() as world:
        with pytest.raises(CloudmgrError) as refused:
            world.run(table.insert(), {"it": value})
        assert refused.value.code == code
        world.put(region())


@pytest.mark.parametrize(
    ("hint", "kind", "nullable"),
    [
        (str, TextColumn, False),
        (str | None, TextColumn, True),
        (int | None, IntegerColumn, True),
        (Yuan, MoneyColumn, False),
        (UnitPrice | None, MoneyColumn, True),
        (datetime, InstantColumn, False),
        (Month, MonthColumn, False),
        (Colour, ChoiceColumn, False),
        (tuple[str, ...], JsonColumn, False),
        (Ratio, JsonColumn, False),
    ],
)
def test_the_annotation_chooses_the_column(hint: Any, kind: type[Any], nullable: bool) -> None:
    chosen, may_be_none = column_type(hint)
    assert type(chosen) is kind
    assert may_be_none is nullable


@pytest.mark.parametrize("hint", [float, Decimal, float | None])
def test_what_does_not_say_how_exact_it_is_has_no_column(hint: Any) -> None:
    with pytest.raises(TypeError, match="annotate Yuan or UnitPrice"):
        column_type(hint)


def test_a_rule_of_an_annotation_reaches_the_json(url: str) -> None:
    column, _ = column_type(Ratio)
    assert _through(url, column, Fraction(19, 20)) == Fraction(19, 20)
    with pytest.raises(Exception, match="bad_ratio"):
        column.process_result_value("0.5", None)  # type: ignore[attr-defined]


def test_dates_have_the_date_of_the_database(url: str) -> None:
    column, _ = column_type(date)
    assert _through(url, column, date(2026, 2, 28)) == date(2026, 2, 28)


def test_a_sum_made_by_the_database_is_exact(sql: SqlNode) -> None:
    table = mapper_of(Budget).table
    with sql.transaction() as world:
        world.put(budget("a", approved=Decimal("9999999999999.99")))
        world.put(budget("b", approved=Decimal("0.02")))
        total = world.run(select(func.sum(table.c.approved))).scalar_one()
        assert str(total) == "10000000000000.01"
