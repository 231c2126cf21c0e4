"""Choosing a pool: filters with names, then weights, and the reasons in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.quantity import ResourceAmount
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.continuity_sites import Place
from cloudmgr.domain.placement import Apart, Candidate, Need, Ranked, rank
from cloudmgr.domain.policy_pools import (
    PlacementWeights,
    PoolRules,
    RegionUse,
    SettlementRoute,
)
from cloudmgr.domain.pools import PoolKind, PoolState
from tests.support.sites import FAR, SECOND, a_site
from tests.support.supply import MEMORY, VCPU, a_pool, an_inventory
from tests.support.worlds import an_application


def need(*, grows: bool = True, stacks: tuple[str, ...] = (), **application: Any) -> Need:
    return Need(
        application=an_application(**application),
        stacks=stacks,
        amounts=(ResourceAmount(VCPU, 10),) if grows else (),
        grows=grows,
    )


def candidate(
    id: str = "x86",
    *,
    price: str | None = "100.00",
    free: int = 100,
    score: str | None = None,
    **pool: Any,
) -> Candidate:
    return Candidate(
        pool=a_pool(id=id, **pool),
        inventories=(an_inventory(pool_id=id, total=100, allocated=100 - free),),
        monthly_price=Decimal(price) if price else None,
        contract_id=f"contract-{id}",
        score=Decimal(score) if score else None,
    )


def refused_by(need: Need, candidate: Candidate) -> str | None:
    (ranked,) = rank(need, [candidate])
    return ranked.refused_by


def test_a_pool_that_fits_passes_every_filter() -> None:
    assert refused_by(need(), candidate()) is None


@pytest.mark.parametrize(
    ("application", "pool", "stopper"),
    [
        ({"zone": Zone.VIDEO}, {}, "zone"),
        ({"mlps_level": 3}, {"mlps_level": 2}, "mlps"),
        ({"xinchuang": True}, {}, "xinchuang"),
        ({}, {"department_ids": ("transport",)}, "admitted_departments"),
        ({}, {"price": None}, "contract"),
        ({}, {"free": 9}, "capacity"),
        ({}, {"state": PoolState.REGISTERED}, "life"),
        ({}, {"state": PoolState.RESTRICTED}, "life"),
        ({}, {"state": PoolState.RETIRING}, "life"),
        ({}, {"state": PoolState.RETIRED}, "life"),
    ],
)
def test_a_pool_that_does_not_fit_is_refused_by_the_filter_that_says_why(
    application: dict[str, Any], pool: dict[str, Any], stopper: str
) -> None:
    assert refused_by(need(**application), candidate(**pool)) == stopper


def test_a_stack_a_sku_does_not_run_on_is_refused() -> None:
    assert refused_by(need(stacks=("kunpeng",)), candidate()) == "stack"
    assert refused_by(need(stacks=("kunpeng",)), candidate("kunpeng")) is None


def test_a_xinchuang_need_is_met_by_a_domestic_stack() -> None:
    assert refused_by(need(xinchuang=True), candidate("kunpeng")) is None


def test_an_industry_pool_takes_the_departments_it_was_built_for() -> None:
    assert refused_by(need(), candidate(department_ids=("health", "transport"))) is None


@pytest.mark.parametrize("state", [PoolState.RESTRICTED, PoolState.RETIRING])
def test_what_does_not_grow_stays_where_it_is_until_the_pool_is_empty(state: PoolState) -> None:
    assert refused_by(need(grows=False), candidate(state=state)) is None


def test_a_relocation_leaves_its_pool() -> None:
    leaving = replace(need(), not_pool_id="x86")
    assert refused_by(leaving, candidate()) == "elsewhere"
    assert refused_by(leaving, candidate("kunpeng")) is None


def test_a_class_the_pool_does_not_have_is_not_free() -> None:
    memory = replace(need(), amounts=(ResourceAmount(MEMORY, 1),))
    assert refused_by(memory, candidate()) == "capacity"


def order(*candidates: Candidate) -> list[str]:
    return [each.pool_id for each in rank(need(), candidates)]


def test_the_cheaper_pool_comes_first_when_all_else_is_equal() -> None:
    assert order(candidate("a", price="120.00"), candidate("b")) == ["b", "a"]


def test_the_emptier_pool_comes_first_when_all_else_is_equal() -> None:
    assert order(candidate("a", free=20), candidate("b", free=80)) == ["b", "a"]


def test_the_better_provider_comes_first_when_all_else_is_equal() -> None:
    assert order(candidate("a", score="80"), candidate("b", score="90")) == ["b", "a"]


def test_a_score_of_zero_is_the_worst_and_not_the_same_as_no_score() -> None:
    assert order(candidate("a", score="0"), candidate("b", score="60")) == ["b", "a"]
    assert order(candidate("a", score="0"), candidate("b")) == ["b", "a"]


def test_ties_go_to_the_smaller_id() -> None:
    assert order(candidate("b"), candidate("a")) == ["a", "b"]


def test_the_weight_is_half_price_and_the_rest_room_and_score() -> None:
    # 50 x 100/100 + 30 x 60/100 + 20 x 80/100, by the sample weights.
    (ranked,) = rank(need(), [candidate(free=60, score="80")])
    assert ranked.weight == 50 + 18 + 16
    assert ranked.reasons == (
        "price 100.00 yuan a month (100.0 % of the best)",
        "free 60.0 % of the scarcest class",
        "score 80",
    )
    (unscored,) = rank(need(), [candidate(free=60)])
    assert unscored.weight == 50 + 18 + 15
    assert unscored.reasons[-1] == "score not set (75 assumed)"


def test_refused_pools_are_listed_last_with_the_reason() -> None:
    refused = candidate("a", free=0)
    found = rank(need(), [refused, candidate("b")])
    assert [each.pool_id for each in found] == ["b", "a"]
    assert found[1].reasons == ("refused by capacity",)


CANDIDATES = st.builds(
    candidate,
    st.sampled_from("abcdef"),
    price=st.sampled_from(["90.00", "100.00", None]),
    free=st.sampled_from([0, 30, 90]),
    score=st.sampled_from([None, "0", "88"]),
)


@given(st.lists(CANDIDATES, unique_by=lambda each: each.pool.id), st.randoms())
def test_the_order_of_the_question_does_not_matter(
    candidates: list[Candidate], random: Any
) -> None:
    def key(found: tuple[Ranked, ...]) -> list[tuple[str, str | None]]:
        return [(each.pool_id, each.refused_by) for each in found]

    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert key(rank(need(), candidates)) == key(rank(need(), shuffled))


# --- policy, certificates and the places of copies --------------------------------------------


def placed(site: Any = None, **how: Any) -> Candidate:
    return replace(candidate(), site=site or a_site(), **how)


def test_nothing_begins_without_a_certificate_in_force_where_the_policy_asks_for_one() -> None:
    asked = replace(need(), rules=PoolRules(require_certificate=True))
    lapsed = placed(certified=False)
    assert refused_by(asked, lapsed) == "certificate"
    assert refused_by(need(), lapsed) is None, "no policy asks"
    assert refused_by(replace(asked, creates=False), lapsed) is None, "what runs may grow"


def test_nothing_begins_at_a_partners_site_without_an_agreement() -> None:
    assert refused_by(need(), placed(agreed=False)) == "agreement"
    assert refused_by(replace(need(), creates=False), placed(agreed=False)) is None


def test_regions_use_each_others_pools_in_both_directions_unless_the_policy_forbids() -> None:
    only_county = PoolRules(
        region_uses=(RegionUse(pool_region_id="county", user_region_ids=("county",)),)
    )
    county_pool, city_pool = placed(a_site(region_id="county")), placed(a_site(region_id="city"))
    from_city = replace(need(), region_id="city", rules=only_county)
    from_county = replace(need(), region_id="county", rules=only_county)
    assert refused_by(from_city, county_pool) == "region"
    assert refused_by(from_county, county_pool) is None
    assert refused_by(from_county, city_pool) is None
    assert refused_by(replace(from_city, rules=PoolRules()), county_pool) is None


@pytest.mark.parametrize(
    ("place", "site", "stopper"),
    [
        (Place.SAME_CITY, a_site(), "separation"),
        (Place.SAME_CITY, SECOND, None),
        (Place.SAME_CITY, FAR, "separation"),
        (Place.REMOTE, SECOND, "separation"),
        (Place.REMOTE, FAR, None),
    ],
)
def test_a_copy_goes_where_its_role_asks(place: Place, site: Any, stopper: str | None) -> None:
    copy = replace(need(), apart=(Apart(a_site(), place),))
    assert refused_by(copy, placed(site)) == stopper
    assert refused_by(copy, replace(candidate(), site=None)) == "separation", "nobody knows where"


def test_the_reasons_say_how_far_a_copy_stands_and_which_way_the_money_goes() -> None:
    copy = replace(need(), apart=(Apart(a_site(), Place.SAME_CITY),))
    via = placed(SECOND, route=SettlementRoute.VIA_POOL_REGION)
    (ranked,) = rank(copy, [via])
    assert ranked.reasons[-2:] == ("21 km from site", "settled by way of the pool's region")
    assert ranked.route is SettlementRoute.VIA_POOL_REGION


def test_a_line_may_ask_for_pools_of_a_kind() -> None:
    backup = replace(need(), pool_kinds=(PoolKind.BACKUP,))
    assert refused_by(backup, candidate()) == "kind"
    assert refused_by(backup, candidate(kind=PoolKind.BACKUP)) is None


def test_the_policy_says_how_much_price_room_and_score_weigh() -> None:
    weights = PlacementWeights(price=0, balance=0, score=100, assumed_score=40)
    scored = replace(need(), rules=PoolRules(weights=weights))
    (ranked,) = rank(scored, [candidate(score="80")])
    assert ranked.weight == 80
    (unscored,) = rank(scored, [candidate()])
    assert unscored.weight == 40
