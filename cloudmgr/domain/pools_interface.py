"""What a node and a pool say to each other: the values of the pool interface, version 1.

Owns their shape, the rules of a good key and which level owes what. How they travel is
`cloudmgr.pools` on the node's side and the provider's own business on the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from catalog.quantity import ResourceAmount, ResourceClass, whole
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.incidents import Severity
from cloudmgr.domain.pools import ManagementLevel

INTERFACE_VERSION = "1.0"
PREFIX = "/pool/v1"
KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}"
"""A key stands in a path, so it is made of what needs no escape there."""
KEY_REMEMBERED_DAYS = 90
UNKNOWN_CODE = "unknown"
"""The code of the one 404 that says something: no such resource, batch, operation or key. Another
404 may come from a gateway on the way and says nothing about the pool."""
KEY_REUSED_CODE = "key_reused"
UNKNOWN_RESOURCE_CODE = "unknown_resource"
CAPACITY_CODE = "capacity_exceeded"
LIMIT_ITEMS = 500
"""The longest page of any list."""

LEVELS_WITH_READING = (ManagementLevel.MONITORING, ManagementLevel.SCHEDULING)
"""Levels that owe health, inventory, resources, usage and incidents; scheduling owes orders too,
reporting nothing by API."""


class HealthStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"


class OrderAction(StrEnum):
    PROVISION = "provision"
    RESIZE = "resize"
    RELEASE = "release"


class OperationStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (OperationStatus.SUCCEEDED, OperationStatus.FAILED)


class OccurrenceKind(StrEnum):
    """故障 takes service away, 告警 only warns."""

    INCIDENT = "incident"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHealth:
    """Whether the pool can do its part, and which interface and level it claims."""

    interface: str
    pool_id: str
    level: ManagementLevel
    status: HealthStatus
    at: datetime

    def __post_init__(self) -> None:
        _aware("at", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCapacity:
    """Base units of one resource class; `allocated_units` is the sum over all resources."""

    resource_class: ResourceClass
    total_units: int
    reserved_units: int
    allocated_units: int

    def __post_init__(self) -> None:
        for units in (self.total_units, self.reserved_units, self.allocated_units):
            whole(units, at_least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolInventory:
    """资源清单 as the pool itself counts it, one entry per class it has."""

    at: datetime
    classes: tuple[ClassCapacity, ...]

    def __post_init__(self) -> None:
        _aware("at", self.at)

    def allocated(self) -> dict[ResourceClass, int]:
        return {each.resource_class: each.allocated_units for each in self.classes}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolResource:
    """What the pool has for us: `id` is the pool's own, `reference` our allocation's id.

    `amounts` is the whole size (quantity times the Sku), in base units. A released resource is
    no longer listed.
    """

    id: str
    reference: str
    sku_id: str
    quantity: int
    amounts: tuple[ResourceAmount, ...]
    created_at: datetime

    def __post_init__(self) -> None:
        whole(self.quantity)
        _aware("created_at", self.created_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionOrder:
    """Make one resource; `reference` comes back with it wherever it is listed."""

    reference: str
    sku_id: str
    quantity: int
    amounts: tuple[ResourceAmount, ...]
    zone: Zone

    def __post_init__(self) -> None:
        _orderable(self.quantity, self.amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeOrder:
    """Give a resource this whole size, not this much more."""

    sku_id: str
    quantity: int
    amounts: tuple[ResourceAmount, ...]

    def __post_init__(self) -> None:
        _orderable(self.quantity, self.amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOperation:
    """What became of an order. Every well-formed order is accepted and gets one, whose end says
    whether it was done; `code` and `detail` say why it failed.

    One key has one operation for ever: the same key and body give it again, unchanged.
    """

    id: str
    key: str
    action: OrderAction
    status: OperationStatus
    accepted_at: datetime
    ended_at: datetime | None = None
    reference: str = ""
    resource_id: str | None = None
    code: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        _aware("accepted_at", self.accepted_at)
        if self.ended_at is not None:
            _aware("ended_at", self.ended_at)
        if self.status.final != (self.ended_at is not None):
            raise bad_value("ended_at", f"{self.id} is {self.status}; only what is final has ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFile:
    """One published batch of readings: its content under this id never changes.

    `day` is the day in Asia/Shanghai its readings begin on, `sha256` that of its bytes.
    """

    id: str
    day: date
    media_type: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOccurrence:
    """故障 or 告警 the pool tells of; it lists the resources it touches by the pool's ids."""

    id: str
    kind: OccurrenceKind
    severity: Severity
    description: str
    resource_ids: tuple[str, ...]
    opened_at: datetime
    changed_at: datetime
    restored_at: datetime | None = None

    def __post_init__(self) -> None:
        _aware("opened_at", self.opened_at)
        _aware("changed_at", self.changed_at)
        if self.restored_at is not None:
            _aware("restored_at", self.restored_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePage:
    """Resources in order of id; no `next_cursor` means that was all."""

    items: tuple[PoolResource, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePage:
    """Published batches in order of (day, id)."""

    items: tuple[UsageFile, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrencePage:
    """Incidents and alarms in order of id."""

    items: tuple[PoolOccurrence, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolProblem:
    """A refusal (RFC 9457); `code` is stable: `unknown`, `key_reused`, `malformed`, `busy`, …"""

    title: str
    status: int
    code: str
    detail: str
    type: str = "about:blank"


def good_key(key: str) -> str:
    """The key, or `bad_value`: what stands in a path must need no escape."""
    if not re.fullmatch(KEY_PATTERN, key):
        raise bad_value("key", f"{key!r} does not match {KEY_PATTERN}")
    return key


def _orderable(quantity: int, amounts: tuple[ResourceAmount, ...]) -> None:
    whole(quantity)
    classes = [amount.resource_class for amount in amounts]
    if not classes or len(set(classes)) != len(classes):
        raise bad_value("amounts", "name every resource class of the size once")


def _aware(field: str, moment: datetime) -> None:
    if moment.tzinfo is None:
        raise bad_value(field, 'it has no time zone; write "2026-01-01T00:00:00Z"')
