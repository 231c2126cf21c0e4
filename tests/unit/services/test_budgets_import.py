"""A year's budgets from a workbook: all rows or none, each fault by its row and column."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.budget import Budget, BudgetChange
from cloudmgr.services.budgets_import import COLUMNS, TITLE, ImportBudgets, budget_template
from cloudmgr.services.files import UploadFile
from cloudmgr.sheets.reading import read_rows
from cloudmgr.sheets.writing import Sheet, write_book
from tests.support.money import at
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def row(payer: str = "treasury", department: str = "health", **changed: Any) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "payer": payer,
        "department": department,
        "year": 2027,
        "amount": "1200.50",
        "document_number": "test 2027",
        "project_code": "P-1",
        "fund_source": "general",
    }
    return cells | changed


def sent(town: Town, *rows: dict[str, Any], by: str = "treasury.a") -> ImportBudgets:
    data = write_book([Sheet(TITLE, COLUMNS, rows)])
    file = town.give(UploadFile(name="budgets.xlsx", data=data), by)
    return ImportBudgets(file_id=file.id)


def faults(town: Town, *rows: dict[str, Any], by: str = "treasury.a") -> list[tuple[int, str]]:
    refusal = town.refusal(sent(town, *rows, by=by), by)
    assert refusal.code == "bad_rows"
    told: Any = refusal.details["faults"]
    return [(each["row"], each["column"]) for each in told]


def test_each_row_approves_a_budget_with_its_document(town: Town) -> None:
    done = town.give(sent(town, row(), row(department="")), "treasury.a")
    assert [each.id for each in done.budgets] == ["treasury/-/2027", "treasury/health/2027"]
    own = town.look(Budget, "treasury/health/2027")
    assert (str(own.approved), own.parent_id) == ("1200.50", "treasury/-/2027")
    assert (own.document_number, own.project_code, own.fund_source) == (
        "test 2027",
        "P-1",
        "general",
    )
    assert len(town.all(BudgetChange)) == 2


def test_every_fault_is_told_at_once_and_nothing_is_imported(town: Town) -> None:
    told = faults(
        town,
        row(),
        row(payer="nobody"),
        row(department="nobody"),
        row(year=1999),
        row(amount="0.00"),
        row(amount="1.005"),
        row(year=2026),
        row(),
    )
    assert told == [
        (3, "付款方"),
        (4, "用云单位"),
        (5, "预算年度"),
        (6, "批复金额"),
        (7, "批复金额"),
        (8, "用云单位"),
        (9, "用云单位"),
    ]
    assert not town.all(Budget, year=2027)


def test_a_sheet_without_rows_is_refused(town: Town) -> None:
    assert faults(town) == [(0, "")]


def test_an_advance_is_replaced_by_what_is_imported(town: Town) -> None:
    from cloudmgr.services.fiscal_years import announce_turn

    with town.transaction() as world:
        announce_turn(world, 2027)
    town.wait(at("2027-01-05"))
    assert town.look(Budget, "treasury/health/2027").advance is not None
    town.give(sent(town, row()), "treasury.a")
    assert town.look(Budget, "treasury/health/2027").advance is None


def test_a_countys_finance_imports_its_own_and_does_not_learn_of_others(town: Town) -> None:
    mine = row("county-treasury", "county-health")
    assert faults(town, mine, row(), by="county-treasury.a") == [(3, "付款方")]
    assert town.give(sent(town, mine, by="county-treasury.a"), "county-treasury.a")


def test_only_finance_imports(town: Town) -> None:
    for person in ("health.lead", "bureau.a", "centre.a"):
        assert town.code(ImportBudgets(file_id="FILE-1"), person) == "forbidden"
    with pytest.raises(CloudmgrError, match="not_found"):
        town.give(ImportBudgets(file_id="FILE-1"), "treasury.a")


def test_the_template_has_the_columns_of_an_import() -> None:
    found = read_rows(budget_template(), COLUMNS)
    assert not found.faults
    assert len(found.rows) == 1
