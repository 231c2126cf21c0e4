"""What a node is: production or rehearsal, and a rehearsal's clock. Written once at creation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import utc
from cloudmgr.domain.audit import AuditDigest
from cloudmgr.domain.errors import clock_backwards, rehearsal_only
from cloudmgr.domain.values import Value

NODE_ID = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(Value):
    """The one row that says what this database was made for; `rehearsal` never changes."""

    rehearsal: bool
    city: str
    created_at: datetime
    clock: datetime | None = None
    audit_digest: AuditDigest = AuditDigest.SHA256


def move_clock(settings: NodeSettings, to: datetime) -> NodeSettings:
    """Move a rehearsal's clock forward; raises `rehearsal_only` or `clock_backwards`."""
    if not settings.rehearsal or settings.clock is None:
        raise rehearsal_only()
    if utc(to) < settings.clock:
        raise clock_backwards(settings.clock.isoformat(), utc(to).isoformat())
    return replace(settings, clock=utc(to))
