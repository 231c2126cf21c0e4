"""Loading puts a whole city at once, the same bytes every time, or nothing at all."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from catalog.errors import Conflict, Invalid
from catalog.period import Month
from cloudmgr.cities.city import City
from cloudmgr.cities.load import load_city, put_city
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.assessment import AssessmentScheme
from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.domain.catalogs import PublishedCatalog
from cloudmgr.domain.errors import Unauthenticated
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.placements import monthly_of
from cloudmgr.services.policies import policy_now
from cloudmgr.services.sessions import actor_of, check_password
from tests.unit.cities.conftest import Loaded


def test_loading_says_what_it_put(city: City, loaded: Loaded) -> None:
    counts = loaded.answer.counts
    with loaded.node.transaction() as world:
        departments = world.find(Organisation, kind=OrganisationKind.DEPARTMENT)
        assert counts["departments"] == len(departments) == 46
        assert counts["applications"] == len(world.find(Application)) == 85
        assert counts["pools"] == len(world.find(ResourcePool)) == len(city.pools)
        assert counts["allocations"] == len(world.find(Allocation)) >= 400


def test_the_citys_month_costs_one_to_three_million_yuan(loaded: Loaded) -> None:
    assert Decimal(1_000_000) <= loaded.answer.monthly <= Decimal(3_000_000)
    with loaded.node.transaction() as world:
        summed = sum(
            (monthly_of(each, world, loaded.answer.cut_over) for each in world.find(Allocation)),
            Decimal(0),
        )
    assert loaded.answer.monthly == summed


def test_the_node_is_a_rehearsal_whose_clock_stands_at_the_cut_over(loaded: Loaded) -> None:
    with loaded.node.transaction() as world:
        settings = world.get(NodeSettings, NODE_ID)
    assert settings.rehearsal
    assert settings.city == "reference"
    assert settings.clock == loaded.answer.cut_over == datetime(2025, 12, 31, 16, tzinfo=UTC)


def test_policy_scheme_catalog_and_the_first_period_are_in_place(
    city: City, loaded: Loaded
) -> None:
    with loaded.node.transaction() as world:
        assert policy_now(world, city.opens_at).settlement_cycle_months == 1
        assert world.get(PublishedCatalog, city.catalog_id).effective_from <= city.opens_at
        assert any(each.effective_from <= city.opens_at for each in world.find(AssessmentScheme))
        period = world.get(BillingPeriod, str(Month.of(city.opens_at)))
    assert (period.id, period.state) == ("2026-01", PeriodState.OPEN)


def test_everybody_signs_in_with_the_sample_password(city: City, loaded: Loaded) -> None:
    with loaded.node.reading() as world:
        for login in ("d01.user", "finance-xiayi.a"):
            user = check_password(world, login, city.sample_password)
            (grant,) = actor_of(world, user.id).grants
            assert grant.organisation_id == login.partition(".")[0]
        with pytest.raises(Unauthenticated):
            check_password(world, "d01.user", "another one")


def test_a_second_load_gives_the_same_bytes_in_under_three_seconds(loaded: Loaded) -> None:
    node = MemoryNode()
    begun = time.process_time()
    with node.transaction() as world:
        again = load_city(world, "reference")
    assert time.process_time() - begun < 3
    assert again == loaded.answer
    assert node.events[0].hash == loaded.node.events[0].hash


def test_a_city_goes_into_an_empty_node_only(loaded: Loaded) -> None:
    with pytest.raises(Conflict, match="already_exists"), loaded.node.transaction() as world:
        load_city(world, "reference")


def test_a_city_that_does_not_fit_together_leaves_nothing_behind(city: City) -> None:
    node = MemoryNode()
    nothing = tuple(replace(each, total=0, reserved=0) for each in city.inventories)
    with pytest.raises(Invalid, match="bad_city"), node.transaction() as world:
        put_city(world, replace(city, inventories=nothing))
    assert not any(node.records.values())
    assert not node.events
