"""Builders of what the small city's pools are and sell; every argument by name.

Two pools: `x86` of provider `prv` and `kunpeng` of `rival`, each with a contract `contract-<pool>`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.money import amount
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import PricingModel, Sku
from catalog.tiers import flat
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.contracts import BillingStart, Contract, PriceLink
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, ResourcePool
from cloudmgr.domain.quotes import Quote, QuoteState
from tests.support.catalogs import a_ceiling, a_sku

VCPU, MEMORY = ResourceClass.VCPU, ResourceClass.MEMORY_MIB


def _machine(id: str, vcpus: int, **changed: Any) -> Sku:
    sizes = (ResourceAmount(VCPU, vcpus), ResourceAmount(MEMORY, vcpus * 2048))
    return a_sku(id=id, resources=sizes, **changed)


SKUS = (
    _machine("vm", 2),
    _machine("vm-large", 4),
    _machine("vm-kp", 2, xinchuang=True, stacks=("kunpeng",)),
    a_sku(
        id="traffic",
        model=PricingModel.METERED,
        resources=(),
        meter="egress_mib",
        meter_units_per_unit=1024,
    ),
    a_sku(id="setup", model=PricingModel.ONE_OFF, resources=(), meter=None),
)
CEILINGS = (
    a_ceiling(sku_id="vm", at="1000.00"),
    a_ceiling(sku_id="vm-large", at="2000.00"),
    a_ceiling(sku_id="vm-kp", at="1000.00"),
    a_ceiling(sku_id="traffic", at="1.00"),
    a_ceiling(sku_id="setup", at="500.00"),
)
PRICES = {
    "x86": {"vm": "900.00", "vm-large": "1700.00", "traffic": "0.50", "setup": "400.00"},
    "kunpeng": {"vm": "950.00", "vm-large": "1800.00", "vm-kp": "990.00", "traffic": "0.60"},
}
OWNERS = {"x86": "prv", "kunpeng": "rival"}


def a_pool(*, id: str = "x86", **changed: Any) -> ResourcePool:
    fields: dict[str, Any] = {
        "id": id,
        "name_zh": "资源池",
        "name_en": id,
        "provider_id": OWNERS.get(id, "prv"),
        "site_id": "site",
        "kind": PoolKind.GENERAL if id == "x86" else PoolKind.XINCHUANG,
        "stack": "x86" if id == "x86" else "kunpeng",
        "zones": (Zone.INTERNET, Zone.EXTRANET),
        "mlps_level": 3,
        "management_level": ManagementLevel.REPORTING,
        "state": PoolState.ONBOARDED,
    }
    return ResourcePool(**(fields | changed))


def an_inventory(*, pool_id: str = "x86", of: ResourceClass = VCPU, **changed: Any) -> Inventory:
    fields: dict[str, Any] = {
        "id": inventory_id(pool_id, of),
        "pool_id": pool_id,
        "resource_class": of,
        "total": 100 if of is VCPU else 400_000,
    }
    return Inventory(**(fields | changed))


def a_contract(*, id: str = "contract-x86", **changed: Any) -> Contract:
    pool_id = id.removeprefix("contract-")
    fields: dict[str, Any] = {
        "id": id,
        "number": f"test {id}",
        "name": id,
        "provider_id": OWNERS.get(pool_id, "prv"),
        "payee_id": OWNERS.get(pool_id, "prv"),
        "procurement_method": "open tender",
        "signatories": ("city", "provider"),
        "starts_at": datetime.fromisoformat("2025-01-01T00:00:00+08:00"),
        "ends_at": datetime.fromisoformat("2028-01-01T00:00:00+08:00"),
        "total": amount("10000000.00"),
        "price_link": PriceLink.FIXED,
        "billing_start": BillingStart.TRIAL_ACCEPTED,
        "pool_ids": (pool_id,),
    }
    return Contract(**(fields | changed))


def a_quote(*, pool_id: str = "x86", sku_id: str = "vm", **changed: Any) -> Quote:
    fields: dict[str, Any] = {
        "id": f"quote-{pool_id}-{sku_id}",
        "provider_id": OWNERS[pool_id],
        "contract_id": f"contract-{pool_id}",
        "pool_id": pool_id,
        "sku_id": sku_id,
        "tiers": flat(PRICES[pool_id].get(sku_id, "1.00")),
        "effective_from": datetime.fromisoformat("2025-01-01T00:00:00+08:00"),
        "state": QuoteState.IN_FORCE,
    }
    return Quote(**(fields | changed))
