"""Contracts as commands: signed, amended by documents, ended; and nothing happens outside one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from catalog.money import amount
from catalog.period import Month, midnight
from catalog.tiers import flat
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
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.services.contracts import RegisterContract
from cloudmgr.services.contracts_amendments import AmendContract, TerminateContract
from cloudmgr.services.contracts_progress import progress
from cloudmgr.services.pricing import keep_catalog, price_book
from cloudmgr.services.quotes import DecideQuote, SubmitQuote
from cloudmgr.services.rating import rating_context
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling, a_version
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
    quote: Any = {"begins": at("02-01 00:00"), "sku_id": "vm-large", "price": "1600.00"}
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
