"""Catalogs as files: a whole version written as TOML or XLSX, and read from what was uploaded.

Owns the two formats' bytes; the tables in them are `catalog.tables`, what a difference becomes is
`domain.proposals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from catalog.document import read_document, write_document
from catalog.skus import SAMPLE_MARK, FigureKind
from catalog.tables import (
    FLAG_COLUMNS,
    MONEY_COLUMNS,
    TABLES,
    WHOLE_COLUMNS,
    Row,
    TableFault,
    TableRow,
    tables_of,
    version_of,
)
from catalog.versions import CatalogVersion
from cloudmgr.domain.access import Actor
from cloudmgr.domain.errors import bad_file, bad_rows
from cloudmgr.domain.proposals import ProposedChange, changes_between
from cloudmgr.services.files import file_content
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.reading import RowFault, read_rows
from cloudmgr.sheets.writing import Sheet, write_book


class CatalogFormat(StrEnum):
    TOML = "toml"
    XLSX = "xlsx"


MEDIA_TYPES = {
    CatalogFormat.TOML: "application/toml",
    CatalogFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

TITLES_ZH = {
    "id": "编号", "document_number": "文号", "effective_from": "生效日期", "kind": "数据性质",
    "note": "说明", "name_zh": "名称", "name_en": "英文名称", "availability": "可用性",
    "response_minutes": "响应分钟", "restore_minutes": "恢复分钟",
    "delivery_working_days": "交付工作日", "source": "来源", "year": "年度",
    "standard_id": "服务标准", "below": "低于", "share": "扣减比例", "category": "类别",
    "unit_zh": "单位", "unit_en": "英文单位", "model": "计价方式", "resources": "占用资源",
    "meter": "计量项", "meter_units_per_unit": "每单位计量数", "service_standard": "服务说明",
    "xinchuang": "信创", "stacks": "技术栈", "family": "规格族",
    "charged_when_stopped": "停用计费", "retired": "已停售", "item_source": "条目来源",
    "sku_id": "计费项", "value": "公布价", "from_quantity": "起始数量", "unit_price": "上限价格",
}  # fmt: skip
REQUIRED = {
    "version": ("id", "document_number", "effective_from", "kind"),
    "standards": TABLES["standards"],
    "credits": TABLES["credits"],
    "skus": ("id", "name_zh", "name_en", "category", "unit_zh", "unit_en", "model", "standard_id"),
    "list_prices": ("sku_id", "value", "kind", "source", "year"),
    "ceilings": ("sku_id", "from_quantity", "unit_price", "kind", "source", "year"),
}
EXACT_DIGITS = 15
"""A spreadsheet keeps this many digits of a number; a longer price is written as text."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """A version as bytes, under the name it is saved by."""

    name: str
    media_type: str
    data: bytes


def catalog_file(version: CatalogVersion, form: CatalogFormat) -> CatalogFile:
    """The whole version in a format; what `read_catalog` reads back equal."""
    data = write_document(version).encode() if form is CatalogFormat.TOML else _book(version)
    return CatalogFile(f"catalog-{version.id}.{form}", MEDIA_TYPES[form], data)


def read_catalog(name: str, data: bytes) -> CatalogVersion:
    """The catalog in a file. Raises `bad_rows` with every fault, `bad_file`, `bad_catalog`."""
    if data.startswith(b"PK"):
        version, faults = _read_book(name, data)
    else:
        try:
            version, faults = read_document(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise bad_file(name, "it is neither XLSX nor a text in UTF-8") from error
    if faults or version is None:
        told = [
            {"sheet": each.table, "row": each.number, "column": each.column, "why": each.why}
            for each in faults[:200]
        ]
        raise bad_rows(told, len(faults))
    return version


def uploaded_changes(
    world: World, base: CatalogVersion, file_id: str, actor: Actor
) -> tuple[ProposedChange, ...]:
    """What an uploaded whole catalog changes of the base. Its own paper and date do not count:
    those are given when it is published."""
    file, data = file_content(world, file_id, actor)
    return tuple(changes_between(base, read_catalog(file.name, data)))


def columns_of(table: str) -> tuple[Column, ...]:
    """A table's columns as a sheet has them."""
    return tuple(
        Column(
            name=name,
            title_zh=TITLES_ZH[name],
            kind=_kind(name),
            required=name in REQUIRED[table],
        )
        for name in TABLES[table]
    )


def _kind(name: str) -> CellKind:
    if name in WHOLE_COLUMNS:
        return CellKind.WHOLE
    if name in MONEY_COLUMNS:
        return CellKind.DECIMAL
    if name in FLAG_COLUMNS:
        return CellKind.YES_NO
    return CellKind.DATE if name == "effective_from" else CellKind.TEXT


def _book(version: CatalogVersion) -> bytes:
    mark = f" {SAMPLE_MARK}" if version.kind is FigureKind.SAMPLE else ""
    head = f"{version.document_number}{mark}"
    tables = tables_of(version)
    return write_book(
        Sheet(table, columns_of(table), [_cells(row) for row in tables[table]], above=(head,))
        for table in TABLES
    )


def _cells(row: Row) -> Row:
    """A row whose prices a spreadsheet keeps exactly."""
    return {
        name: f"{cell:f}"
        if isinstance(cell, Decimal) and len(cell.as_tuple().digits) > EXACT_DIGITS
        else cell
        for name, cell in row.items()
    }


def _read_book(name: str, data: bytes) -> tuple[CatalogVersion | None, Sequence[TableFault]]:
    tables: dict[str, list[TableRow]] = {}
    faults: list[TableFault] = []
    for table in TABLES:
        found = read_rows(data, columns_of(table), sheet=table, name=name)
        tables[table] = [TableRow(table, row.number, row.values) for row in found.rows]
        faults += (_table_fault(fault) for fault in found.faults)
    if faults:
        return None, faults
    return version_of(tables)


def _table_fault(fault: RowFault) -> TableFault:
    return TableFault(fault.sheet, fault.row, fault.column, fault.why)
