"""Spreadsheets in and out: whatever order and language the headers have, faults say where."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from catalog.errors import CloudmgrError
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.reading import read_rows, require_rows, sheet_names
from cloudmgr.sheets.writing import Formula, Sheet, template, write_book

COLUMNS = (
    Column(name="code", title_zh="编码"),
    Column(name="units", title_zh="数量", kind=CellKind.WHOLE),
    Column(name="price", title_zh="单价", kind=CellKind.DECIMAL),
    Column(name="since", title_zh="起始日期", kind=CellKind.DATE, required=False),
    Column(name="urgent", title_zh="紧急", kind=CellKind.YES_NO, required=False),
    Column(
        name="kind",
        title_zh="类别",
        kind=CellKind.CHOICE,
        required=False,
        choices={"通用": "general"},
    ),
    Column(name="zones", title_zh="网络域", kind=CellKind.LIST, required=False),
)


def book(*rows: tuple[Any, ...], title: str = "清单") -> bytes:
    made = Workbook()
    page = made.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_headers_may_be_chinese_or_english_starred_and_in_any_order() -> None:
    data = book((None,), ("单价", " CODE ", "数量*"), (12.3, "A-1", 4), (None, None, None))
    found = read_rows(data, COLUMNS)
    assert not found.faults
    (row,) = found.rows
    assert (row.sheet, row.number) == ("清单", 3)
    assert row.values["price"] == Decimal("12.3")
    assert (row.values["code"], row.values["units"]) == ("A-1", 4)
    assert row.values["zones"] == ()


def test_every_fault_is_told_with_its_row_and_column() -> None:
    data = book(
        ("编码", "数量", "单价", "起始日期", "紧急", "类别"),
        ("A", 1.5, "1", "2026-02-30", "也许", "其他"),
        (None, 1, "x", None, None, None),
    )
    found = read_rows(data, COLUMNS)
    assert [(fault.row, fault.column) for fault in found.faults] == [
        (2, "数量"),
        (2, "起始日期"),
        (2, "紧急"),
        (2, "类别"),
        (3, "编码"),
        (3, "单价"),
    ]
    with pytest.raises(CloudmgrError) as refused:
        require_rows([found])
    assert refused.value.code == "bad_rows"
    assert refused.value.details["total"] == 6
    assert "清单 row 2" in refused.value.message


def test_a_missing_an_unknown_and_a_double_column_are_faults() -> None:
    data = book(("编码", "数量", "code", "备注"), ("A", 1, "B", "?"))
    faults = read_rows(data, COLUMNS).faults
    assert {(fault.column, fault.row) for fault in faults} >= {("单价", 1), ("备注", 1)}
    twice = read_rows(book(("编码", "编码", "数量", "单价"), ("A", "B", 1, 1)), COLUMNS).faults
    assert [(fault.column, fault.why) for fault in twice] == [("编码", "this column stands twice")]


def test_a_sheet_without_a_header_says_which_columns_it_should_have() -> None:
    (fault,) = read_rows(book(("a", "b"), (1, 2)), COLUMNS).faults
    assert "编码、数量、单价" in fault.why


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_comma_separated_files_are_read_as_spreadsheets_save_them(encoding: str) -> None:
    data = '编码,数量,单价\n"甲,乙","1,200",￥3.50\n'.encode(encoding)
    (row,) = read_rows(data, COLUMNS).rows
    assert row.values["code"] == "甲,乙"
    assert row.values["units"] == 1200
    assert row.values["price"] == Decimal("3.50")


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(CloudmgrError, match="cannot be opened"):
        read_rows(b"PK\x03\x04 and nothing more", COLUMNS)
    with pytest.raises(CloudmgrError, match="no sheet"):
        read_rows(book(("编码",)), COLUMNS, sheet="配额")


def test_a_number_with_more_digits_than_a_cell_keeps_is_refused() -> None:
    faults = read_rows(book(("编码", "数量", "单价"), ("A", 1, 12345678.12345678)), COLUMNS).faults
    assert [fault.column for fault in faults] == ["单价"]


def test_a_text_that_looks_like_a_formula_stays_text_and_a_formula_is_one() -> None:
    columns = (Column(name="who", title_zh="谁"), Column(name="sum", title_zh="合计"))
    data = write_book([Sheet("表", columns, [{"who": "=1+1", "sum": Formula("=1+1")}])])
    page = load_workbook(io.BytesIO(data))["表"]
    assert (page["A2"].data_type, page["A2"].value) == ("s", "=1+1")
    assert page["B2"].data_type == "f"


def test_a_template_can_be_read_back_with_its_example() -> None:
    example = {"code": "A", "units": 1, "price": Decimal("0.10"), "kind": "通用"}
    data = write_book(template("清单", COLUMNS, example))
    assert sheet_names(data) == ("清单", "清单说明")
    (row,) = read_rows(data, COLUMNS).rows
    assert row.values["kind"] == "general"


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "code": st.text("甲乙=+-ab1", min_size=1, max_size=8),
                "units": st.integers(-(10**12), 10**12),
                "price": st.decimals("-9999999", "9999999", places=6),
                "since": st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
                "urgent": st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_read_back_exactly(rows: list[dict[str, Any]]) -> None:
    columns = COLUMNS[:5]
    found = read_rows(write_book([Sheet("表", columns, rows, above=("标题",))]), columns)
    assert not found.faults
    assert [row.values for row in found.rows] == rows
