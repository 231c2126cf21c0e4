"""Routes of service contracts."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.contracts import Contract
from cloudmgr.services.contracts import RegisterContract

router = APIRouter(tags=["contracts"])

list_route(router, "/contracts", Contract, "provider_id", "payee_id")
get_route(router, "/contracts/{id}", Contract)
command_route(
    router,
    "/contracts",
    RegisterContract,
    {
        "number": "示例-2026-001",
        "name": "Government cloud services 2026",
        "provider_id": "prov1",
        "payee_id": "prov1",
        "procurement_method": "public tender",
        "signatories": ["市数据局", "示例云服务商"],
        "starts_at": "2026-01-01T00:00:00+08:00",
        "ends_at": "2029-01-01T00:00:00+08:00",
        "total": "90000000.00",
        "price_link": "follow_ceiling",
        "billing_start": "trial_accepted",
        "pool_ids": ["kunpeng-a"],
    },
    status=201,
)
