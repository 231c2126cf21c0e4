"""Quotes as commands: under a contract, below the ceiling, from a future midnight on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month, midnight
from catalog.tiers import flat
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.contracts import Contract, PriceLink
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.pricing import keep_catalog, price_book
from cloudmgr.services.quotes import (
    DecideQuote,
    DraftQuote,
    EndQuote,
    SendQuote,
    SubmitQuote,
    WithdrawQuote,
)
from cloudmgr.services.quotes_above import quotes_above_ceiling
from cloudmgr.services.rating import preview
from cloudmgr.services.requests import SignRequest
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling, a_version
from tests.support.proposals import a_reprice, published
from tests.support.requests import approved, running, signed_until, submitted
from tests.support.supply import CEILINGS, SKUS
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def offer(price: str = "800.00", begins: datetime = at("02-01 00:00"), **how: Any) -> SubmitQuote:
    fields: dict[str, Any] = {
        "contract_id": "contract-x86",
        "pool_id": "x86",
        "sku_id": "vm",
        "tiers": flat(price),
        "effective_from": begins,
    }
    return SubmitQuote(**(fields | how))


def accepted(town: Town, command: SubmitQuote) -> Quote:
    quote = town.give(command, "prv.engineer")
    in_force: Quote = town.give(DecideQuote(quote_id=quote.id, accepted=True), "bureau.a")
    return in_force


def price(town: Town, moment: datetime, sku_id: str = "vm") -> str:
    with town.reading() as world:
        return f"{price_book(world).price_at(sku_id, 'x86', moment).unit_price:.2f}"


def test_a_quote_is_submitted_by_its_provider_and_accepted_by_the_authority(town: Town) -> None:
    assert town.code(offer(), "rival.engineer") == "not_found"
    assert town.code(offer(), "bureau.a") == "forbidden"
    quote = town.give(offer(), "prv.engineer")
    assert quote.state is QuoteState.SUBMITTED
    decide = DecideQuote(quote_id=quote.id, accepted=True)
    assert town.code(decide, "prv.engineer") == "forbidden"
    assert town.give(decide, "bureau.a").state is QuoteState.IN_FORCE
    assert town.code(decide, "bureau.a") == "illegal_transition"


def test_a_cut_counts_from_its_midnight_on_and_the_old_price_until_then(town: Town) -> None:
    accepted(town, offer())
    assert town.look(Quote, "quote-x86-vm").state is QuoteState.SUPERSEDED
    assert price(town, at("01-31 23:59")) == "900.00"
    assert price(town, at("02-01 00:00")) == "800.00"


def test_a_refused_quote_changes_no_price(town: Town) -> None:
    quote = town.give(offer(), "prv.engineer")
    refuse = DecideQuote(quote_id=quote.id, accepted=False)
    assert town.code(refuse, "bureau.a") == "bad_value", "it needs a reason"
    refused = town.give(replace(refuse, reason="no offer"), "bureau.a")
    assert (refused.state, refused.reason) == (QuoteState.REFUSED, "no offer")
    assert price(town, at("02-01 00:00")) == "900.00"


@pytest.mark.parametrize("begins", [at("02-01 00:01"), at("01-05 00:00"), at("01-01 00:00")])
def test_a_quote_begins_at_a_future_midnight_of_shanghai(town: Town, begins: datetime) -> None:
    assert town.code(offer(begins=begins), "prv.engineer") == "not_midnight"


def test_a_quote_accepted_after_its_beginning_is_refused(town: Town) -> None:
    quote = town.give(offer(), "prv.engineer")
    town.wait("02-01 00:00")
    late = DecideQuote(quote_id=quote.id, accepted=True)
    assert town.code(late, "bureau.a") == "not_midnight"


def test_a_quote_over_its_ceiling_is_refused_when_sent_and_when_accepted(town: Town) -> None:
    begins = midnight(date(2026, 4, 1))
    assert town.code(offer("1000.01", begins), "prv.engineer") == "quote_over_ceiling"
    quote = town.give(offer("1000.00", begins), "prv.engineer")
    lower = tuple(a_ceiling(sku_id="vm", at="999.00") if c.sku_id == "vm" else c for c in CEILINGS)
    version = a_version(id="v2", day=date(2026, 3, 1), skus=SKUS, ceilings=lower)
    with town.transaction() as world:
        keep_catalog(world, version, town.now)
    decide = DecideQuote(quote_id=quote.id, accepted=True)
    assert town.code(decide, "bureau.a") == "quote_over_ceiling"


@pytest.mark.parametrize(
    ("contract", "how"),
    [
        ({}, {"pool_id": "kunpeng"}),
        ({"sku_ids": ("traffic",)}, {}),
        ({"ends_at": at("02-01 00:00")}, {}),
    ],
)
def test_a_quote_stands_under_a_contract_that_covers_it_when_it_begins(
    town: Town, contract: dict[str, Any], how: dict[str, Any]
) -> None:
    town.change(town.look(Contract, "contract-x86"), **contract)
    assert town.code(offer(**how), "prv.engineer") == "not_covered"


def test_an_unknown_or_retired_item_cannot_be_quoted(town: Town) -> None:
    assert town.code(offer(sku_id="gold"), "prv.engineer") == "unknown_sku"
    skus = tuple(replace(sku, retired=sku.id == "vm") for sku in SKUS)
    version = a_version(id="v2", day=date(2026, 2, 1), skus=skus, ceilings=CEILINGS)
    with town.transaction() as world:
        keep_catalog(world, version, town.now)
    assert town.code(offer(), "prv.engineer") == "sku_retired"
    assert town.give(offer(begins=at("01-31 00:00")), "prv.engineer"), "it is sold until then"


def test_a_raise_needs_notice_and_the_start_of_a_cycle(town: Town) -> None:
    refusal = town.refusal(offer("950.00"), "prv.engineer")
    assert refusal.code == "raised_too_soon"
    assert refusal.details["earliest"] == "2026-04-01"
    accepted(town, offer("950.00", midnight(date(2026, 4, 1))))
    assert price(town, at("04-01 00:00")) == "950.00"


def test_a_first_price_is_no_raise(town: Town) -> None:
    for quote in town.all(Quote, sku_id="vm", pool_id="x86"):
        del town.records[Quote][quote.id]
    assert accepted(town, offer("950.00", at("01-06 00:00"))).state is QuoteState.IN_FORCE


def test_a_quote_accepted_out_of_order_does_not_end_the_later_one(town: Town) -> None:
    later = accepted(town, offer("700.00", at("03-01 00:00")))
    accepted(town, offer("800.00", at("02-01 00:00")))
    assert town.look(Quote, later.id).state is QuoteState.IN_FORCE
    assert price(town, at("02-15 00:00")) == "800.00"
    assert price(town, at("03-01 00:00")) == "700.00"


def test_two_quotes_never_begin_together(town: Town) -> None:
    """The price book could not be made any more, and nothing would have a price."""
    accepted(town, offer("800.00"))
    with pytest.raises(CloudmgrError, match="competing_quotes"):
        accepted(town, offer("700.00"))
    assert price(town, at("02-01 00:00")) == "800.00"


def test_a_contract_that_follows_the_ceiling_pays_the_lower_of_both(town: Town) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, price_link=PriceLink.FOLLOW_CEILING)
    lower = tuple(a_ceiling(sku_id="vm", at="850.00") if c.sku_id == "vm" else c for c in CEILINGS)
    version = a_version(id="v2", day=date(2026, 3, 1), skus=SKUS, ceilings=lower)
    with town.transaction() as world:
        keep_catalog(world, version, town.now)
    assert price(town, at("02-28 00:00")) == "900.00"
    assert price(town, at("03-01 00:00")) == "850.00"


def test_a_draft_is_checked_when_it_is_sent_and_prices_nothing_before(town: Town) -> None:
    fields = offer("1000.01", at("04-01 00:00"))
    dear = DraftQuote(**{name: getattr(fields, name) for name in DraftQuote.__dataclass_fields__})
    assert town.code(dear, "rival.engineer") == "not_found"
    draft = town.give(dear, "prv.engineer")
    assert draft.state is QuoteState.DRAFT
    assert town.code(SendQuote(quote_id=draft.id), "rival.engineer") == "not_found"
    assert town.code(SendQuote(quote_id=draft.id), "prv.engineer") == "quote_over_ceiling"
    assert town.code(DecideQuote(quote_id=draft.id, accepted=True), "bureau.a") == (
        "illegal_transition"
    )
    good = town.give(replace(dear, tiers=flat("800.00")), "prv.engineer")
    sent = town.give(SendQuote(quote_id=good.id), "prv.engineer")
    assert (sent.state, sent.submitted_at) == (QuoteState.SUBMITTED, town.now)
    assert town.code(SendQuote(quote_id=good.id), "prv.engineer") == "illegal_transition"


def test_a_quote_is_withdrawn_by_its_provider_until_it_is_decided(town: Town) -> None:
    quote = town.give(offer(), "prv.engineer")
    take_back = WithdrawQuote(quote_id=quote.id, reason="a mistake")
    assert town.code(take_back, "rival.engineer") == "not_found"
    assert town.code(replace(take_back, reason=" "), "prv.engineer") == "bad_value"
    back = town.give(take_back, "prv.engineer")
    assert (back.state, back.reason) == (QuoteState.WITHDRAWN, "a mistake")
    other = accepted(town, offer())
    again = replace(take_back, quote_id=other.id)
    assert town.code(again, "prv.engineer") == "illegal_transition"


def test_what_has_become_a_raise_meanwhile_is_refused_when_accepted(town: Town) -> None:
    cut = town.give(offer("800.00", at("02-10 00:00")), "prv.engineer")
    accepted(town, offer("700.00", at("02-01 00:00")))
    decide = DecideQuote(quote_id=cut.id, accepted=True)
    assert town.code(decide, "bureau.a") == "raised_too_soon"


def test_the_notice_of_a_raise_counts_from_the_day_it_was_sent(town: Town) -> None:
    town.wait("02-28 00:00")
    sent = town.give(offer("950.00", midnight(date(2026, 4, 1))), "prv.engineer")
    town.wait("03-20 00:00")
    decide = DecideQuote(quote_id=sent.id, accepted=True)
    assert town.give(decide, "bureau.a").state is QuoteState.IN_FORCE


def test_a_quote_with_live_allocations_cannot_end(town: Town) -> None:
    end = EndQuote(quote_id="quote-x86-vm", effective_to=at("02-01 00:00"), reason="worn out")
    request = approved(town)
    assert town.code(end, "rival.engineer") == "not_found"
    refusal = town.refusal(end, "prv.engineer")
    assert (refusal.code, refusal.details["allocations"]) == ("quote_in_use", 1)
    assert request.lines[0].pool_id == "x86"


def test_a_quote_under_which_nothing_lives_ends_at_its_midnight(town: Town) -> None:
    end = EndQuote(quote_id="quote-x86-vm", effective_to=at("02-01 00:00"), reason="worn out")
    assert town.code(replace(end, effective_to=at("02-01 00:01")), "prv.engineer") == "not_midnight"
    town.give(end, "prv.engineer")
    assert price(town, at("01-31 23:59")) == "900.00"
    with pytest.raises(CloudmgrError, match="no_price"):
        price(town, at("02-01 00:00"))


def test_what_ends_is_sold_to_nobody_new_meanwhile(town: Town) -> None:
    waiting = signed_until(town, submitted(town), "technical")
    end = EndQuote(quote_id="quote-x86-vm", effective_to=at("06-01 00:00"), reason="worn out")
    town.give(end, "prv.engineer")
    sign = SignRequest(request_id=waiting.id, decision=Decision.APPROVE)
    assert town.give(sign, "centre.a").lines[0].pool_id == "kunpeng"


def test_a_lowered_ceiling_binds_new_quotes_at_once_and_fixed_ones_are_listed(town: Town) -> None:
    running(town)
    published(town)
    with town.reading() as world:
        assert not quotes_above_ceiling(world, town.actor("bureau.a"), town.now)
    town.wait("02-01 00:00")
    late = offer("850.01", at("03-01 00:00"))
    assert town.code(late, "prv.engineer") == "quote_over_ceiling"
    with town.reading() as world:
        found = {
            login: quotes_above_ceiling(world, town.actor(login), town.now)
            for login in ("bureau.a", "prv.engineer", "rival.engineer", "transport.user")
        }
    dear, *rest = found["bureau.a"]
    assert (dear.quote_id, dear.allocations) == ("quote-x86-vm", 1)
    assert (str(dear.monthly_price), str(dear.monthly_at_ceiling)) == ("900.00", "850.00")
    assert [each.quote_id for each in rest] == ["quote-kunpeng-vm"]
    assert [each.quote_id for each in found["prv.engineer"]] == ["quote-x86-vm"]
    assert [each.quote_id for each in found["rival.engineer"]] == ["quote-kunpeng-vm"]
    assert {each.allocations for each in found["transport.user"]} == {0}, "not whose they are"


def test_a_month_is_billed_at_the_lower_of_quote_and_ceiling_and_a_restored_ceiling_restores_it(
    town: Town,
) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, price_link=PriceLink.FOLLOW_CEILING)
    running(town, kind=RequestKind.TEMPORARY)
    published(town, a_reprice(to="620.00"))
    published(town, a_reprice(to="1000.00"), begins=at("02-15 00:00"))
    with town.reading() as world:
        lines = {
            str(month): [
                (f"{each.unit_price:.2f}", each.fraction, str(each.amount), each.quote_id)
                for each in preview(world, month, "health")
            ]
            for month in (Month(2026, 1), Month(2026, 2), Month(2026, 3))
        }
    quote = "quote-x86-vm"
    assert [each[0] for each in lines["2026-01"]] == ["900.00"]
    assert lines["2026-02"] == [
        ("620.00", "14/28", "310.00", quote),
        ("900.00", "14/28", "450.00", quote),
    ]
    assert [each[2] for each in lines["2026-03"]] == ["900.00"]
