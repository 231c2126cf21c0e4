"""One row of the workbook at a time: cells that name things become what an opening line keeps.

Owns a row's own faults; what only all rows together can show is `openings_checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from catalog.errors import CloudmgrError
from catalog.money import amount
from catalog.period import DAY, local_day, midnight
from catalog.quantity import whole
from catalog.skus import PricingModel, Sku
from catalog.tiers import Tiers
from cloudmgr.domain.contracts import Contract, state_at_first
from cloudmgr.domain.openings import (
    OpeningBudget,
    OpeningContent,
    OpeningContract,
    OpeningPayment,
    OpeningQuota,
    OpeningResource,
    OpeningSheet,
    OpeningSide,
)
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.domain.rating import sku_at
from cloudmgr.services.openings_names import Ledger, application_of, told
from cloudmgr.services.openings_sheets import COLUMNS, limit_of, tiers_of
from cloudmgr.sheets.columns import CellError
from cloudmgr.sheets.reading import RowFault, SheetRow

T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """A good row: what it says, whose it is, and what people should know of it."""

    sheet: OpeningSheet
    row: SheetRow
    content: OpeningContent
    provider_id: str | None = None
    department_id: str | None = None
    sides: tuple[OpeningSide, ...] = ()
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reader:
    """Reads rows against a ledger; `contracts` are those of the workbook and of the node."""

    ledger: Ledger
    contracts: dict[str, Contract] = field(default_factory=dict)
    faults: list[RowFault] = field(default_factory=list)
    unreadable: set[str | None] = field(default_factory=set)

    def read(self, sheet: OpeningSheet, row: SheetRow) -> Draft | None:
        """The row as a draft; None, with its faults noted, when it is not good."""
        if any(each.name not in row.values for each in COLUMNS[sheet]):
            return None  # told by whoever read the cells
        before = len(self.faults)
        draft = _READ[sheet](self, row)
        return draft if len(self.faults) == before else None

    def cell(self, row: SheetRow, column: str, make: Callable[[Any], T], otherwise: T) -> T:
        """What `make` gives for a cell; its refusal becomes the row's fault."""
        try:
            return make(row.values[column])
        except (CloudmgrError, CellError) as error:
            self.fault(row, column, told(error))
            return otherwise

    def name(self, row: SheetRow, column: str, kind: str | None = None) -> str:
        """The id a cell names; an empty text when it names nothing."""
        names = self.ledger.names[kind or column]
        return self.cell(row, column, names.find, "")

    def optional(self, row: SheetRow, column: str) -> str | None:
        return self.name(row, column) or None if row.values[column] is not None else None

    def contract(self, row: SheetRow) -> Contract | None:
        """The contract a row names; none where its own row has faults, which are told there."""
        number = row.values["contract"]
        found = self.contracts.get(number)
        if found is None and number not in self.unreadable:
            self.fault(row, "contract", f"no contract has the number {number!r}")
        return found

    def fault(self, row: SheetRow, column: str, why: str) -> None:
        sheets = (each for columns in COLUMNS.values() for each in columns)
        title = next((each.title_zh for each in sheets if each.name == column), column)
        self.faults.append(row.fault(title, why))


def _pool_id(reader: Reader, text: str, _: object) -> str:
    """The pool a list of pools names; the cell itself holds them all."""
    return reader.ledger.names["pool"].find(text)


def _contract(reader: Reader, row: SheetRow) -> Draft:
    values = row.values
    provider_id = reader.name(row, "provider")
    pool_ids = tuple(
        reader.cell(row, "pools", partial(_pool_id, reader, text), "") for text in values["pools"]
    )
    for pool_id in filter(None, pool_ids):
        if provider_id and reader.ledger.pools[pool_id].provider_id != provider_id:
            reader.fault(row, "pools", f"{pool_id} is not a pool of {provider_id}")
    for sku_id in values["skus"]:
        if not any(version.has(sku_id) for version in reader.ledger.book.versions):
            reader.fault(row, "skus", f"no catalog has the item {sku_id!r}")
    if values["ends_on"] < values["starts_on"]:
        reader.fault(row, "ends_on", "the term ends after it starts")
    sum_ = reader.cell(row, "total", _positive, amount("1.00"))
    if values["number"] in reader.ledger.contracts:
        reader.fault(row, "number", f"{values['number']} is registered in the node already")
    content = OpeningContract(
        number=values["number"],
        name=values["name"],
        provider_id=provider_id,
        payee_id=reader.name(row, "payee"),
        procurement_method=values["procurement_method"],
        signatories=values["signatories"],
        starts_on=values["starts_on"],
        ends_on=values["ends_on"],
        total=sum_,
        price_link=values["price_link"],
        billing_start=values["billing_start"],
        pool_ids=pool_ids,
        sku_ids=values["skus"],
    )
    return Draft(
        OpeningSheet.CONTRACTS,
        row,
        content,
        provider_id=provider_id,
        sides=(OpeningSide.PROVIDER,),
    )


def contract_to_be(content: OpeningContract, id: str, cut_over: datetime) -> Contract:
    """The contract a row stands for; its last day is the last one in force."""
    starts_at = midnight(content.starts_on)
    return Contract(
        id=id,
        number=content.number,
        name=content.name,
        provider_id=content.provider_id,
        payee_id=content.payee_id,
        procurement_method=content.procurement_method,
        signatories=content.signatories,
        starts_at=starts_at,
        ends_at=midnight(content.ends_on + DAY),
        total=content.total,
        price_link=content.price_link,
        billing_start=content.billing_start,
        pool_ids=content.pool_ids,
        sku_ids=content.sku_ids,
        state=state_at_first(starts_at, cut_over),
    )


def _resource(reader: Reader, row: SheetRow) -> Draft | None:
    values, ledger = row.values, reader.ledger
    department_id = reader.name(row, "department")
    application_id = ""
    if department_id:
        application_id = reader.cell(
            row, "application", lambda text: application_of(ledger, text, department_id), ""
        )
    pool_id = reader.name(row, "pool")
    sku = reader.cell(row, "sku", lambda id: _sold(ledger, id), None)
    contract = reader.contract(row)
    quantity = reader.cell(row, "quantity", lambda number: whole(number, at_least=1), 1)
    estimate = values["estimate_units"] or 0
    if sku is not None and sku.model is PricingModel.METERED and estimate < 1:
        reader.fault(row, "estimate_units", f"{sku.id} is billed by use; say how much a month")
    if contract is None or sku is None or not pool_id or not application_id:
        return None
    if not contract.covers(pool_id, sku.id, ledger.cut_over):
        day = local_day(ledger.cut_over)
        reader.fault(
            row, "contract", f"{contract.number} does not cover {sku.id} in {pool_id} on {day}"
        )
        return None
    tiers, quoted = _price(reader, row, sku, pool_id, contract)
    content = OpeningResource(
        number=values["number"],
        contract_number=values["contract"],
        department_id=department_id,
        application_id=application_id,
        pool_id=pool_id,
        sku_id=sku.id,
        quantity=quantity,
        tiers=tiers,
        quoted=quoted,
        estimate_units=estimate if sku.model is PricingModel.METERED else 0,
        term_ends_on=values["term_ends_on"],
    )
    return Draft(
        OpeningSheet.RUNNING,
        row,
        content,
        provider_id=contract.provider_id,
        department_id=department_id,
        sides=(OpeningSide.PROVIDER, OpeningSide.DEPARTMENT),
    )


def _sold(ledger: Ledger, sku_id: str) -> Sku:
    """The item as of the cut-over; a retired one may go on running."""
    return sku_at(ledger.book.versions, sku_id, ledger.cut_over)


def _price(
    reader: Reader, row: SheetRow, sku: Sku, pool_id: str, contract: Contract
) -> tuple[Tiers, bool]:
    """The agreed price, and whether a quote in force says it already."""
    ledger, text = reader.ledger, row.values["price"]
    nothing: Tiers = ()
    given = reader.cell(row, "price", tiers_of, nothing) if text is not None else ()
    if text is not None and not given:
        return (), False
    if given:
        try:
            ledger.book.check_quote(sku.id, given, ledger.cut_over)
        except CloudmgrError as error:
            reader.fault(row, "price", error.message)
            return (), False
    try:
        present = ledger.book.price_at(sku.id, pool_id, ledger.cut_over)
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
        if not given:
            reader.fault(row, "price", f"{sku.id} has no quote in {pool_id}; write its price")
        return given, False
    if present.contract_id != contract.id:
        reader.fault(row, "contract", f"{present.contract_id} has a quote in force for it already")
    elif given and present.tiers != given:
        reader.fault(row, "price", f"quote {present.quote_id} in force says another price")
    return present.tiers, True


def _quota(reader: Reader, row: SheetRow) -> Draft:
    values = row.values
    scope = values["scope"]
    scope_id = reader.name(row, "scope_of", str(scope))
    content = OpeningQuota(
        scope=scope,
        scope_id=scope_id,
        resource_class=values["resource_class"],
        limit_units=reader.cell(row, "limit", limit_of, 0),
    )
    department_id = None
    if scope is QuotaScope.DEPARTMENT:
        department_id = scope_id
    elif scope is QuotaScope.APPLICATION and scope_id:
        department_id = reader.ledger.applications[scope_id].department_id
    return _of_department(OpeningSheet.QUOTAS, row, content, department_id)


def _budget(reader: Reader, row: SheetRow) -> Draft:
    values = row.values
    year = reader.cell(row, "year", _year, 2000)
    department_id = reader.optional(row, "department")
    content = OpeningBudget(
        payer_id=reader.name(row, "payer"),
        department_id=department_id,
        year=year,
        approved=reader.cell(row, "approved", _positive, amount("1.00")),
        document_number=values["document_number"],
        project_code=values["project_code"] or "",
        fund_source=values["fund_source"] or "",
    )
    return _of_department(OpeningSheet.BUDGETS, row, content, department_id)


def _payment(reader: Reader, row: SheetRow) -> Draft | None:
    values = row.values
    contract = reader.contract(row)
    if values["paid_on"] >= local_day(reader.ledger.cut_over):
        last = local_day(reader.ledger.cut_over - timedelta(days=1))
        reader.fault(row, "paid_on", f"payments so far are those up to {last}")
    content = OpeningPayment(
        contract_number=values["contract"],
        payer_id=reader.name(row, "payer"),
        department_id=reader.optional(row, "department"),
        paid_on=values["paid_on"],
        amount=reader.cell(row, "amount", _positive, amount("1.00")),
        voucher_number=values["voucher_number"],
    )
    if contract is None:
        return None
    return Draft(
        OpeningSheet.PAYMENTS,
        row,
        content,
        provider_id=contract.provider_id,
        department_id=content.department_id,
        sides=(OpeningSide.PROVIDER,),
    )


def _of_department(
    sheet: OpeningSheet, row: SheetRow, content: OpeningContent, department_id: str | None
) -> Draft:
    sides = (OpeningSide.DEPARTMENT,) if department_id else ()
    return Draft(sheet, row, content, department_id=department_id, sides=sides)


def _positive(value: Any) -> Any:
    found = amount(value)
    if found <= 0:
        raise CellError("it is above 0")
    return found


def _year(value: int) -> int:
    if not 2000 <= value <= 2999:
        raise CellError("a fiscal year is 2000 to 2999")
    return value


_READ: Mapping[OpeningSheet, Callable[[Reader, SheetRow], Draft | None]] = {
    OpeningSheet.CONTRACTS: _contract,
    OpeningSheet.RUNNING: _resource,
    OpeningSheet.QUOTAS: _quota,
    OpeningSheet.BUDGETS: _budget,
    OpeningSheet.PAYMENTS: _payment,
}
