"""Going live: a workbook is good as a whole or not taken, both sides speak, and at the cut-over all
that was confirmed stands in the books, with every counter right and nothing billed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog.money import amount
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.openings import (
    Opening,
    OpeningLine,
    OpeningLineState,
    OpeningSheet,
    OpeningSide,
    OpeningState,
)
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote
from cloudmgr.services.openings import CellEdit, EditOpeningLine
from cloudmgr.services.openings_answers import (
    ConfirmOpeningLine,
    ConfirmOpeningLines,
    ObjectOpeningLine,
)
from cloudmgr.services.openings_signing import DropOpening, SignOpening
from cloudmgr.services.reading import page
from tests.support.assessments import at
from tests.support.openings import (
    FEBRUARY,
    UPLOADER,
    a_book,
    a_budget_row,
    a_contract_row,
    a_payment_row,
    a_quota_row,
    a_resource_row,
    a_whole_book,
    confirmed,
    imported,
    importing,
    line_of,
    replaced,
    signed,
)
from tests.support.worlds import Town, a_town

S = OpeningSheet
L = OpeningLineState


@pytest.fixture
def town() -> Town:
    return a_town()


def faults(town: Town, data: bytes) -> list[tuple[str, int, str]]:
    """Sheet, row and column of everything that is wrong with a workbook."""
    refusal = town.refusal(importing(town, data), UPLOADER)
    assert refusal.code == "bad_rows"
    assert town.all(Opening) == ()
    assert town.all(OpeningLine) == ()
    return [(each["sheet"], each["row"], each["column"]) for each in refusal.details["faults"]]


# --- rows -----------------------------------------------------------------------------------


def test_a_good_workbook_waits_for_both_sides_of_every_line(town: Town) -> None:
    opening = imported(town, a_whole_book())
    assert opening.state is OpeningState.CONFIRMING
    sides = {
        (each.sheet, each.row): each.sides for each in town.all(OpeningLine, opening_id=opening.id)
    }
    both = (OpeningSide.PROVIDER, OpeningSide.DEPARTMENT)
    assert sides == {
        (S.CONTRACTS, 2): (OpeningSide.PROVIDER,),
        (S.RUNNING, 2): both,
        (S.RUNNING, 3): both,
        (S.QUOTAS, 2): (OpeningSide.DEPARTMENT,),
        (S.BUDGETS, 2): (OpeningSide.DEPARTMENT,),
        (S.PAYMENTS, 2): (OpeningSide.PROVIDER,),
        (S.PAYMENTS, 3): (OpeningSide.PROVIDER,),
    }
    assert town.all(Allocation) == ()


def test_every_fault_of_a_workbook_is_named_by_sheet_row_and_column(town: Town) -> None:
    broken = a_book(
        contracts=(
            a_contract_row(),
            a_contract_row(number="OLD-2", pools=("kunpeng",)),
            a_contract_row(number="OLD-3", total="a lot"),
        ),
        running=(
            a_resource_row(),
            a_resource_row(number="VM-2", department="nobody"),
            a_resource_row(number="VM-3", application="transport-app"),
            a_resource_row(number="VM-4", sku="gold"),
            a_resource_row(number="VM-5", sku="vm", price="1000.01"),
            a_resource_row(number="VM-6", quantity=49),
            a_resource_row(number="VM-7", pool="cellar"),
            a_resource_row(number="VM-8", contract="none"),
            a_resource_row(number="VM-1"),
            a_resource_row(number="VM-10", sku="traffic", price="0.50"),
            a_resource_row(number="VM-11", quantity="2.5"),
            a_resource_row(number="VM-12", contract="test contract-kunpeng"),
        ),
        quotas=(
            a_quota_row(limit="many"),
            a_quota_row(scope_of="nobody"),
            a_quota_row(limit="999"),
        ),
        budgets=(a_budget_row(year=2026), a_budget_row(department="county", year=3026)),
        payments=(
            a_payment_row(paid_on=date(2026, 2, 1)),
            a_payment_row(voucher_number="V-2", amount="-1"),
            a_payment_row(voucher_number="V-3", amount="99999999.00"),
        ),
    )  # fmt: skip
    assert faults(town, broken) == [
        ("合同", 3, "资源池"),
        ("合同", 4, "合同总额"),
        ("在用资源", 3, "用云单位"),
        ("在用资源", 4, "业务系统"),
        ("在用资源", 5, "计费项"),
        ("在用资源", 6, "协议单价"),
        ("在用资源", 7, "数量"),
        ("在用资源", 8, "资源池"),
        ("在用资源", 9, "合同编号"),
        ("在用资源", 10, ""),
        ("在用资源", 11, "预计月用量"),
        ("在用资源", 12, "数量"),
        ("在用资源", 13, "合同编号"),
        ("配额", 2, "上限"),
        ("配额", 3, "对象"),
        ("配额", 4, ""),
        ("配额", 4, "上限"),
        ("预算", 2, "付款方"),
        ("预算", 3, "年度"),
        ("预算", 3, "用云单位"),
        ("已付款", 2, "付款日期"),
        ("已付款", 3, "金额"),
        ("已付款", 4, "金额"),
    ]


def test_a_contract_row_with_faults_does_not_fault_the_rows_that_name_it(town: Town) -> None:
    data = a_book(
        contracts=(a_contract_row(payee="health"),),
        payments=(a_payment_row(contract="OLD-1"),),
    )
    assert faults(town, data) == [("合同", 2, "收款方")]


def test_names_and_codes_stand_for_ids_unless_two_share_one(town: Town) -> None:
    for application in town.all(Application):
        town.change(application, name_zh=f"{application.id} system")
    named = a_book(running=(a_resource_row(application="health-app system"),))
    other = town.twin()
    twin = replace(other.look(Application, "health-app"), id="health-two", code="A-2", version=0)
    with other.transaction() as world:
        world.put(twin)
    assert faults(other, named) == [("在用资源", 2, "业务系统")]
    resource = line_of(town, imported(town, named), S.RUNNING).resource
    assert resource is not None
    assert resource.application_id == "health-app"


def test_one_item_has_one_price_in_a_pool(town: Town) -> None:
    with town.transaction():
        for quote in town.all(Quote, pool_id="x86", sku_id="vm"):
            del town.records[Quote][quote.id]
    town.indexes.clear()
    rows = (a_resource_row(price="900.00"), a_resource_row(number="VM-2", price="800.00"))
    assert faults(town, a_book(running=rows)) == [("在用资源", 3, "协议单价")]
    assert faults(town, a_book(running=(a_resource_row(price=None),))) == [
        ("在用资源", 2, "协议单价")
    ]


def test_a_price_against_the_quote_in_force_is_a_fault_and_none_given_means_the_quotes(
    town: Town,
) -> None:
    assert faults(town, a_book(running=(a_resource_row(price="899.00"),))) == [
        ("在用资源", 2, "协议单价")
    ]
    opening = imported(town, a_book(running=(a_resource_row(price=None),)))
    resource = line_of(town, opening, S.RUNNING).resource
    assert resource is not None
    assert (resource.tiers[0].unit_price, resource.quoted) == (amount("900.00"), True)


def test_more_than_a_quota_or_a_place_allows_is_a_warning_for_it_runs_already(town: Town) -> None:
    town.change(town.look(Quota, "health/VCPU"), limit_units=3)
    town.change(town.look(Application, "health-app"), mlps_level=4)
    opening = imported(town, a_book(running=(a_resource_row(term_ends_on=date(2026, 1, 1)),)))
    assert set(line_of(town, opening, S.RUNNING).warnings) >= {
        "quota_exceeded health/VCPU", "placement_mlps", "past_its_term",
    }  # fmt: skip


def test_what_is_in_the_books_is_not_brought_in_again(town: Town) -> None:
    opening = imported(town, a_book(running=(a_resource_row(),)))
    confirmed(town, opening)
    signed(town, opening)
    town.wait(FEBRUARY)
    again = importing(town, a_book(running=(a_resource_row(),)))
    refusal = town.refusal(again, UPLOADER)
    assert [(each["row"], each["column"]) for each in refusal.details["faults"]] == [
        (2, "资源编号")
    ]


@pytest.mark.parametrize("cut_over", [at("01-04 00:00"), at("02-01 00:01"), at("01-05 09:00")])
def test_a_cut_over_is_todays_midnight_or_one_to_come(town: Town, cut_over: Any) -> None:
    command = importing(town, a_whole_book(), cut_over=cut_over)
    assert town.code(command, UPLOADER) == "bad_value"


def test_a_sheet_nobody_asked_for_and_a_file_that_is_no_workbook_are_refused(town: Town) -> None:
    from cloudmgr.services.openings_sheets import COLUMNS
    from cloudmgr.sheets.writing import Sheet, write_book

    other = write_book([Sheet("资源", COLUMNS[S.RUNNING], [a_resource_row()])])
    assert town.code(importing(town, other), UPLOADER) == "bad_file"
    assert town.code(importing(town, a_book()), UPLOADER) == "bad_file"


# --- answers --------------------------------------------------------------------------------


def test_a_line_is_confirmed_by_its_provider_and_its_department(town: Town) -> None:
    opening = imported(town, a_whole_book())
    line = line_of(town, opening, S.RUNNING)
    command = ConfirmOpeningLine(line_id=line.id)
    assert town.code(command, "rival.engineer") == "not_found"
    assert town.code(command, "transport.user") == "not_found"
    assert town.code(command, "desk.a") == "forbidden"
    assert town.give(command, "prv.engineer").state is L.WAITING
    assert town.give(command, "health.lead").state is L.CONFIRMED


def test_an_objection_keeps_the_line_out_until_it_is_taken_back(town: Town) -> None:
    opening = imported(town, a_whole_book())
    line = line_of(town, opening, S.RUNNING)
    empty = ObjectOpeningLine(line_id=line.id, reason=" ")
    assert town.code(empty, "health.user") == "bad_value"
    objection = ObjectOpeningLine(line_id=line.id, reason="it was switched off")
    assert town.give(objection, "health.user").state is L.OBJECTED
    assert town.give(ConfirmOpeningLine(line_id=line.id), "prv.engineer").state is L.OBJECTED
    assert town.give(ConfirmOpeningLine(line_id=line.id), "health.user").state is L.CONFIRMED


def test_all_lines_are_confirmed_at_once_but_for_those_objected_to(town: Town) -> None:
    opening = imported(town, a_whole_book())
    line = line_of(town, opening, S.RUNNING)
    town.give(ObjectOpeningLine(line_id=line.id, reason="gone"), "health.user")
    one_sheet = ConfirmOpeningLines(opening_id=opening.id, sheet=S.BUDGETS)
    assert town.give(one_sheet, "health.user").lines == 1
    assert town.give(ConfirmOpeningLines(opening_id=opening.id), "health.user").lines == 2
    assert town.look(OpeningLine, line.id).state is L.OBJECTED


def test_silence_counts_as_consent_after_its_days_and_is_marked_so(town: Town) -> None:
    opening = imported(town, a_whole_book())
    town.give(ConfirmOpeningLines(opening_id=opening.id), "health.user")
    town.wait("01-13 00:00")
    lines = town.all(OpeningLine, opening_id=opening.id)
    assert {line.state for line in lines} == {L.CONFIRMED}
    deemed = {(each.side, each.deemed) for line in lines for each in line.answers}
    assert deemed == {(OpeningSide.PROVIDER, True), (OpeningSide.DEPARTMENT, False)}
    reminders = [each for each in town.messages if each.topic == "opening_reminder"]
    assert [each.payload["organisation_ids"] for each in reminders] == [["prv"], ["prv"]]


def test_a_line_is_read_by_its_two_sides_and_the_city_only(town: Town) -> None:
    opening = imported(town, a_whole_book())
    with town.reading() as world:

        def seen(login: str) -> int:
            return len(page(world, town.actor(login), OpeningLine, opening_id=opening.id).items)

        assert [seen(each) for each in ("bureau.a", "prv.engineer", "health.user")] == [7, 5, 6]
        assert [seen(each) for each in ("rival.engineer", "transport.user")] == [0, 0]


# --- correcting -----------------------------------------------------------------------------


def test_a_new_upload_keeps_what_was_said_of_rows_that_did_not_change(town: Town) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    rows = (a_resource_row(), a_resource_row(number="VM-2", quantity=3))
    again = replaced(town, opening, a_book(running=rows))
    assert again.round == 2
    now = [each for each in town.all(OpeningLine, opening_id=opening.id) if each.round == 2]
    assert [(each.row, each.state) for each in now] == [(2, L.CONFIRMED), (3, L.WAITING)]
    before = [each for each in town.all(OpeningLine, opening_id=opening.id) if each.round == 1]
    assert {each.state for each in before} == {L.REPLACED}


def test_a_cell_is_corrected_and_both_sides_speak_anew(town: Town) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    line = line_of(town, opening, S.RUNNING)
    edit = EditOpeningLine(line_id=line.id, cells=(CellEdit("数量", "3"),))
    assert town.code(edit, "prv.engineer") == "forbidden"
    edited = town.give(edit, UPLOADER)
    assert (edited.resource.quantity, edited.state, edited.answers) == (3, L.WAITING, ())
    bad = EditOpeningLine(line_id=line.id, cells=(CellEdit("quantity", "400"),))
    refusal = town.refusal(bad, UPLOADER)
    assert [(each["row"], each["column"]) for each in refusal.details["faults"]] == [(2, "数量")]
    unknown = EditOpeningLine(line_id=line.id, cells=(CellEdit("colour", "red"),))
    assert town.code(unknown, UPLOADER) == "bad_value"


def test_a_change_after_the_signatures_voids_them(town: Town) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    assert signed(town, opening).state is OpeningState.SIGNED
    again = replaced(town, opening, a_whole_book())
    assert (again.state, again.authority_signed_by) == (OpeningState.CONFIRMING, None)
    town.wait(FEBRUARY)
    assert town.all(Allocation) == ()


# --- signing --------------------------------------------------------------------------------


def test_an_opening_is_signed_by_the_authority_and_finance_once_everybody_has_spoken(
    town: Town,
) -> None:
    opening = imported(town, a_whole_book())
    sign = SignOpening(opening_id=opening.id)
    refusal = town.refusal(sign, "bureau.a")
    assert (refusal.code, "health, prv" in refusal.message) == ("not_confirmed", True)
    confirmed(town, opening)
    assert town.code(sign, "prv.engineer") == "forbidden"
    assert town.give(sign, "bureau.a").state is OpeningState.CONFIRMING
    assert town.give(sign, "treasury.a").state is OpeningState.SIGNED
    assert town.code(sign, "treasury.a") == "illegal_transition"


def test_an_opening_cannot_be_signed_after_its_day(town: Town) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    town.wait("02-02 00:00")
    assert town.code(SignOpening(opening_id=opening.id), "bureau.a") == "cut_over_passed"


def test_a_dropped_opening_leaves_nothing(town: Town) -> None:
    opening = imported(town, a_whole_book())
    town.give(DropOpening(opening_id=opening.id), "bureau.a")
    assert town.code(SignOpening(opening_id=opening.id), "bureau.a") == "illegal_transition"
    town.wait(FEBRUARY)
    assert town.all(Allocation) == ()
