"""Routes of sites, resource pools and their inventory."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.services.pools import MovePool, RegisterPool, SetInventory

router = APIRouter(tags=["pools"])

list_route(router, "/sites", Site, "region_id")
list_route(router, "/pools", ResourcePool, "provider_id", "site_id", "kind", "state")
get_route(router, "/pools/{id}", ResourcePool)
list_route(router, "/inventories", Inventory, "pool_id", "resource_class")
command_route(
    router,
    "/pools",
    RegisterPool,
    {
        "name_zh": "信创资源池二期",
        "name_en": "Xinchuang pool, phase 2",
        "provider_id": "prov1",
        "site_id": "site-primary",
        "kind": "xinchuang",
        "stack": "kunpeng",
        "zones": ["extranet"],
        "mlps_level": 3,
        "management_level": "scheduling",
    },
    status=201,
)
command_route(router, "/pools/{pool_id}/moves", MovePool, {"to": "restricted"})
command_route(
    router,
    "/pools/{pool_id}/inventory",
    SetInventory,
    {"resource_class": "VCPU", "total": 2048, "allocation_ratio_percent": 200},
)
