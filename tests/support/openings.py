"""Workbooks of an opening, row by row, and how one is lived through in a small city.

`a_book` writes the rows given; each builder gives a good row of the town of `tests.support.worlds`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from catalog.period import midnight
from cloudmgr.domain.openings import Opening, OpeningLine, OpeningSheet
from cloudmgr.services.files import UploadFile
from cloudmgr.services.openings import ImportOpening, ReplaceOpening
from cloudmgr.services.openings_answers import ConfirmOpeningLines
from cloudmgr.services.openings_sheets import book
from cloudmgr.services.openings_signing import SignOpening
from tests.support.worlds import Town

Row = dict[str, Any]
FEBRUARY = midnight(date(2026, 2, 1))
UPLOADER = "desk.a"


def a_contract_row(**changed: Any) -> Row:
    return {
        "number": "OLD-1",
        "name": "The old cloud",
        "provider": "prv",
        "payee": "prv",
        "procurement_method": "open tender",
        "signatories": ("city", "prv"),
        "starts_on": date(2025, 7, 1),
        "ends_on": date(2027, 6, 30),
        "total": "500000.00",
        "price_link": "固定",
        "billing_start": "交付",
        "pools": ("x86",),
        "skus": (),
    } | changed


def a_resource_row(**changed: Any) -> Row:
    return {
        "number": "VM-1",
        "contract": "test contract-x86",
        "department": "health",
        "application": "health-app",
        "pool": "x86",
        "sku": "vm",
        "quantity": 2,
        "price": "900.00",
        "estimate_units": None,
        "term_ends_on": date(2026, 12, 31),
    } | changed


def a_quota_row(**changed: Any) -> Row:
    return {
        "scope": "系统",
        "scope_of": "health-app",
        "resource_class": "VCPU",
        "limit": "20",
    } | changed


def a_budget_row(**changed: Any) -> Row:
    return {
        "payer": "treasury",
        "department": "health",
        "year": 2027,
        "approved": "1000.00",
        "document_number": "B-1",
        "project_code": "P-1",
        "fund_source": "general",
    } | changed


def a_payment_row(**changed: Any) -> Row:
    return {
        "contract": "test contract-x86",
        "payer": "treasury",
        "department": "health",
        "paid_on": date(2026, 1, 20),
        "amount": "1200.00",
        "voucher_number": "V-1",
    } | changed


def a_book(
    *,
    contracts: tuple[Row, ...] = (),
    running: tuple[Row, ...] = (),
    quotas: tuple[Row, ...] = (),
    budgets: tuple[Row, ...] = (),
    payments: tuple[Row, ...] = (),
) -> bytes:
    return book(
        {
            OpeningSheet.CONTRACTS: contracts,
            OpeningSheet.RUNNING: running,
            OpeningSheet.QUOTAS: quotas,
            OpeningSheet.BUDGETS: budgets,
            OpeningSheet.PAYMENTS: payments,
        }
    )


def a_whole_book() -> bytes:
    """Every sheet with good rows; the county's department and the kunpeng pool stay out of it."""
    return a_book(
        contracts=(a_contract_row(),),
        running=(
            a_resource_row(),
            a_resource_row(number="VM-2", sku="vm-large", price="1700.00", quantity=1),
        ),
        quotas=(a_quota_row(),),
        budgets=(a_budget_row(),),
        payments=(a_payment_row(), a_payment_row(contract="OLD-1", voucher_number="V-2")),
    )


def sent(town: Town, data: bytes, by: str = UPLOADER) -> str:
    """A workbook as a stored file; returns its id."""
    return str(town.give(UploadFile(name="opening.xlsx", data=data), by).id)


def importing(town: Town, data: bytes, *, cut_over: datetime = FEBRUARY) -> ImportOpening:
    return ImportOpening(title="a test", cut_over=cut_over, file_id=sent(town, data))


def imported(town: Town, data: bytes, **how: Any) -> Opening:
    opening: Opening = town.give(importing(town, data, **how), UPLOADER)
    return opening


def replaced(town: Town, opening: Opening, data: bytes) -> Opening:
    command = ReplaceOpening(opening_id=opening.id, file_id=sent(town, data))
    answer: Opening = town.give(command, UPLOADER)
    return answer


def confirmed(town: Town, opening: Opening, *logins: str) -> None:
    for login in logins or ("prv.engineer", "health.user"):
        town.give(ConfirmOpeningLines(opening_id=opening.id), login)


def signed(town: Town, opening: Opening) -> Opening:
    town.give(SignOpening(opening_id=opening.id), "bureau.a")
    answer: Opening = town.give(SignOpening(opening_id=opening.id), "treasury.a")
    return answer


def line_of(town: Town, opening: Opening, sheet: OpeningSheet, row: int = 2) -> OpeningLine:
    """The line of a row as the spreadsheet numbers it: 2 is the first under the header."""
    lines = town.all(OpeningLine, opening_id=opening.id, sheet=sheet)
    return next(line for line in reversed(lines) if line.row == row)
