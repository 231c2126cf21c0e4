"""A whole catalog version as a handful of flat tables, and back, without losing anything.

Owns which tables and columns there are, for every format a version is sent in: one TOML document
(`catalog.document`) or a workbook. Every figure carries its source in its own row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from catalog.errors import CloudmgrError, bad_catalog
from catalog.fields import Record
from catalog.load import SKU_COLUMNS, credit_tier, sku_of, standard_of
from catalog.period import local_day, midnight
from catalog.skus import Figure, FigureKind, Flavor, Sku
from catalog.standards import CreditTier, ServiceStandard
from catalog.tiers import Ceiling, Tier, price_text
from catalog.versions import CatalogVersion

_ORIGIN = ("kind", "source", "year")

TABLES: Mapping[str, tuple[str, ...]] = {
    "version": ("id", "document_number", "effective_from", "kind", "note"),
    "standards": (
        "id", "name_zh", "name_en", "availability", "response_minutes", "restore_minutes",
        "delivery_working_days", *_ORIGIN,
    ),
    "credits": ("standard_id", "below", "share"),
    "skus": SKU_COLUMNS,
    "list_prices": ("sku_id", "value", *_ORIGIN, "note"),
    "ceilings": ("sku_id", "from_quantity", "unit_price", *_ORIGIN, "note"),
}  # fmt: skip
"""Table -> its columns; a ceiling has one row per tier, in order."""

WHOLE_COLUMNS = frozenset(
    {
        "response_minutes", "restore_minutes", "delivery_working_days", "meter_units_per_unit",
        "from_quantity",
    }
)  # fmt: skip
MONEY_COLUMNS = frozenset({"value", "unit_price"})
FLAG_COLUMNS = frozenset({"xinchuang", "charged_when_stopped", "retired"})
MAX_TEXT_LENGTH = 2000
_SHARE_SCALE = 10**6

Cell = str | int | bool | Decimal | date
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row to be read; `number` is where its sender finds it. Missing cells are empty."""

    table: str
    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableFault:
    """What is wrong in one row; `column` is empty when the whole row is meant."""

    table: str
    number: int
    column: str
    why: str


def tables_of(version: CatalogVersion) -> dict[str, list[Row]]:
    """Every table of a version. Raises `bad_catalog` for a share finer than six decimals."""
    return {
        "version": [
            {
                "id": version.id,
                "document_number": version.document_number,
                "effective_from": local_day(version.effective_from),
                "kind": version.kind.value,
                "note": version.note,
            }
        ],
        "standards": [_standard_row(each) for each in version.standards],
        "credits": [
            {
                "standard_id": each.id,
                "below": _share(tier.below, each),
                "share": _share(tier.share, each),
            }
            for each in version.standards
            for tier in each.credit_tiers
        ],
        "skus": [_sku_row(each) for each in version.skus],
        "list_prices": [
            {"sku_id": sku.id, "value": figure.value, **_origin(figure), "note": figure.note}
            for sku in version.skus
            for figure in sku.sources
        ],
        "ceilings": [
            {
                "sku_id": each.sku_id,
                "from_quantity": tier.from_quantity,
                "unit_price": tier.unit_price,
                **_origin(each),
                "note": each.note,
            }
            for each in version.ceilings
            for tier in each.tiers
        ],
    }


def version_of(
    tables: Mapping[str, Sequence[TableRow]],
) -> tuple[CatalogVersion | None, tuple[TableFault, ...]]:
    """The version its tables describe, or every fault that keeps them from being one."""
    faults: list[TableFault] = []
    heads = [_head(row, faults) for row in tables.get("version", ())]
    standards = _standards(tables, faults)
    skus = _skus(tables, faults)
    ceilings = _ceilings(tables.get("ceilings", ()), faults)
    if len(heads) != 1:
        faults.append(TableFault("version", 1, "", f"it has {len(heads)} rows and needs one"))
    if faults:
        return None, tuple(faults)
    head = heads[0]
    assert head is not None  # a row that cannot be read has left a fault
    try:
        return CatalogVersion(**head, standards=standards, skus=skus, ceilings=ceilings), ()
    except CloudmgrError as error:
        return None, (_placed(error, tables),)


def surviving(version: CatalogVersion) -> CatalogVersion:
    """The version itself, if what is sent out reads back as it is; raises `bad_catalog`.

    Spaces around a text, control characters and shares finer than six decimals do not.
    """
    for table, each in tables_of(version).items():
        for number, row in enumerate(each, start=1):
            for column, cell in row.items():
                if isinstance(cell, str) and (why := _unwritable(cell)):
                    raise bad_catalog(f"{table} row {number}, field {column}", why)
    rows = {
        table: [TableRow(table, number, _as_text(row)) for number, row in enumerate(each, start=1)]
        for table, each in tables_of(version).items()
    }
    back, faults = version_of(rows)
    if faults:
        first = faults[0]
        raise bad_catalog(f"{first.table} row {first.number}, field {first.column}", first.why)
    assert back is not None
    for part in ("standards", "skus", "ceilings"):
        for one, other in zip(getattr(version, part), getattr(back, part), strict=True):
            if one != other:
                named = getattr(one, "id", None) or one.sku_id
                raise bad_catalog(
                    f"{part} {named}",
                    "it would not read back as it is; take out spaces around texts",
                )
    return version


def _unwritable(text: str) -> str | None:
    """Why a text cannot stand in every format that a version is sent in."""
    if len(text) > MAX_TEXT_LENGTH:
        return f"it has {len(text)} characters and at most {MAX_TEXT_LENGTH} fit"
    if any(ord(each) < ord(" ") and each != "\n" for each in text):
        return "it holds control characters"
    return None


def _as_text(row: Row) -> dict[str, Any]:
    return {name: cell_text(cell) for name, cell in row.items()}


def cell_text(cell: Cell | None) -> Any:
    """A cell as `Record` reads it: text but for dates; nothing is the empty text."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case Decimal():
            return f"{cell:f}"
        case int():
            return str(cell)
        case _:
            return cell


def _standard_row(standard: ServiceStandard) -> Row:
    return {
        "id": standard.id,
        "name_zh": standard.name_zh,
        "name_en": standard.name_en,
        "availability": _share(standard.availability, standard),
        "response_minutes": standard.response_minutes,
        "restore_minutes": standard.restore_minutes,
        "delivery_working_days": standard.delivery_working_days,
        **_origin(standard),
    }


def _sku_row(sku: Sku) -> Row:
    words = (f"{each.resource_class.value}:{each.units}" for each in sku.resources)
    return {
        "id": sku.id,
        "name_zh": sku.name_zh,
        "name_en": sku.name_en,
        "category": sku.category.value,
        "unit_zh": sku.unit_zh,
        "unit_en": sku.unit_en,
        "model": sku.model.value,
        "resources": " ".join(words),
        "meter": sku.meter or "",
        "meter_units_per_unit": sku.meter_units_per_unit,
        "standard_id": sku.standard_id,
        "service_standard": sku.service_standard,
        "xinchuang": sku.xinchuang,
        "stacks": " ".join(sku.stacks),
        "family": sku.family if isinstance(sku, Flavor) else "",
        "charged_when_stopped": sku.charged_when_stopped,
        "retired": sku.retired,
        "item_source": sku.item_source,
    }


def _origin(figure: Figure | Ceiling | ServiceStandard) -> dict[str, Cell]:
    return {"kind": figure.kind.value, "source": figure.source, "year": figure.year}


def _share(share: Fraction, standard: ServiceStandard) -> str:
    scaled = share * _SHARE_SCALE
    if scaled.denominator != 1:
        raise bad_catalog(
            f"standard {standard.id}", f"the share {share} has more than six decimals; round it"
        )
    return price_text(Decimal(int(scaled)).scaleb(-6))


def _head(row: TableRow, faults: list[TableFault]) -> dict[str, Any] | None:
    with _Collected(row, faults) as record:
        return {
            "id": record.text("id"),
            "document_number": record.text("document_number"),
            "effective_from": midnight(record.day("effective_from")),
            "kind": record.choice("kind", FigureKind),
            "note": record.text("note", ""),
        }
    return None


def _standards(
    tables: Mapping[str, Sequence[TableRow]], faults: list[TableFault]
) -> tuple[ServiceStandard, ...]:
    credits: dict[str, list[CreditTier]] = {}
    rows: dict[str, TableRow] = {}
    for row in tables.get("credits", ()):
        with _Collected(row, faults) as record:
            standard_id = record.text("standard_id")
            credits.setdefault(standard_id, []).append(credit_tier(record))
            rows.setdefault(standard_id, row)
    found: list[ServiceStandard] = []
    for row in tables.get("standards", ()):
        with _Collected(row, faults) as record:
            tiers = tuple(credits.get(record.text("id"), ()))
            found.append(standard_of(record, tiers, *_origin_of(record)))
    known = {str(row.values.get("id", "")).strip() for row in tables.get("standards", ())}
    for standard_id, row in rows.items():
        if standard_id not in known:
            why = f"no standard {standard_id} is defined"
            faults.append(TableFault(row.table, row.number, "standard_id", why))
    return tuple(found)


def _skus(tables: Mapping[str, Sequence[TableRow]], faults: list[TableFault]) -> tuple[Sku, ...]:
    skus: dict[str, Sku] = {}
    for row in tables.get("skus", ()):
        with _Collected(row, faults) as record:
            sku = sku_of(record, record.text("item_source", ""))
            if sku.id in skus:
                raise record.fault("id", f"{sku.id} is defined above already")
            skus[sku.id] = sku
    for row in tables.get("list_prices", ()):
        with _Collected(row, faults) as record:
            sku_id = record.text("sku_id")
            if sku_id not in skus:
                raise record.fault("sku_id", f"no Sku {sku_id} is defined")
            kind, source, year = _origin_of(record)
            figure = Figure(
                value=record.money("value"),
                kind=kind,
                source=source,
                year=year,
                note=record.text("note", ""),
            )
            skus[sku_id] = replace(skus[sku_id], sources=(*skus[sku_id].sources, figure))
    return tuple(skus.values())


def _ceilings(rows: Iterable[TableRow], faults: list[TableFault]) -> tuple[Ceiling, ...]:
    found: list[Ceiling] = []
    for _, group in groupby(rows, key=lambda row: str(row.values.get("sku_id", "")).strip()):
        tiers: list[Tier] = []
        first: TableRow | None = None
        for row in group:
            first = first or row
            with _Collected(row, faults) as record:
                tiers.append(Tier(record.whole("from_quantity"), record.money("unit_price")))
        assert first is not None  # a group has at least one row
        with _Collected(first, faults) as record:
            kind, source, year = _origin_of(record)
            found.append(
                Ceiling(
                    sku_id=record.text("sku_id"),
                    tiers=tuple(tiers),
                    kind=kind,
                    source=source,
                    year=year,
                    note=record.text("note", ""),
                )
            )
    return tuple(found)


def _origin_of(record: Record) -> tuple[FigureKind, str, str]:
    return record.choice("kind", FigureKind), record.text("source"), record.text("year")


class _Collected:
    """Reads one row; a refusal inside becomes a fault of it instead of an exception."""

    def __init__(self, row: TableRow, faults: list[TableFault]) -> None:
        self._row = row
        self._faults = faults

    def __enter__(self) -> Record:
        values = {name: cell_text(cell) for name, cell in self._row.values.items()}
        return Record(f"{self._row.table} row {self._row.number}", values)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, CloudmgrError):
            return False
        self._faults.append(_fault(self._row, error))
        return True


def _fault(row: TableRow, error: CloudmgrError) -> TableFault:
    column = str(error.details.get("field", ""))
    where = str(error.details.get("where", ""))
    if not column and ", field " in where:
        column = where.rpartition(", field ")[2]
    return TableFault(row.table, row.number, column, str(error.details.get("why", error.message)))


def _placed(error: CloudmgrError, tables: Mapping[str, Sequence[TableRow]]) -> TableFault:
    """The row of the item whose parts do not fit together."""
    item = str(error.details.get("where", "")).partition(",")[0]
    kinds = (("Sku ", "skus", "id"), ("standard ", "standards", "id"))
    for start, table, key in (*kinds, ("ceiling of ", "ceilings", "sku_id")):
        for row in reversed(tables.get(table, ())) if item.startswith(start) else ():
            if str(row.values.get(key, "")).strip() == item.removeprefix(start):
                return _fault(row, error)
    return TableFault("version", 1, "", error.message)


def rows_of(table: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[TableRow]:
    """Rows numbered from 1, as a document without line numbers is read."""
    for number, values in enumerate(rows, start=1):
        yield TableRow(table, number, values)
