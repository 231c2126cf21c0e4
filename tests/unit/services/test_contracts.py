"""Contracts as commands: signed, amended by documents, ended; and nothing happens outside one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from catalog.money import amount
from catalog.period import Month, local_day, midnight
from catalog.tiers import flat
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.contracts import (
    BillingStart,
    Contract,
    ContractAmendment,
    ContractState,
    Instalment,
    InstalmentBasis,
    InstalmentRule,
    PriceLink,
)
from cloudmgr.domain.contracts_progress import WarningKind
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.requests import RequestKind, RequestState
from cloudmgr.services.contracts import RegisterContract
from cloudmgr.services.contracts_amendments import AmendContract, TerminateContract
from cloudmgr.services.contracts_progress import cards, progress, warnings
from cloudmgr.services.pricing import keep_catalog, price_book
from cloudmgr.services.provisioning import ConfirmDelivery
from cloudmgr.services.quotes import DecideQuote, SubmitQuote
from cloudmgr.services.rating import rating_context
from cloudmgr.services.requests import DispatchRequest
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling, a_version
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
from tests.support.supply import CEILINGS, SKUS
from tests.support.worlds import MONDAY, Town, a_town

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


# --- registering ----------------------------------------------------------------------------


def test_a_contract_begins_and_ends_by_itself(town: Town) -> None:
    made = town.give(signing(), "bureau.a")
    assert made.state is ContractState.SIGNED
    town.wait("02-01 00:00")
    assert contract(town, made.id).state is ContractState.IN_FORCE
    town.wait(YEAR_2027)
    assert contract(town, made.id).state is ContractState.EXPIRED
    assert [each.topic for each in town.messages if each.subject == made.id][-1] == "contract_ended"


def test_a_number_is_used_once(town: Town) -> None:
    town.give(signing(), "bureau.a")
    assert town.code(signing(), "bureau.a") == "already_exists"


@pytest.mark.parametrize(
    "how",
    [
        {"sku_ids": ("gold",)},
        {"payee_id": "health"},
        {"number": " "},
        {"instalment_rule": InstalmentRule(InstalmentBasis.SCHEDULED)},
        {
            "instalment_rule": InstalmentRule(
                InstalmentBasis.PER_CYCLE, (Instalment("a", date(2026, 3, 1), amount("1000.00")),)
            )
        },
    ],
)
def test_what_does_not_fit_a_contract_is_refused(town: Town, how: dict[str, Any]) -> None:
    assert town.code(signing(**how), "bureau.a") == "bad_value"


def test_scheduled_instalments_add_up_to_the_total(town: Town) -> None:
    parts = (
        Instalment("first", date(2026, 1, 2), amount("400.00")),
        Instalment("rest", date(2026, 12, 1), amount("600.00")),
    )
    made = town.give(
        signing(instalment_rule=InstalmentRule(InstalmentBasis.SCHEDULED, parts)), "bureau.a"
    )
    with town.reading() as world:
        assert progress(world, made, town.now).instalments_due == amount("400.00")
    more = amending(contract_id=made.id, total=amount("1050.00"))
    assert town.code(more, "bureau.a") == "bad_value"


# --- amending -------------------------------------------------------------------------------


def test_an_amendment_is_a_record_that_says_what_was_and_what_is(town: Town) -> None:
    before = contract(town)
    later = midnight(date(2029, 1, 1))
    made = town.give(amending(ends_at=later, total=amount("10500000.00")), "bureau.a")
    after = contract(town)
    assert (after.ends_at, after.total) == (later, amount("10500000.00"))
    assert {each.field: (each.before, each.after) for each in made.changes} == {
        "ends_at": ("2028-01-01T00:00:00+08:00", "2029-01-01T00:00:00+08:00"),
        "total": (str(before.total), "10500000.00"),
    }
    second = town.give(amending(total=amount("10600000.00"), document_number="S-2"), "bureau.a")
    assert (made.sequence, second.sequence) == (1, 2)
    assert [each.id for each in town.all(ContractAmendment)] == [made.id, second.id]


def test_only_the_authority_amends_and_names_its_document(town: Town) -> None:
    more = {"total": amount("10500000.00")}
    assert town.code(amending(**more), "prv.engineer") == "forbidden"
    assert town.code(amending(**more, document_number=" "), "bureau.a") == "bad_value"
    assert town.code(amending(), "bureau.a") == "bad_value", "it changes nothing"


def test_amendments_add_a_tenth_of_what_was_signed_at_most(town: Town) -> None:
    town.give(amending(total=amount("10900000.00")), "bureau.a")
    refusal = town.refusal(amending(total=amount("11000000.01")), "bureau.a")
    assert refusal.code == "supplement_over_limit"
    assert refusal.details["most"] == "1000000.00"
    town.give(amending(total=amount("11000000.00")), "bureau.a")


def test_a_total_and_a_term_only_grow(town: Town) -> None:
    assert town.code(amending(total=amount("9.00")), "bureau.a") == "bad_value"
    assert town.code(amending(ends_at=YEAR_2027), "bureau.a") == "bad_value"


def test_pools_and_items_are_added_to_what_is_covered(town: Town) -> None:
    town.change(contract(town), sku_ids=("vm",))
    quote = {"begins": at("02-01 00:00"), "sku_id": "vm-large", "price": "1600.00"}
    with pytest.raises(Exception, match="not_covered"):
        quoted(town, X86, **quote)
    town.give(amending(add_sku_ids=("vm-large",)), "bureau.a")
    assert quoted(town, X86, **quote).state is QuoteState.IN_FORCE
    assert town.code(amending(add_pool_ids=("kunpeng",)), "bureau.a") == "bad_value"
    assert town.code(amending(add_sku_ids=("gold",)), "bureau.a") == "bad_value"


def test_another_payee_is_paid_from_the_start_of_a_month_and_not_for_earlier_ones(
    town: Town,
) -> None:
    change = amending(payee_id="desk", effective_at=midnight(date(2026, 3, 1)))
    assert town.code(amending(payee_id="desk"), "bureau.a") == "bad_value"
    assert town.code(amending(payee_id="desk", effective_at=at("02-02 00:00")), "bureau.a") == (
        "bad_value"
    )
    town.give(change, "bureau.a")
    assert contract(town).payee_id == "prv"
    town.wait("03-04 09:00")
    assert contract(town).payee_id == "desk"
    with town.reading() as world:
        assert rating_context(world, Month(2026, 2)).payees[X86] == "prv"
        assert rating_context(world, Month(2026, 3)).payees[X86] == "desk"


def test_a_price_link_changes_with_a_settlement_cycle_to_come_and_the_past_keeps_its_own(
    town: Town,
) -> None:
    lower = tuple(a_ceiling(sku_id="vm", at="850.00") if c.sku_id == "vm" else c for c in CEILINGS)
    with town.transaction() as world:
        keep_catalog(
            world, a_version(id="v2", day=date(2026, 3, 1), skus=SKUS, ceilings=lower), town.now
        )
    follow = {"price_link": PriceLink.FOLLOW_CEILING}
    early = amending(**follow, effective_at=midnight(date(2026, 2, 1)))
    assert town.code(early, "bureau.a") == "bad_value", "a cycle has three months here"
    town.give(amending(**follow, effective_at=midnight(date(2026, 4, 1))), "bureau.a")
    assert _price(town, at("03-15 00:00")) == "900.00"
    assert _price(town, at("04-01 00:00")) == "850.00"
    town.wait("04-02 00:00")
    assert contract(town).price_link is PriceLink.FOLLOW_CEILING
    assert _price(town, at("03-15 00:00")) == "900.00"


def test_a_change_of_the_link_does_not_bring_back_an_older_quote(town: Town) -> None:
    quoted(town, X86, "800.00", at("02-01 00:00"))
    link = amending(price_link=PriceLink.FOLLOW_CEILING, effective_at=midnight(date(2026, 4, 1)))
    town.give(link, "bureau.a")
    assert [_price(town, at(day)) for day in ("01-10 00:00", "02-10 00:00", "04-10 00:00")] == [
        "900.00", "800.00", "800.00",
    ]  # fmt: skip


def _price(town: Town, moment: datetime) -> str:
    with town.reading() as world:
        return f"{price_book(world).price_at('vm', 'x86', moment).unit_price:.2f}"


# --- ending ---------------------------------------------------------------------------------


def test_a_terminated_contract_ends_at_its_midnight_and_is_not_extended(town: Town) -> None:
    made = town.give(ending(at("02-01 00:00")), "bureau.a")
    assert [each.field for each in made.changes] == ["ends_at"]
    assert contract(town).state is ContractState.IN_FORCE
    later = amending(ends_at=midnight(date(2029, 1, 1)))
    assert town.code(later, "bureau.a") == "contract_ended"
    town.wait("02-01 00:00")
    assert contract(town).state is ContractState.TERMINATED
    assert town.code(ending(at("03-01 00:00")), "bureau.a") == "contract_ended"


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (MONDAY, "not_midnight"),
        (at("02-01 00:01"), "not_midnight"),
        (midnight(date(2028, 1, 1)), "bad_value"),
    ],
)
def test_a_termination_is_a_midnight_to_come_inside_the_term(
    town: Town, ends: datetime, code: str
) -> None:
    assert town.code(ending(ends), "bureau.a") == code


def test_an_ended_contract_takes_more_money_for_what_is_not_settled_but_nothing_else(
    town: Town,
) -> None:
    town.give(ending(at("02-01 00:00")), "bureau.a")
    town.wait("02-02 00:00")
    assert town.code(amending(add_pool_ids=("x86",)), "bureau.a") == "contract_ended"
    town.give(amending(total=amount("10500000.00")), "bureau.a")


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
