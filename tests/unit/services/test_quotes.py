"""Quotes as commands: under a contract, below the ceiling, from a future midnight on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.period import midnight
from catalog.tiers import flat
from cloudmgr.domain.contracts import Contract, PriceLink
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.services.pricing import keep_catalog, price_book
from cloudmgr.services.quotes import DecideQuote, SubmitQuote
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling, a_version
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
    assert town.give(DecideQuote(quote_id=quote.id, accepted=False), "bureau.a").state == "refused"
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
