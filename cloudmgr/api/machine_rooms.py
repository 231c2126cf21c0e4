"""Routes of machine rooms."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.services.machine_rooms import (
    DisposeMachineRoom,
    RegisterMachineRoom,
    UpdateMachineRoom,
)

router = APIRouter(tags=["machine rooms"])

_SAID: dict[str, Any] = {
    "code": "JF-101",
    "name_zh": "市档案局机房",
    "name_en": "Archives machine room",
    "address": "示例路 1 号 3 楼",
    "racks": 6,
    "racks_used": 4,
    "pue_hundredths": 198,
    "baseline_cost": "420000.00",
    "disposition": "close",
    "dispose_by": "2026-12-31",
}

list_route(router, "/machine-rooms", MachineRoom, "department_id", "disposition")
get_route(router, "/machine-rooms/{id}", MachineRoom)
command_route(
    router,
    "/machine-rooms",
    RegisterMachineRoom,
    {**_SAID, "department_id": "d01"},
    status=201,
)
command_route(router, "/machine-rooms/{machine_room_id}", UpdateMachineRoom, _SAID)
command_route(
    router,
    "/machine-rooms/{machine_room_id}/dispose",
    DisposeMachineRoom,
    {
        "disposition": "close",
        "disposed_on": "2025-12-20",
        "document_number": "示数〔2025〕12号",
    },
)
