"""Records for the contract tests, made with keywords where they matter."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from catalog.quantity import ResourceClass
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.parties import Region, RegionLevel
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services.world import World

NOON = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)


def region(id: str = "city", **changes: Any) -> Region:
    fields = {"name_zh": "示例市", "name_en": "Sample", "level": RegionLevel.CITY, **changes}
    return Region(id=id, **fields)


def request(id: str = "REQ-1", **changes: Any) -> ResourceRequest:
    fields: dict[str, Any] = {
        "kind": RequestKind.NEW,
        "department_id": "dept-1",
        "region_id": "city",
        "application_id": "app-1",
        "submitter_id": "user-1",
        "reason": "",
        "lines": (RequestLine(line=1, sku_id="vm", quantity=2),),
        "created_at": NOON,
        **changes,
    }
    return ResourceRequest(id=id, **fields)


def timer(id: str = "T-1", **changes: Any) -> Timer:
    fields = {"kind": "reminder", "subject_id": "REQ-1", "due_at": NOON, **changes}
    return Timer(id=id, **fields)


def inventory(pool_id: str = "pool-1", **changes: Any) -> Inventory:
    fields = {"resource_class": ResourceClass.VCPU, "total": 1000, **changes}
    return Inventory(id=f"{pool_id}/VCPU", pool_id=pool_id, **fields)


def budget(id: str = "B-1", **changes: Any) -> Budget:
    fields: dict[str, Any] = {
        "payer_id": "dept-1",
        "department_id": None,
        "parent_id": None,
        "year": 2026,
        "document_number": "示例〔2026〕1号",
        "project_code": "",
        "fund_source": "",
        "approved": Decimal("100.00"),
        **changes,
    }
    return Budget(id=id, **fields)


def record(world: World, subject: str) -> None:
    """An audit event of what the transaction has put."""
    world.audit(
        at=NOON, user_id="u", role="authority", command="test", subject=subject, request_id="r"
    )
