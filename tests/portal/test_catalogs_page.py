"""What a catalog change costs whom, as a page: the figures of the effect, in both languages."""

from __future__ import annotations

import pytest

from cloudmgr.domain.contracts import Contract, PriceLink
from cloudmgr.services.proposals import OpenProposal
from tests.portal.pages import Page
from tests.support.api import Api, give_tokens
from tests.support.proposals import a_reprice, drafted
from tests.support.requests import running
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    found = a_town()
    contract = found.look(Contract, "contract-x86")
    found.change(contract, price_link=PriceLink.FOLLOW_CEILING)
    running(found)
    with found.transaction() as world:
        give_tokens(world, found.now)
    return found


@pytest.mark.parametrize(
    ("lang", "title", "change"),
    [
        ("zh", "目录调整影响测算", "调价 · 上限价格"),
        ("en", "What the catalog change costs whom", "Repriced · Ceiling"),
    ],
)
def test_the_page_shows_what_changes_and_for_whom(
    town: Town, lang: str, title: str, change: str
) -> None:
    proposal = drafted(town, a_reprice(to="850.00"))
    with Api(town) as api:
        path = f"proposals/{proposal.id}/effect/page"
        hidden = api.get(path, "health.user", lang=lang)
        town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
        answer = api.get(path, "treasury.a", lang=lang)
    assert hidden.status_code == 404, "a draft is the offices'"
    assert answer.headers["content-type"].startswith("text/html")
    page = Page(answer.text)
    assert page.all("h1")[0].text == title
    lines, departments, providers = (page.table(number) for number in range(3))
    assert [cell.split()[-1] for cell in lines[1][:1]] == ["vm"]
    assert lines[1][1:3] == [change, "1000.00"]
    assert lines[1][4:] == ["1", "900.00", "850.00"]
    assert departments[1] == ["health", "1", "900.00", "850.00", "-50.00"]
    assert providers[1][0] == "prv"
    assert departments[-1][1:] == providers[-1][1:] == ["1", "900.00", "850.00", "-50.00"]


def test_a_version_compared_with_itself_says_so(town: Town) -> None:
    with Api(town) as api:
        answer = api.get("catalog-versions/v1/diff/v1/page", "health.user")
    assert "两个版本没有差别" in answer.text
