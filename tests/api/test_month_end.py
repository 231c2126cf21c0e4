"""From the end of a month to the treasury's voucher, as finance and the others see it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Lived
from tests.support.api import Api, done, refused
from tests.support.january import GRACE_OVER, move_clock

CLOSE = "periods/2026-01/close"


def yuan(text: str) -> Decimal:
    return Decimal(text)


def total(items: list[dict[str, Any]], field: str) -> Decimal:
    return sum((yuan(item[field]) for item in items), Decimal("0.00"))


# --- the close -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    ["2026-01-31T23:59:59+08:00", "2026-02-01T00:00:00+08:00", "2026-02-04T17:00:00+08:00"],
    ids=["in the month", "as it ends", "in its grace"],
)
def test_a_month_is_not_closed_before_its_grace_is_over(own_city: Api, moment: str) -> None:
    move_clock(own_city, moment)
    problem = refused(own_city.post(CLOSE, "finance.a"), 409, "grace_running")
    assert "2026-02-0" in problem["detail"]
    assert done(own_city.get("periods/2026-01", "finance.a"))["state"] != "closed"
    assert own_city.items("lines", "finance.a") == []


def test_only_the_citys_finance_closes_a_month(own_city: Api) -> None:
    move_clock(own_city, GRACE_OVER)
    for login in ("d01.user", "authority.a", "opco.a", "prov1.a", "finance-xiayi.a"):
        refused(own_city.post(CLOSE, login), 403, "forbidden")
    refused(own_city.post(CLOSE, None), 401, "unauthenticated")
    assert done(own_city.post(CLOSE, "finance.b"))["state"] == "closed"


@pytest.mark.parametrize("month", ["2025-12", "2026-13", "next", "2026-01%2F"])
def test_a_month_that_is_none_is_not_found(city: Api, month: str) -> None:
    refused(city.post(f"periods/{month}/close", "finance.a"), 404, "not_found")


def test_a_closed_month_stays_as_it_is(lived: Lived) -> None:
    before = done(lived.api.get("periods/2026-01", "finance.a"))
    refused(lived.api.post(CLOSE, "finance.a"), 409, "period_closed")
    assert done(lived.api.get("periods/2026-01", "finance.a")) == before


def test_a_later_month_waits_for_the_earlier(own_city: Api) -> None:
    move_clock(own_city, "2026-03-20T10:00:00+08:00")
    problem = refused(own_city.post("periods/2026-02/close", "finance.a"), 409, "period_not_closed")
    assert problem["month"] == "2026-01"


def test_a_close_is_audited_at_its_beginning_and_with_the_digest_of_its_lines(lived: Lived) -> None:
    events = done(lived.api.get("audit-events", "authority.auditadmin", limit=1000))
    digest = done(lived.api.get("periods/2026-01", "finance.a"))["digest"]
    told = [(each["command"], each["subject"]) for each in events if "close_p" in each["command"]]
    assert told == [
        ("begin_close_period", "BillingPeriod/2026-01"),
        ("close_period", f"BillingPeriod/2026-01#{digest}"),
    ]


def test_lines_statements_period_and_journal_say_the_same_money(lived: Lived) -> None:
    lines = [
        each
        for each in lived.api.items("lines", "finance.a", limit=500, month="2026-01")
        if each["statement_id"] is not None
    ]
    statements = lived.api.items("statements", "finance.a", month="2026-01")
    period = done(lived.api.get("periods/2026-01", "finance.a"))
    by_statement: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        by_statement[line["statement_id"]] += yuan(line["amount"])
    assert by_statement == {each["id"]: yuan(each["total"]) for each in statements}
    assert total(statements, "total") == yuan(period["total"]) > 0
    balances = done(lived.api.get("trial-balance", "finance.a"))["accounts"]
    assert total(balances, "balance") == 0
    assert len(balances) > 40


# --- what departments answer ---------------------------------------------------------------


def test_a_confirmed_statement_names_who_confirmed_and_a_silent_one_is_deemed(lived: Lived) -> None:
    confirmed = done(lived.api.get(f"statements/{lived.january.confirmed_statement}", "d01.user"))
    assert (confirmed["confirmed_by"], confirmed["deemed"]) == ("d01.user", False)
    silent = done(lived.api.get("statements/ST-2026-01/d03", "d03.user"))
    assert (silent["confirmed_by"], silent["deemed"]) == (None, True)


def test_an_answered_objection_gives_a_credit_note_that_the_department_reads(lived: Lived) -> None:
    statement = done(lived.api.get(f"statements/{lived.january.credited_statement}", "d02.user"))
    notes = lived.api.items("credit-notes", "d02.user")
    assert [note["id"] for note in notes] == [statement["credit_note_id"]]
    assert (notes[0]["total"], notes[0]["month"]) == ("1.00", "2026-02")
    adjustments = lived.api.items("lines", "d02.user", month="2026-02")
    assert [line["amount"] for line in adjustments] == ["-1.00"]


def test_nobody_objects_to_a_line_of_another_statement(own_city: Api) -> None:
    move_clock(own_city, GRACE_OVER)
    done(own_city.post(CLOSE, "finance.a"))
    foreign = own_city.items("lines", "d02.user")[0]["id"]
    objection = {"line_ids": [foreign], "reason": "not ours"}
    answer = own_city.post("statements/ST-2026-01/d01/objection", "d01.lead", objection)
    refused(answer, 422, "bad_value")
    confirmed = own_city.post("statements/ST-2026-01%2Fd01/confirmation", "d01.lead")
    assert done(confirmed)["state"] == "confirmed"


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("statements/{}/confirmation", "d03.user"),
        ("settlements/{}/confirmation", "prov1.a"),
        ("settlements/{}/payment-request", "finance.a"),
    ],
)
def test_a_command_about_a_paper_finds_it_with_its_slashes_plain_or_encoded(
    lived: Lived, path: str, login: str
) -> None:
    paper = "ST-2026-01/d03"
    if path.startswith("settlements"):
        paper = lived.api.items("settlements", "prov1.a", state="paid")[0]["id"]
    assert "/" in paper
    plain = refused(lived.api.post(path.format(paper), login), 409, "illegal_transition")
    encoded = lived.api.post(path.format(quote(paper, safe="")), login)
    assert encoded.json() == plain
    assert paper in plain["detail"]


# --- scores and settlements ----------------------------------------------------------------


def test_nothing_is_scored_or_settled_before_its_time(own_city: Api) -> None:
    score, draft = "assessment-cycles/2026-01/scores", "settlement-cycles/2026-01/drafts"
    move_clock(own_city, GRACE_OVER)
    unclosed = refused(own_city.post(score, "authority.a"), 409, "cycle_not_closed")
    assert "2026-01" in unclosed["detail"]
    refused(own_city.post(draft, "finance.a"), 409, "period_not_closed")
    done(own_city.post(CLOSE, "finance.a"))
    done(own_city.post(score, "authority.a"))
    assert done(own_city.post(draft, "finance.a")) == [], "no statement is confirmed yet"
    done(own_city.post("statements/ST-2026-01/d01/confirmation", "d01.user"))
    unpublished = refused(own_city.post(draft, "finance.a"), 409, "assessment_not_final")
    assert unpublished["cycle"] == "2026-01"
    assert own_city.items("settlements", "finance.a") == []


@pytest.mark.parametrize("cycle", ["2026-1", "2026-13", "first", "２０２６-01"])
def test_a_cycle_is_named_by_its_first_month(city: Api, cycle: str) -> None:
    refused(city.post(f"assessment-cycles/{cycle}/scores", "authority.a"), 422, "bad_period")


def test_every_settlement_is_made_of_a_final_score(lived: Lived) -> None:
    scores = {
        each["id"]: each for each in lived.api.items("assessments", "finance.a", state="final")
    }
    settlements = lived.api.items("settlements", "finance.a")
    assert {each["id"] for each in settlements} == set(lived.january.settlements)
    for each in settlements:
        assert each["score"] == scores[each["assessment_id"]]["score"]
        assert yuan(each["payable"]) <= yuan(each["gross"])


def test_a_paid_settlement_has_its_invoice_and_its_payment(lived: Lived) -> None:
    paid = lived.api.items("settlements", "prov1.a", state="paid")
    assert len(paid) == 1
    invoices = lived.api.items("tax-invoices", "prov1.b", settlement_id=paid[0]["id"])
    payments = lived.api.items("payments", "prov1.b", settlement_id=paid[0]["id"])
    assert [each["total"] for each in invoices] == [paid[0]["payable"]]
    assert [each["amount"] for each in payments] == [paid[0]["payable"]] == [paid[0]["paid"]]


def test_who_confirmed_for_the_payer_does_not_review(own_city: Api) -> None:
    settlement = _settled(own_city)
    path = f"settlements/{settlement}"
    done(own_city.post(f"{path}/confirmation", "prov1.a"))
    done(own_city.post(f"{path}/confirmation", "finance.a"))
    refused(own_city.post(f"{path}/review", "finance.a"), 403, "same_person")
    refused(own_city.post(f"{path}/payment-request", "finance.a"), 409, "illegal_transition")
    assert done(own_city.post(f"{path}/review", "finance.b"))["reviewed_by"] == "finance.b"
    invoice = {"number": "1", "issued_on": "2026-03-20", "tax_rate": "0", "net": "1.00",
               "tax": "0.00", "total": "1.00"}  # fmt: skip
    refused(own_city.post(f"{path}/invoice", "prov1.a", invoice), 409, "invoice_mismatch")


def _settled(api: Api) -> str:
    """A drafted settlement of the city with prov1, all else deemed by time."""
    move_clock(api, GRACE_OVER)
    done(api.post(CLOSE, "finance.a"))
    done(api.post("assessment-cycles/2026-01/scores", "authority.a"))
    for each in api.items("assessments", "authority.a"):
        done(api.post(f"assessments/{each['id']}/publication", "authority.a"))
    move_clock(api, "2026-03-20T10:00:00+08:00")
    drafted = done(api.post("settlement-cycles/2026-01/drafts", "finance.a"))
    return str(
        next(
            each["id"]
            for each in drafted
            if (each["payer_id"], each["provider_id"]) == ("finance", "prov1")
        )
    )
