"""Lines outside the catalog are approved one level higher, and billed by the same functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount
from catalog.period import Month
from catalog.skus import PricingModel
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.budget import BudgetCommitment
from cloudmgr.domain.contracts import Contract, PriceLink
from cloudmgr.domain.off_catalog import OffCatalogItem, OffCatalogState
from cloudmgr.domain.proposals import ChangeAction, ProposedChange
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.requests import RequestKind, RequestLine
from cloudmgr.services.estimates import estimate
from cloudmgr.services.off_catalog_candidates import candidates
from cloudmgr.services.pricing import price_book
from cloudmgr.services.proposals import DraftProposal
from cloudmgr.services.quotes import SubmitQuote
from cloudmgr.services.rating import preview
from cloudmgr.services.requests import SubmitRequest
from tests.support.assessments import at
from tests.support.catalogs import a_sku
from tests.support.off_catalog import an_agreed_line, one_level_higher, terms
from tests.support.proposals import published
from tests.support.requests import (
    a_draft,
    a_line,
    approved,
    completed,
    drafted,
    resubmitted,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    found = a_town()
    one_level_higher(found)
    return found


def test_it_goes_one_level_higher_however_little_it_costs(town: Town) -> None:
    inside, outside = submitted(town), submitted(town, an_agreed_line(unit_price="1.00"))
    request = signed_until(town, outside, "head")
    assert signed(town, request).state == "approved"
    request = signed_until(town, inside, "technical")
    assert signed(town, request).state == "approved"


def test_it_is_priced_before_anybody_signs(town: Town) -> None:
    request = submitted(town, an_agreed_line(quantity=2), a_line(line=2))
    assert request.monthly_price == amount("6950.00"), "the dearest pool for the vm"
    with town.reading() as world:
        views = estimate(world, request, town.now).candidates
    assert [each.pool_id for each in views if each.line == 1] == ["x86"], "the pool that quoted"


def test_approved_it_has_a_price_with_contract_and_quote_and_is_committed(town: Town) -> None:
    request = approved(town, an_agreed_line())
    item = town.look(OffCatalogItem, request.lines[0].sku_id)
    assert (item.state, item.request_id, item.line) == (OffCatalogState.APPROVED, request.id, 1)
    quote = town.look(Quote, item.quote_id)
    assert (quote.state, quote.source_kind) == (QuoteState.IN_FORCE, "off-catalog")
    with town.reading() as world:
        price = price_book(world).price_at(item.id, "x86", town.now)
    assert (price.quote_id, price.contract_id) == (quote.id, "contract-x86")
    assert price.unit_price == amount("3000.00")
    rows = town.all(BudgetCommitment, source_id=request.id)
    assert {row.amount for row in rows if row.month == "2026-06"} == {amount("3000.00")}


def lines_of(town: Town, month: Month) -> dict[str, tuple[str, str, str, str]]:
    with town.reading() as world:
        made = preview(world, month, "health")
    return {
        each.sku_id: (str(each.amount), each.contract_id, each.quote_id, each.catalog_version_id)
        for each in made
        if each.amount
    }


def test_it_is_billed_by_its_own_quote(town: Town) -> None:
    recurring = running(town, an_agreed_line(quantity=2), kind=RequestKind.TEMPORARY)
    with town.reading() as world:
        quote_id = world.get(OffCatalogItem, recurring.sku_id).quote_id
    found = lines_of(town, Month(2026, 1))
    # Delivered on the fifth: 27 days of January, two units at 3000.
    expected = str((amount("6000.00") * 27 / 31).quantize(amount("0.01")))
    assert found == {recurring.sku_id: (expected, "contract-x86", quote_id, "v1")}


def test_a_one_off_is_billed_once(town: Town) -> None:
    line = an_agreed_line(model=PricingModel.ONE_OFF, resources=())
    allocation = running(town, line, kind=RequestKind.TEMPORARY)
    assert lines_of(town, Month(2026, 1))[allocation.sku_id][0] == "3000.00"
    assert lines_of(town, Month(2026, 2)) == {}


def test_its_price_follows_no_ceiling_whatever_the_contract_says(town: Town) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, price_link=PriceLink.FOLLOW_CEILING)
    allocation = running(town, an_agreed_line(), kind=RequestKind.TEMPORARY)
    with town.reading() as world:
        book = price_book(world)
        assert book.price_at(allocation.sku_id, "x86", town.now).unit_price == amount("3000.00")
        with pytest.raises(CloudmgrError, match="no_ceiling"):
            book.ceiling_at(allocation.sku_id, town.now)


def test_nobody_else_can_ask_for_it(town: Town) -> None:
    request = approved(town, an_agreed_line())
    sku_id = request.lines[0].sku_id
    again = RequestLine(line=1, sku_id=sku_id, quantity=1)
    assert town.code(a_draft(again), "health.user") == "bad_value"
    assert town.code(a_draft(again, department="transport"), "transport.user") == "bad_value"


def test_growing_it_is_approved_one_level_higher_too(town: Town) -> None:
    allocation = running(town, an_agreed_line())
    more = RequestLine(line=1, sku_id=allocation.sku_id, quantity=2, allocation_id=allocation.id)
    request = submitted(town, more, kind=RequestKind.CHANGE)
    signed_until(town, request, "head")


def test_a_returned_request_keeps_its_agreement_until_the_terms_change(town: Town) -> None:

    request = signed_until(town, submitted(town, an_agreed_line()), "technical")
    returned = signed(town, request, Decision.RETURN)
    again = resubmitted(town, returned, *returned.lines)
    assert again.lines == returned.lines
    returned = signed(town, signed_until(town, again, "technical"), Decision.RETURN)
    cheaper = replace(returned.lines[0], off_catalog=terms(unit_price="2000.00"))
    last = resubmitted(town, returned, cheaper)
    assert last.lines[0].sku_id != returned.lines[0].sku_id
    assert last.monthly_price == amount("2000.00")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"reason": " "}, "bad_value"),
        ({"unit_price": "0.00"}, "bad_value"),
        ({"model": PricingModel.METERED}, "bad_value"),
        ({"standard_id": "gold"}, "bad_value"),
        ({"pool_id": "kunpeng"}, "not_covered"),
        ({"contract_id": "none"}, "not_found"),
    ],
)
def test_terms_that_cannot_be_agreed_on_are_refused(
    town: Town, changed: dict[str, Any], code: str
) -> None:
    assert town.code(a_draft(an_agreed_line(**changed)), "health.user") == code


def test_a_contract_that_lists_its_items_lists_agreements_by_their_word(town: Town) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, sku_ids=("vm",))
    assert town.code(a_draft(an_agreed_line()), "health.user") == "not_covered"
    town.change(town.look(Contract, contract.id), sku_ids=("vm", "off-catalog"))
    assert completed(town, an_agreed_line())


def test_a_contract_not_in_force_gives_no_price(town: Town) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, ends_at=at("01-02 00:00"))
    request = drafted(town, an_agreed_line())

    refusal = town.refusal(SubmitRequest(request_id=request.id), "health.user")
    assert refusal.code == "no_pool"


def test_its_price_is_not_quoted_anew(town: Town) -> None:
    sku_id = running(town, an_agreed_line()).sku_id
    command = SubmitQuote(
        contract_id="contract-x86",
        pool_id="x86",
        sku_id=sku_id,
        tiers=town.all(Quote, sku_id=sku_id)[0].tiers,
        effective_from=at("12-01 00:00"),
    )
    assert town.code(command, "prv.engineer") == "no_ceiling"


def test_it_is_a_candidate_until_a_version_adopts_it(town: Town) -> None:
    allocation = running(town, an_agreed_line(quantity=2))
    submitted(town, an_agreed_line())
    with town.reading() as world:
        (found,) = candidates(world, town.now)
    assert (found.item.id, found.allocations, found.quantity) == (allocation.sku_id, 1, 2)
    assert found.monthly_price == amount("6000.00")
    sku = a_sku(id="random-card", resources=())
    add = ProposedChange(action=ChangeAction.ADD, sku=sku, candidate_id=found.item.id)
    published(town, add, begins=at("06-01 00:00"))
    adopted = town.look(OffCatalogItem, found.item.id)
    assert (adopted.state, adopted.adopted_as) == (OffCatalogState.ADOPTED, "random-card")
    with town.reading() as world:
        assert candidates(world, town.now) == ()
        price = price_book(world).price_at(allocation.sku_id, "x86", at("07-01 00:00"))
    assert price.unit_price == amount("3000.00"), "what runs keeps its price"


def test_only_an_approved_agreement_is_a_candidate(town: Town) -> None:
    request = submitted(town, an_agreed_line())
    add = ProposedChange(
        action=ChangeAction.ADD,
        sku=a_sku(id="random-card"),
        candidate_id=request.lines[0].sku_id,
    )
    command = DraftProposal(title="t", reason="r", changes=(add,))
    assert town.code(command, "desk.a") == "bad_value"
