"""A year's budgets from finance's workbook: every row approves one budget, all rows or none.

Owns the sheet and what of it is at fault; what an approval does is `budgets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.budget import Budget, BudgetChangeKind, budget_id
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.services.budgets import RecordBudgetChange, record_change
from cloudmgr.services.budgets_tree import line_of_ids
from cloudmgr.services.commands import Command, handles, require_region
from cloudmgr.services.files import file_content
from cloudmgr.services.openings_names import Names
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellError, CellKind, Column
from cloudmgr.sheets.reading import RowFault, SheetRow, read_rows, require_rows
from cloudmgr.sheets.writing import template, write_book

TITLE = "预算指标"
_WHO = "编号、全称、预算单位编码或统一社会信用代码"
COLUMNS = (
    Column(name="payer", title_zh="付款方", note=_WHO, width=28),
    Column(
        name="department",
        title_zh="用云单位",
        required=False,
        note=f"{_WHO};留空为付款方自己的预算",
        width=28,
    ),
    Column(name="year", title_zh="预算年度", kind=CellKind.WHOLE, width=10),
    Column(name="amount", title_zh="批复金额", kind=CellKind.DECIMAL, note="元,两位小数"),
    Column(name="document_number", title_zh="文号", width=28),
    Column(name="project_code", title_zh="项目编码", required=False, width=24),
    Column(name="fund_source", title_zh="资金来源", required=False),
    Column(name="reason", title_zh="说明", required=False, width=40),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBudgets(Command):
    """Approve budgets from an uploaded XLSX or CSV, one in each row: payer, department (empty for
    the payer's own), year, amount, document, and if given project code, fund source and reason."""

    file_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetsImported:
    """The budgets that were approved, those of payers first."""

    budgets: tuple[Budget, ...]


@handles(Role.FINANCE, counties=True)
def import_budgets(
    world: World, command: ImportBudgets, actor: Actor, now: datetime
) -> BudgetsImported:
    """Raises `bad_rows` naming every row and column at fault; then nothing is approved."""
    file, data = file_content(world, command.file_id, actor)
    found = read_rows(data, COLUMNS, name=file.name)
    wanted, faults = _checked(world, found.rows, actor)
    if not found.rows and not found.faults:
        faults.append(RowFault(TITLE, 0, "", "it has no row; fill in the template"))
    require_rows([found], faults)
    # From the top down, so that each finds the one it stands under.
    ordered = sorted(wanted, key=lambda each: (len(_line(world, each)), each.department_id or ""))
    world.lock(*((Budget, id) for each in ordered for id in _line(world, each)))
    return BudgetsImported(budgets=tuple(record_change(world, each, now) for each in ordered))


def budget_template() -> bytes:
    """A workbook to fill in, with one row as an example."""
    example = {
        "payer": "市财政局",
        "department": "市卫生健康委员会",
        "year": 2027,
        "amount": "500000.00",
        "document_number": "示例财预〔2026〕20号",
        "project_code": "示例项目",
        "fund_source": "一般公共预算",
    }
    return write_book(template(TITLE, COLUMNS, example))


def _checked(
    world: World, rows: Sequence[SheetRow], actor: Actor
) -> tuple[list[RecordBudgetChange], list[RowFault]]:
    payers, departments = _names(world)
    wanted: list[RecordBudgetChange] = []
    faults: list[RowFault] = []
    seen: dict[str, int] = {}
    for row in rows:
        reading = _Reading(row, faults)
        payer_id = reading.named("付款方", payers, "payer")
        department_id = reading.named("用云单位", departments, "department")
        year, approved = reading.year(), reading.amount()
        if payer_id and not reading.may(world, actor, payer_id):
            continue
        if payer_id is None or year is None or approved is None or reading.failed:
            continue
        id = budget_id(payer_id, department_id, year)
        present = world.seek(Budget, id)
        if id in seen:
            reading.fault("用云单位", f"row {seen[id]} approves {id} already")
        elif present is not None and present.advance is None:
            reading.fault("用云单位", f"{id} is approved already; record a change of it")
        seen.setdefault(id, row.number)
        wanted.append(
            RecordBudgetChange(
                payer_id=payer_id,
                department_id=department_id,
                year=year,
                kind=BudgetChangeKind.INITIAL,
                amount=approved,
                document_number=row.values["document_number"],
                project_code=row.values["project_code"] or "",
                fund_source=row.values["fund_source"] or "",
                reason=row.values["reason"] or "",
            )
        )
    return wanted, faults


class _Reading:
    """One row's cells as what a budget needs; faults are noted, not raised."""

    def __init__(self, row: SheetRow, faults: list[RowFault]) -> None:
        self._row, self._faults = row, faults
        self.failed = False

    def fault(self, column: str, why: str) -> None:
        self._faults.append(self._row.fault(column, why))
        self.failed = True

    def named(self, column: str, names: Names, field: str) -> str | None:
        text = self._row.values[field]
        if text is None:
            return None
        try:
            return names.find(text)
        except CellError as error:
            self.fault(column, str(error))
            return None

    def year(self) -> int | None:
        year: int | None = self._row.values["year"]
        if year is not None and not 2000 <= year <= 2999:
            self.fault("预算年度", "a fiscal year is 2000 to 2999")
        return year

    def amount(self) -> Decimal | None:
        value: Decimal | None = self._row.values["amount"]
        if value is None:
            return None
        try:
            approved = amount(str(value))
        except CloudmgrError as error:
            self.fault("批复金额", error.message)
            return None
        if approved <= 0:
            self.fault("批复金额", "an approved budget is above 0")
        return approved

    def may(self, world: World, actor: Actor, payer_id: str) -> bool:
        """Whether the payer is the finance office's to decide for; another's is not even known."""
        payer = world.get(Organisation, payer_id)
        try:
            require_region(actor, payer.region_id, "Organisation", payer_id, Role.FINANCE)
        except CloudmgrError:
            self.fault("付款方", f"there is no payer {self._row.values['payer']!r}")
            return False
        return True


def _names(world: World) -> tuple[Names, Names]:
    payers, departments = Names("payer"), Names("department")
    for each in world.find(Organisation):
        called = (each.name_zh, each.name_en, each.budget_unit_code, each.social_credit_code)
        payers.add(each.id, *called)
        if each.kind is OrganisationKind.DEPARTMENT:
            departments.add(each.id, *called)
    return payers, departments


def _line(world: World, command: RecordBudgetChange) -> tuple[str, ...]:
    return line_of_ids(world, command.payer_id, command.department_id, command.year)
