"""What a proposal would cost whom: fixed contracts keep their price, following ones do not."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from catalog.money import amount
from cloudmgr.domain.contracts import Contract, PriceLink
from cloudmgr.domain.proposals import ChangeAction, ProposedChange
from cloudmgr.domain.proposals_effect import CatalogEffect
from cloudmgr.services.proposals import OpenProposal
from cloudmgr.services.proposals_effect import (
    effect_workbook,
    proposal_effect,
    version_effect,
)
from tests.support.assessments import at
from tests.support.catalogs import a_standard
from tests.support.proposals import a_reprice, drafted, published
from tests.support.requests import a_line, running
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    """Two machines of health and one of transport at 900; the contract follows the ceiling."""
    found = a_town()
    contract = found.look(Contract, "contract-x86")
    found.change(contract, price_link=PriceLink.FOLLOW_CEILING)
    running(found, a_line(quantity=2))
    running(found, department="transport")
    return found


def effect(town: Town, *changes: ProposedChange, by: str = "treasury.a") -> CatalogEffect:
    proposal = drafted(town, *changes)
    town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    with town.reading() as world:
        return proposal_effect(world, town.actor(by), proposal.id, town.now)


def test_a_lowered_ceiling_saves_where_the_contract_follows_it(town: Town) -> None:
    found = effect(town, a_reprice(to="850.00"))
    (line,) = found.lines
    assert (line.id, line.field, line.before, line.after) == ("vm", "ceiling", "1000.00", "850.00")
    assert (line.allocations, line.monthly_before, line.monthly_after) == (
        2,
        amount("2700.00"),
        amount("2550.00"),
    )
    assert [(each.id, each.change) for each in found.by_department] == [
        ("health", amount("-100.00")),
        ("transport", amount("-50.00")),
    ]
    assert [(each.id, each.change) for each in found.by_provider] == [("prv", amount("-150.00"))]
    assert found.total.change == amount("-150.00")
    assert not found.unpriced


def test_a_fixed_contract_keeps_its_price(town: Town) -> None:
    contract = town.look(Contract, "contract-x86")
    town.change(contract, price_link=PriceLink.FIXED)
    found = effect(town, a_reprice(to="850.00"))
    assert (found.total.allocations, found.total.change) == (2, amount("0.00"))


def test_a_ceiling_above_the_quote_moves_nothing(town: Town) -> None:
    assert effect(town, a_reprice(to="950.00")).total.change == amount("0.00")


def test_a_standard_touches_every_item_that_promises_it(town: Town) -> None:
    restated = a_standard(response_minutes=15)
    found = effect(town, ProposedChange(action=ChangeAction.RESTATE, standard=restated))
    (line,) = found.lines
    assert (line.subject, line.field, line.before, line.after) == (
        "standard",
        "response_minutes",
        "30",
        "15",
    )
    assert line.allocations == 2
    assert line.monthly_before == line.monthly_after == amount("2700.00")


def test_what_retires_goes_on_at_its_price(town: Town) -> None:
    found = effect(town, ProposedChange(action=ChangeAction.RETIRE, sku_id="vm"))
    assert found.lines[0].allocations == 2
    assert found.total.change == amount("0.00")
    published(town, ProposedChange(action=ChangeAction.RETIRE, sku_id="vm"))
    assert found.total.monthly_after == amount("2700.00")


def test_a_department_sees_its_own_money_only(town: Town) -> None:
    found = effect(town, a_reprice(to="850.00"), by="transport.user")
    assert [each.id for each in found.by_department] == ["transport"]
    assert found.total.change == amount("-50.00")
    assert effect(town, a_reprice(to="850.00"), by="rival.engineer").total.allocations == 0


def test_two_published_versions_compare_at_the_later_ones_date(town: Town) -> None:
    done = published(town, a_reprice(to="850.00"))
    with town.reading() as world:
        found = version_effect(world, town.actor("bureau.a"), "v1", done.version_id, town.now)
        back = version_effect(world, town.actor("bureau.a"), done.version_id, "v1", town.now)
    assert found.at == at("02-01 00:00")
    assert found.total.change == amount("-150.00")
    assert back.total.change == amount("150.00")


def test_the_workbook_says_the_same(town: Town) -> None:
    found = effect(town, a_reprice(to="850.00"))
    with town.reading() as world:
        book = load_workbook(io.BytesIO(effect_workbook(world, found)))
    assert book.sheetnames == ["变更", "用云单位", "云服务商", "无价格"]
    rows = list(book["用云单位"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[-1]) for row in rows] == [
        ("health", -100),
        ("transport", -50),
        ("total", -150),
    ]
    last = list(book["变更"].iter_rows(values_only=True))[-1]
    assert "示例参数" in last, "the figure is a sample and says so"
