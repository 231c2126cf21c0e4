"""The monthly list: made at the month's first instant, of what stood there then, once."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from openpyxl import load_workbook

from catalog.errors import CloudmgrError
from cloudmgr.domain.policy_pools import PoolRules, Waterline
from cloudmgr.domain.pools import PoolState
from cloudmgr.domain.resource_lists import ResourceList, ResourceListLine
from cloudmgr.services.pools_life import MovePool
from cloudmgr.services.resource_lists import start_lists
from cloudmgr.services.resource_lists_papers import list_page, list_workbook
from tests.support.requests import a_line, running
from tests.support.sites import rule
from tests.support.supply import a_pool
from tests.support.worlds import MONDAY, Town, a_town


@pytest.fixture
def town() -> Town:
    town = a_town()
    with town.transaction() as world:
        start_lists(world, MONDAY)
    return town


def test_a_list_is_made_each_month_of_what_stood_there_then(town: Town) -> None:
    rule(town, pools=PoolRules(waterlines=(Waterline(percent=95),)))
    running(town, a_line(quantity=4, pool_id="x86"))
    town.wait("02-10 00:00")
    running(town, a_line(pool_id="x86"), department="transport")
    town.wait("03-01 00:00")
    february, march = town.all(ResourceList)
    assert (february.id, march.id) == ("2026-02", "2026-03")
    assert february.as_of == datetime.fromisoformat("2026-02-01T00:00:00+08:00")
    lines = {each.id: each for each in town.all(ResourceListLine)}
    assert lines["2026-02/x86/VCPU"].allocated == 8
    assert lines["2026-02/x86/VCPU"].below_waterline
    assert lines["2026-03/x86/VCPU"].allocated == 10
    assert not lines["2026-03/kunpeng/VCPU"].below_waterline
    assert (february.lines, february.pools, february.below_waterline) == (4, 2, 1)
    assert "resource_list_made" in {each.topic for each in town.messages}


def test_starting_twice_makes_one_list_a_month(town: Town) -> None:
    with town.transaction() as world:
        start_lists(world, MONDAY)
    town.wait("02-01 00:00")
    assert len(town.all(ResourceList)) == 1


def test_a_node_begins_with_its_first_pool() -> None:
    town = a_town()
    town.keep(a_pool(id="new", state=PoolState.REGISTERED, stack="x86"))
    town.give(MovePool(pool_id="new", to=PoolState.ONBOARDED), "centre.a")
    town.wait("02-01 00:00")
    assert [each.id for each in town.all(ResourceList)] == ["2026-02"]


def test_pools_that_are_not_onboarded_or_gone_are_not_listed(town: Town) -> None:
    town.keep(a_pool(id="new", state=PoolState.REGISTERED, stack="x86"))
    town.wait("02-01 00:00")
    assert {each.pool_id for each in town.all(ResourceListLine)} == {"x86", "kunpeng"}


def test_the_workbook_has_every_line_for_offices_and_the_providers_own_for_it(town: Town) -> None:
    town.wait("02-01 00:00")
    with town.reading() as world:
        everything = _table(list_workbook(world, town.actor("centre.a"), "2026-02"))
        own = _table(list_workbook(world, town.actor("rival.engineer"), "2026-02"))
        page = list_page(world, town.actor("treasury.a"), "2026-02")
        for who, id in (("health.user", "2026-02"), ("centre.a", "2026-01")):
            with pytest.raises(CloudmgrError) as refused:
                list_workbook(world, town.actor(who), id)
            assert refused.value.code == "not_found"
    assert {row[0] for row in everything} == {"x86", "kunpeng"}
    assert {row[0] for row in own} == {"kunpeng"}
    assert page.count("<tr>") == 5
    assert "示例参数" in page


def _table(data: bytes) -> list[tuple[Any, ...]]:
    rows = list(load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if row[0] == "资源池编号")
    return rows[start + 1 :]
