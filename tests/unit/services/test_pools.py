"""Pools, contracts and business systems as they are registered and moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalog.money import amount
from cloudmgr.domain.applications import Application, DrMode, Zone
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import BillingStart, PriceLink
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState
from cloudmgr.services.applications import RegisterApplication
from cloudmgr.services.contracts import RegisterContract
from cloudmgr.services.pools import RegisterPool, SetInventory
from cloudmgr.services.pools_life import MovePool
from tests.support.assessments import at
from tests.support.requests import a_line, check_conserved, running
from tests.support.supply import VCPU
from tests.support.worlds import MONDAY, Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def pool(**how: Any) -> RegisterPool:
    fields: dict[str, Any] = {
        "name_zh": "二期",
        "name_en": "Phase 2",
        "provider_id": "prv",
        "site_id": "site",
        "kind": PoolKind.GENERAL,
        "stack": "x86",
        "zones": (Zone.EXTRANET,),
        "mlps_level": 3,
        "management_level": ManagementLevel.REPORTING,
    }
    return RegisterPool(**(fields | how))


def contract(**how: Any) -> RegisterContract:
    fields: dict[str, Any] = {
        "number": "2026-2",
        "name": "Phase 2",
        "provider_id": "prv",
        "payee_id": "desk",
        "procurement_method": "open tender",
        "signatories": ("a", "b"),
        "starts_at": MONDAY,
        "ends_at": MONDAY + timedelta(days=365),
        "total": amount("100.00"),
        "price_link": PriceLink.FIXED,
        "billing_start": BillingStart.DELIVERY,
        "pool_ids": ("x86",),
    }
    return RegisterContract(**(fields | how))


def system(**how: Any) -> RegisterApplication:
    fields: dict[str, Any] = {
        "code": "B-1",
        "name_zh": "档案",
        "name_en": "Archives",
        "department_id": "health",
        "mlps_level": 2,
        "zone": Zone.EXTRANET,
        "dr_level": 2,
        "dr_mode": DrMode.LOCAL_BACKUP,
        "xinchuang": False,
        "important": False,
    }
    return RegisterApplication(**(fields | how))


def test_a_pool_is_registered_by_the_technical_reviewer_and_then_onboarded(town: Town) -> None:
    made = town.give(pool(), "centre.a")
    assert made.state is PoolState.REGISTERED
    moved = town.give(MovePool(pool_id=made.id, to=PoolState.ONBOARDED), "centre.a")
    assert moved.state is PoolState.ONBOARDED
    for person in ("prv.engineer", "county-centre.a", "bureau.a"):
        assert town.code(pool(), person) == "forbidden"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"provider_id": "health"}, "bad_value"),
        ({"provider_id": "nobody"}, "not_found"),
        ({"site_id": "nowhere"}, "not_found"),
        ({"zones": ()}, "bad_value"),
        ({"stack": "sparc"}, "bad_value"),
    ],
)
def test_a_pool_has_a_provider_a_site_a_zone_and_a_known_stack(
    town: Town, how: dict[str, Any], code: str
) -> None:
    assert town.code(pool(**how), "centre.a") == code


def test_a_retiring_pool_names_the_day_by_which_it_is_empty(town: Town) -> None:
    retire = MovePool(pool_id="x86", to=PoolState.RETIRING, reason="cannot become domestic")
    assert town.code(retire, "centre.a") == "bad_value"
    dated = replace(retire, exit_at=at("12-31 00:00"))
    assert town.give(dated, "centre.a").exit_at == at("12-31 00:00")
    back = MovePool(pool_id="x86", to=PoolState.ONBOARDED)
    assert town.code(back, "centre.a") == "illegal_transition"


def test_inventory_is_stated_by_its_provider_or_the_technical_reviewer(town: Town) -> None:
    running(town, a_line(quantity=3))
    more = SetInventory(
        pool_id="x86",
        resource_class=VCPU,
        total=200,
        reserved=10,
        allocation_ratio_percent=150,
    )
    stated = town.give(more, "prv.engineer")
    assert (stated.offered, stated.allocated, stated.free) == (300, 6, 284)
    assert town.give(more, "centre.a").total == 200
    assert town.code(more, "rival.engineer") == "not_found"
    assert town.code(more, "county-centre.a") == "forbidden"
    check_conserved(town)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"total": -1}, "bad_quantity"),
        ({"total": 1, "reserved": -1}, "bad_quantity"),
        ({"total": 1, "allocation_ratio_percent": 99}, "bad_value"),
        ({"total": 1, "allocation_ratio_percent": 1601}, "bad_value"),
    ],
)
def test_an_inventory_is_made_of_sensible_numbers(
    town: Town, how: dict[str, Any], code: str
) -> None:
    before = town.look(Inventory, "x86/VCPU")
    assert town.code(SetInventory(pool_id="x86", resource_class=VCPU, **how), "centre.a") == code
    assert town.look(Inventory, "x86/VCPU") == before


def test_a_contract_is_registered_by_the_citys_authority(town: Town) -> None:
    made = town.give(contract(), "bureau.a")
    assert (made.left, made.payee_id) == (amount("100.00"), "desk")
    assert town.code(contract(), "treasury.a") == "forbidden"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"provider_id": "health"}, "bad_value"),
        ({"payee_id": "nobody"}, "not_found"),
        ({"ends_at": MONDAY}, "bad_value"),
        ({"total": amount("0.00")}, "bad_value"),
        ({"pool_ids": ()}, "bad_value"),
        ({"pool_ids": ("kunpeng",)}, "bad_value"),
        ({"starts_at": MONDAY.replace(tzinfo=None)}, "bad_period"),
    ],
)
def test_a_contract_covers_pools_of_its_provider_for_a_term_and_a_total(
    town: Town, how: dict[str, Any], code: str
) -> None:
    assert town.code(contract(**how), "bureau.a") == code


def test_a_system_is_entered_by_its_department_or_the_technical_reviewer(town: Town) -> None:
    for person in ("health.user", "centre.a"):
        made = town.give(system(code=f"of {person}"), person)
        assert town.look(Application, made.id).department_id == "health"
    assert town.code(system(), "transport.user") == "not_found"
    assert town.code(system(), "county-centre.a") == "forbidden"


@pytest.mark.parametrize("how", [{"mlps_level": 0}, {"mlps_level": 6}, {"dr_level": 7}])
def test_levels_are_those_of_the_standards(town: Town, how: dict[str, Any]) -> None:
    assert town.code(system(**how), "health.user") == "bad_value"


def test_a_system_belongs_to_a_department(town: Town) -> None:
    assert town.code(system(department_id="prv"), "centre.a") == "bad_value"
