"""Routes of sites, resource pools, their life and their inventory."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.api.views import WORKBOOK, view, workbook
from cloudmgr.domain.capacity import Inventory, InventoryRecord
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.pools_life import ConformanceReport, ExitPlan, MigrationWave, PoolReport
from cloudmgr.services.pools import (
    EditPool,
    EditSite,
    RegisterPool,
    RegisterSite,
    SetInventory,
    StatePoolMakeup,
    StateSiteFacts,
)
from cloudmgr.services.pools_life import (
    ChangeManagementLevel,
    MovePool,
    PlanMigrationWave,
    PoolStanding,
    RecordConformance,
    ReviseMigrationWave,
    plan_of_exit,
    standing_of_pool,
)
from cloudmgr.services.pools_reports import SubmitPoolReport, report_template
from cloudmgr.services.reading import read, visible

router = APIRouter(tags=["pools"])

list_route(router, "/sites", Site, "region_id")
get_route(router, "/sites/{id}", Site)
list_route(router, "/pools", ResourcePool, "provider_id", "site_id", "kind", "state")
get_route(router, "/pools/{id}", ResourcePool)
list_route(router, "/inventories", Inventory, "pool_id", "resource_class")
list_route(router, "/inventory-records", InventoryRecord, "pool_id", "resource_class")
list_route(router, "/conformance-reports", ConformanceReport, "pool_id", "level", "passed")
list_route(router, "/migration-waves", MigrationWave, "pool_id")
list_route(router, "/pool-reports", PoolReport, "pool_id")
command_route(
    router,
    "/sites",
    RegisterSite,
    {
        "name_zh": "县区边缘机房",
        "name_en": "County edge room",
        "region_id": "xiayi",
        "role": "primary",
        "latitude_microdegrees": 34237000,
        "longitude_microdegrees": 116131000,
        "racks": 20,
        "racks_used": 4,
        "pue_hundredths": 150,
    },
    status=201,
)
command_route(router, "/sites/{site_id}/edits", EditSite, {"name_en": "Primary data centre"})
command_route(
    router,
    "/sites/{site_id}/facts",
    StateSiteFacts,
    {"racks": 300, "racks_used": 210, "pue_hundredths": 138},
)
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
command_route(router, "/pools/{pool_id}/edits", EditPool, {"name_en": "Kunpeng pool, phase 1"})
command_route(
    router,
    "/pools/{pool_id}/makeup",
    StatePoolMakeup,
    {
        "makeup": [
            {"part": "chip", "product": "Kunpeng 920", "domestic": True, "units": 96},
            {"part": "operating_system", "product": "openEuler", "domestic": True, "units": 48},
            {"part": "database", "product": "openGauss", "domestic": True, "units": 12},
        ]
    },
)
command_route(
    router,
    "/pools/{pool_id}/moves",
    MovePool,
    {"to": "restricted", "reason": "full but for the reserve"},
)
command_route(
    router,
    "/pools/{pool_id}/conformance-reports",
    RecordConformance,
    {
        "level": "scheduling",
        "passed": True,
        "notes": "all checks of the conformance suite passed",
        "tested_at": "2026-01-01T00:00:00+08:00",
    },
    status=201,
)
command_route(
    router,
    "/pools/{pool_id}/management-level",
    ChangeManagementLevel,
    {"level": "monitoring", "reason": "its interface was switched off"},
)
command_route(
    router,
    "/pools/{pool_id}/migration-waves",
    PlanMigrationWave,
    {
        "name": "First wave: test systems",
        "starts_at": "2026-03-01T00:00:00+08:00",
        "due_at": "2026-04-01T00:00:00+08:00",
        "allocation_ids": ["ALC-00000001"],
    },
    status=201,
)
command_route(
    router,
    "/migration-waves/{wave_id}/revisions",
    ReviseMigrationWave,
    {"due_at": "2026-05-01T00:00:00+08:00"},
)
command_route(
    router,
    "/pools/{pool_id}/inventory",
    SetInventory,
    {
        "resource_class": "VCPU",
        "total": 2048,
        "allocation_ratio_percent": 200,
        "reason": "second phase accepted",
    },
)
command_route(
    router,
    "/pools/{pool_id}/reports",
    SubmitPoolReport,
    {"batch_id": "2026-01", "file_id": "FILE-00000001"},
    status=201,
)


@router.get(
    "/pools/{id}/standing",
    operation_id="get_pool_standing",
    summary="What a pool's state forbids, its checklist, how much of it is domestic",
    response_model=PoolStanding,
    responses=responses(401, 404, 422),
)
def get_standing(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """For whoever may see the pool's inventory: the city's offices and its provider."""
    with edge.reading(secret) as (world, actor, now):
        return view(standing_of_pool(world, _managed(world, actor, id), now))


@router.get(
    "/pools/{id}/exit-plan",
    operation_id="get_exit_plan",
    summary="Migration waves of a pool, what is still there and what is overdue",
    response_model=ExitPlan,
    responses=responses(401, 404, 422),
)
def get_exit_plan(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """For the city's offices and the pool's provider."""
    with edge.reading(secret) as (world, actor, now):
        return view(plan_of_exit(world, _managed(world, actor, id), now))


@router.get(
    "/pools/{id}/report-template",
    operation_id="get_pool_report_template",
    summary="The workbook by which a pool at reporting level reports inventory and use",
    response_class=Response,
    responses=WORKBOOK,
)
def get_report_template(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """With the inventory as it stands and the resources that run there."""
    with edge.reading(secret) as (world, actor, _):
        data = report_template(world, actor, _managed(world, actor, id))
    return workbook(f"报送表{id}", data)


def _managed(world: Any, actor: Any, id: str) -> ResourcePool:
    """A pool whose inside the actor may see; departments see pools from outside only."""
    pool = read(world, actor, ResourcePool, id)
    if visible(world, actor, Inventory) is None:
        raise not_found("ResourcePool", id)
    return pool
