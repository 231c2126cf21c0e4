"""The cut-over: all that was confirmed stands in the books with every counter right, nothing before
it is billed, and one that cannot happen leaves nothing behind."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from catalog.money import amount
from catalog.period import Month, midnight
from catalog.quantity import ResourceClass
from cloudmgr.domain.allocations import Allocation, AllocationState, SegmentMode
from cloudmgr.domain.billing import BillingPeriod
from cloudmgr.domain.budget import Budget, budget_id
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.openings import (
    Opening,
    OpeningLine,
    OpeningLineState,
    OpeningSheet,
    OpeningState,
)
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.services import openings_live
from cloudmgr.services.openings_answers import (
    ObjectOpeningLine,
)
from cloudmgr.services.rating import preview
from tests.support.assessments import at
from tests.support.openings import (
    FEBRUARY,
    a_book,
    a_payment_row,
    a_resource_row,
    a_whole_book,
    confirmed,
    imported,
    line_of,
    replaced,
    signed,
)
from tests.support.requests import check_conserved
from tests.support.worlds import Town, a_town

S = OpeningSheet
L = OpeningLineState


@pytest.fixture
def town() -> Town:
    return a_town()


def live(town: Town, data: bytes) -> Opening:
    opening = imported(town, data)
    confirmed(town, opening)
    signed(town, opening)
    town.wait(FEBRUARY)
    found: Opening = town.look(Opening, opening.id)
    return found


def test_at_the_cut_over_what_was_confirmed_stands_in_the_books(town: Town) -> None:
    before = town.look(Inventory, "x86/VCPU").allocated
    opening = live(town, a_whole_book())
    assert (opening.state, opening.live_at) == (OpeningState.LIVE, FEBRUARY)
    first, second = town.all(Allocation)
    assert (first.provider_resource_id, first.state) == ("VM-1", AllocationState.ACTIVE)
    assert [(each.start, each.mode) for each in first.segments] == [(FEBRUARY, SegmentMode.CHARGED)]
    assert first.term_end == midnight(date(2027, 1, 1))
    assert second.sku_id == "vm-large"
    assert town.look(Inventory, "x86/VCPU").allocated == before + 8
    assert town.look(Quota, "health/VCPU").allocated == 8
    assert town.look(Quota, "health-app/VCPU").limit_units == 20
    (contract,) = town.all(Contract, number="OLD-1")
    assert contract.ends_at == midnight(date(2027, 7, 1))
    assert (contract.settled, contract.opening_paid) == (amount("1200.00"), amount("1200.00"))
    next_year = town.look(Budget, budget_id("treasury", "health", 2027))
    assert (next_year.approved, next_year.project_code) == (amount("1000.00"), "P-1")
    lines = town.all(OpeningLine, opening_id=opening.id)
    assert {each.state for each in lines} == {L.LIVE}
    assert line_of(town, opening, S.RUNNING).record_id == first.id
    assert town.look(BillingPeriod, "2026-02")
    check_conserved(town)


def test_what_was_paid_so_far_counts_on_the_budgets_of_its_year(town: Town) -> None:
    ids = (budget_id("treasury", "health", 2026), budget_id("treasury", None, 2026))
    before = [town.look(Budget, id) for id in ids]
    old = a_payment_row(voucher_number="V-9", paid_on=date(2025, 12, 30))
    live(town, a_book(payments=(a_payment_row(), old)))
    after = [town.look(Budget, id) for id in ids]
    assert [b.paid - a.paid for a, b in zip(before, after, strict=True)] == [amount("1200.00")] * 2
    assert [b.due - a.due for a, b in zip(before, after, strict=True)] == [amount("1200.00")] * 2
    assert town.look(Contract, "contract-x86").settled == amount("2400.00")


def test_nothing_before_the_cut_over_is_billed(town: Town) -> None:
    live(town, a_book(running=(a_resource_row(),)))
    with town.reading() as world:
        assert preview(world, Month(2026, 1), "health") == ()
        (line,) = preview(world, Month(2026, 2), "health")
    assert line.amount == amount("1800.00")


def test_a_price_no_quote_says_becomes_a_quote_in_force(town: Town) -> None:
    town.change(town.look(Quote, "quote-x86-vm-large"), effective_to=at("01-20 00:00"))
    opening = live(town, a_whole_book())
    assert opening.state is OpeningState.LIVE
    made = [each for each in town.all(Quote, sku_id="vm-large") if each.source_kind == "opening"]
    assert [(each.effective_from, each.state) for each in made] == [(FEBRUARY, QuoteState.IN_FORCE)]


def test_lines_objected_to_stay_out_and_so_does_what_stands_under_such_a_contract(
    town: Town,
) -> None:
    opening = imported(town, a_whole_book())
    wrong = (line_of(town, opening, S.CONTRACTS), line_of(town, opening, S.RUNNING, 3))
    for line in wrong:
        town.give(ObjectOpeningLine(line_id=line.id, reason="not so"), "prv.engineer")
    confirmed(town, opening)
    signed(town, opening)
    town.wait(FEBRUARY)
    left = {
        (each.sheet, each.row): each.left_out_because
        for each in town.all(OpeningLine, opening_id=opening.id, state=L.LEFT_OUT)
    }
    assert left == {
        (S.CONTRACTS, 2): "not confirmed by both sides",
        (S.RUNNING, 3): "not confirmed by both sides",
        (S.PAYMENTS, 3): "contract OLD-1 is left out",
    }
    assert [each.provider_resource_id for each in town.all(Allocation)] == ["VM-1"]
    check_conserved(town)


def test_an_opening_for_today_is_live_with_the_second_signature(town: Town) -> None:
    today = at("01-05 00:00")
    opening = imported(town, a_book(running=(a_resource_row(),)), cut_over=today)
    confirmed(town, opening)
    assert signed(town, opening).state is OpeningState.LIVE
    (allocation,) = town.all(Allocation)
    assert allocation.delivered_at == today
    check_conserved(town)


def test_a_cut_over_that_cannot_happen_puts_nothing_and_tells_why(town: Town) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    signed(town, opening)
    town.change(town.look(Inventory, "x86/VCPU"), total=6)
    before = town.snapshot()
    town.wait(FEBRUARY)
    blocked = town.look(Opening, opening.id)
    assert blocked.state is OpeningState.BLOCKED
    assert [(each.row, each.column) for each in blocked.faults] == [(3, "数量")]
    after = town.snapshot()
    for kind in (Allocation, Contract, Quota, Budget, Inventory, OpeningLine):
        assert after.get(kind) == before.get(kind), kind
    town.change(town.look(Inventory, "x86/VCPU"), total=100)
    town.now = FEBRUARY
    again = replaced(town, blocked, a_whole_book())
    assert signed(town, again).state is OpeningState.LIVE


def test_a_failure_in_the_middle_of_the_cut_over_leaves_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = imported(town, a_whole_book())
    confirmed(town, opening)
    signed(town, opening)
    before = town.snapshot()

    def fail(*_: Any) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(openings_live, "_put_payments", fail)
        with pytest.raises(RuntimeError):
            town.wait(FEBRUARY)
    assert town.snapshot() == before
    town.wait(FEBRUARY)
    assert town.look(Opening, opening.id).state is OpeningState.LIVE
    check_conserved(town)


def test_five_thousand_resources_go_live_in_seconds(town: Town) -> None:
    for each in town.all(Inventory, pool_id="x86"):
        town.change(each, total=10**9)
    for quota in town.all(Quota):
        town.change(quota, limit_units=-1)
    rows = tuple(a_resource_row(number=f"VM-{n}", quantity=1 + n % 7) for n in range(5000))
    begun = time.perf_counter()
    opening = live(town, a_book(running=rows))
    assert opening.state is OpeningState.LIVE
    assert len(town.all(Allocation)) == 5000
    assert town.look(Inventory, f"x86/{ResourceClass.VCPU}").allocated == sum(
        2 * (1 + n % 7) for n in range(5000)
    )
    check_conserved(town)
    assert time.perf_counter() - begun < 60
