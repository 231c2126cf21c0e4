"""What a connected pool leaves in a node's records, without a pool: for tests that only read."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.drift import Difference, DriftKind
from cloudmgr.domain.incidents import Severity
from cloudmgr.domain.pools_interface import OccurrenceKind, OrderAction, PoolOccurrence
from cloudmgr.domain.pools_orders import PoolOrder
from cloudmgr.services.drift import keep_findings
from cloudmgr.services.pools_connection import take_occurrences
from cloudmgr.services.world import World
from tests.support.api import Api, done

AT = datetime(2026, 3, 20, tzinfo=UTC)
SIZE = (ResourceAmount(ResourceClass.VCPU, 4),)


def connect(api: Api, pool_id: str, provider_id: str) -> None:
    """A pool is connected, told an alarm, has an order under way and something strange in it."""
    body = {"url": "https://pool.example", "credential": "pool", "key_prefix": "test-"}
    done(api.post(f"pools/{pool_id}/connection", "tech.a", body))
    with api.node.transaction() as world:
        take_occurrences(world, pool_id, (an_alarm(),), AT)
        unknown = Difference(
            kind=DriftKind.UNKNOWN_HERE, reference="STRANGE", resource_id="R-1", theirs=SIZE
        )
        keep_findings(world, pool_id, (unknown,), AT)
        _order(world, pool_id, provider_id)


def an_alarm() -> PoolOccurrence:
    return PoolOccurrence(
        id="AL-1",
        kind=OccurrenceKind.ALARM,
        severity=Severity.MINOR,
        description="a fan is slow",
        resource_ids=(),
        opened_at=AT,
        changed_at=AT,
    )


def _order(world: World, pool_id: str, provider_id: str) -> None:
    world.put(
        PoolOrder(
            id="test-REQ-0.1.provision.1",
            pool_id=pool_id,
            provider_id=provider_id,
            request_id="REQ-0",
            line=1,
            work_order_id="",
            allocation_id="ALC-0",
            action=OrderAction.PROVISION,
            sku_id="vm-kunpeng-4c8g",
            quantity=1,
            amounts=SIZE,
            zone=Zone.EXTRANET,
            created_at=AT,
        )
    )
