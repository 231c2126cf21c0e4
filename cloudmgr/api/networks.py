"""Routes of private networks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.services.networks import IntegrateNetwork, RegisterNetwork, UpdateNetwork

router = APIRouter(tags=["networks"])

_SAID: dict[str, Any] = {
    "code": "ZW-101",
    "name_zh": "档案专网",
    "name_en": "Archives network",
    "purpose": "馆际调阅",
    "bandwidth_mbps": 100,
    "integrate_by": "2026-12-31",
}

list_route(router, "/networks", PrivateNetwork, "department_id")
get_route(router, "/networks/{id}", PrivateNetwork)
command_route(router, "/networks", RegisterNetwork, {**_SAID, "department_id": "d01"}, status=201)
command_route(router, "/networks/{network_id}", UpdateNetwork, _SAID)
command_route(
    router,
    "/networks/{network_id}/integrate",
    IntegrateNetwork,
    {"integrated_on": "2025-12-20", "document_number": "示数〔2025〕13号"},
)
