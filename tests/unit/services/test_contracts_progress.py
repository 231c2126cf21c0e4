"""Nothing is quoted, ordered, delivered or confirmed outside a contract in force; how far one is
used up is told by the price function, and people are warned."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from catalog.money import amount
from catalog.period import local_day, midnight
from catalog.tiers import flat
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.contracts import (
    BillingStart,
    Contract,
    PriceLink,
)
from cloudmgr.domain.contracts_progress import WarningKind
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import RequestKind, RequestState
from cloudmgr.services.contracts import RegisterContract
from cloudmgr.services.contracts_amendments import AmendContract, TerminateContract
from cloudmgr.services.contracts_progress import cards, progress, warnings
from cloudmgr.services.provisioning import ConfirmDelivery
from cloudmgr.services.quotes import DecideQuote, SubmitQuote
from cloudmgr.services.requests import DispatchRequest
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    approved,
    check_conserved,
    completed,
    confirmed,
    delivered,
    dispatched,
    done,
    look,
    orders,
    running,
)
from tests.support.worlds import Town, a_town

X86 = "contract-x86"
YEAR_2027 = midnight(date(2027, 1, 1))


@pytest.fixture
def town() -> Town:
    return a_town()


def signing(**how: Any) -> RegisterContract:
    fields: dict[str, Any] = {
        "number": "2026-2",
        "name": "Phase 2",
        "provider_id": "prv",
        "payee_id": "prv",
        "procurement_method": "open tender",
        "signatories": ("a", "b"),
        "starts_at": midnight(date(2026, 2, 1)),
        "ends_at": YEAR_2027,
        "total": amount("1000.00"),
        "price_link": PriceLink.FIXED,
        "billing_start": BillingStart.DELIVERY,
        "pool_ids": ("x86",),
    }
    return RegisterContract(**(fields | how))


def amending(**how: Any) -> AmendContract:
    return AmendContract(**({"contract_id": X86, "document_number": "S-1"} | how))


def ending(ends_at: datetime, **how: Any) -> TerminateContract:
    fields = {"contract_id": X86, "document_number": "T-1", "reason": "the provider leaves"}
    return TerminateContract(**(fields | {"ends_at": ends_at} | how))


def contract(town: Town, id: str = X86) -> Contract:
    found: Contract = town.look(Contract, id)
    return found


def quoted(town: Town, contract_id: str, price: str, begins: datetime, sku_id: str = "vm") -> Quote:
    offer = SubmitQuote(
        contract_id=contract_id,
        pool_id="x86",
        sku_id=sku_id,
        tiers=flat(price),
        effective_from=begins,
    )
    quote = town.give(offer, "prv.engineer")
    in_force: Quote = town.give(DecideQuote(quote_id=quote.id, accepted=True), "bureau.a")
    return in_force


# --- nothing outside a contract -------------------------------------------------------------


def ended(town: Town, on: str = "01-08 00:00") -> None:
    town.give(ending(at(on)), "bureau.a")


def test_a_quote_beyond_the_term_is_refused_when_sent_and_when_accepted(town: Town) -> None:
    offer = SubmitQuote(
        contract_id=X86,
        pool_id="x86",
        sku_id="vm",
        tiers=flat("800.00"),
        effective_from=at("02-01 00:00"),
    )
    quote = town.give(offer, "prv.engineer")
    ended(town)
    assert town.code(offer, "prv.engineer") == "not_covered"
    accept = DecideQuote(quote_id=quote.id, accepted=True)
    assert town.code(accept, "bureau.a") == "not_covered"


def test_what_was_approved_is_not_ordered_once_its_contract_has_ended(town: Town) -> None:
    request = approved(town)
    ended(town)
    town.wait("01-08 09:00")
    assert town.code(DispatchRequest(request_id=request.id), "desk.b") == "not_covered"
    town.wait("03-02 00:00")
    assert look(town, request).state is RequestState.EXPIRED, "what it held is freed"
    check_conserved(town)


def test_what_was_ordered_is_not_delivered_once_its_contract_has_ended(town: Town) -> None:
    request = dispatched(town, approved(town))
    (order,) = orders(town, request)
    ended(town)
    town.wait("01-08 09:00")
    with pytest.raises(Exception, match="not_covered"):
        done(town, order)
    assert look(town, request).state is RequestState.PROVISIONING


def test_a_delivery_is_not_confirmed_once_its_contract_has_ended_not_even_by_silence(
    town: Town,
) -> None:
    request = delivered(town)
    ended(town)
    town.wait("01-08 09:00")
    accept = ConfirmDelivery(request_id=request.id, accepted=True)
    assert town.code(accept, "health.user") == "not_covered"
    town.wait("01-30 09:00")
    assert look(town, request).state is RequestState.AWAITING_CONFIRMATION
    assert "delivery_uncovered" in [each.topic for each in town.messages]
    check_conserved(town)


def test_a_contract_that_took_over_is_what_the_delivery_stands_under(town: Town) -> None:
    request = delivered(town)
    successor = town.give(signing(starts_at=midnight(date(2026, 1, 8))), "bureau.a")
    quoted(town, successor.id, "850.00", midnight(date(2026, 1, 8)))
    ended(town)
    town.wait("01-08 09:00")
    confirmed(town, request)
    (allocation,) = town.all(Allocation)
    assert allocation.contract_id == successor.id


def test_a_release_is_not_held_up_by_an_ended_contract(town: Town) -> None:
    machine = running(town)
    back = a_line(allocation_id=machine.id)
    request = approved(town, back, kind=RequestKind.RELEASE)
    ended(town)
    town.wait("01-08 09:00")
    for order in orders(town, dispatched(town, request)):
        done(town, order)
    assert confirmed(town, look(town, request)).state is RequestState.COMPLETED


# --- progress and warnings ------------------------------------------------------------------


def test_progress_tells_the_run_rate_by_the_price_function_and_how_long_the_total_lasts(
    town: Town,
) -> None:
    completed(town, a_line(quantity=2))
    town.change(
        contract(town),
        total=amount("10000.00"),
        settled=amount("1000.00"),
        opening_paid=amount("1000.00"),
    )
    with town.reading() as world:
        found = progress(world, contract(town), town.now)
    assert found.quoted_skus == 4
    assert (found.live_allocations, found.monthly_run_rate) == (1, amount("1800.00"))
    assert (found.settled, found.paid, found.left) == tuple(
        map(amount, ("1000.00", "1000.00", "9000.00"))
    )
    assert local_day(found.settled_until) == date(2026, 1, 5)
    assert not found.lasts_to_the_end
    assert found.used_up_on == date(2026, 6, 5)
    assert found.days_left == (date(2028, 1, 1) - date(2026, 1, 5)).days


def test_an_allocation_without_a_contract_is_counted_and_warned_of(town: Town) -> None:
    running(town)
    ended(town)
    town.wait("01-09 00:00")
    with town.reading() as world:
        found = progress(world, contract(town), town.now)
        assert (found.live_allocations, found.uncovered_allocations) == (0, 1)
        told = warnings(world, town.actor("bureau.a"), town.now)
    assert [(each.contract_id, each.kind) for each in told] == [
        (X86, WarningKind.RUNNING_WITHOUT_CONTRACT)
    ]


def test_people_are_warned_as_the_term_runs_out_and_anew_when_it_is_extended(town: Town) -> None:
    made = town.give(signing(), "bureau.a")

    def warned() -> list[date]:
        topic = "contract_term_ending"
        return [
            local_day(each.at)
            for each in town.messages
            if (each.topic, each.subject) == (topic, made.id)
        ]

    town.wait(YEAR_2027 - timedelta(days=90))
    last = date(2027, 1, 1)
    assert warned() == [last - timedelta(days=180), last - timedelta(days=90)]
    longer = amending(contract_id=made.id, ends_at=midnight(date(2027, 7, 1)))
    town.give(longer, "bureau.a")
    town.wait(midnight(date(2027, 7, 1)))
    assert warned()[2:] == [date(2027, 7, 1) - timedelta(days=d) for d in (180, 90, 30)]


def test_people_are_told_each_month_while_the_total_will_not_last(town: Town) -> None:
    made = town.give(signing(starts_at=midnight(date(2026, 1, 1))), "bureau.a")
    for quote in town.all(Quote, pool_id="x86"):
        town.change(quote, contract_id=made.id)
    running(town)
    town.wait("03-01 00:00")
    told = [each for each in town.messages if each.topic == "contract_total_running_out"]
    assert [local_day(each.at) for each in told] == [date(2026, 2, 1), date(2026, 3, 1)]
    assert told[0].payload["used_up_on"] == "2026-02-08"


def test_a_provider_reads_warnings_and_cards_of_its_own_and_a_department_no_money(
    town: Town,
) -> None:
    town.change(contract(town), ends_at=midnight(date(2026, 3, 1)))
    town.change(contract(town, "contract-kunpeng"), ends_at=midnight(date(2026, 2, 1)))
    with town.reading() as world:

        def seen(login: str) -> list[str]:
            return [each.contract_id for each in warnings(world, town.actor(login), town.now)]

        assert seen("bureau.a") == ["contract-kunpeng", X86]
        assert seen("prv.engineer") == [X86]
        assert seen("health.user") == []
        assert [each.id for each in cards(world, town.actor("prv.engineer"), town.now)] == [X86]
        told = cards(world, town.actor("health.user"), town.now)
        assert {each.id for each in told} == {X86, "contract-kunpeng"}
        assert {"settled", "paid", "left"}.isdisjoint(type(told[0]).__dataclass_fields__)
