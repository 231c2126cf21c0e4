"""The manifest of received usage batches. What a reading is and means lives in `metering`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.values import Value


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows of a batch one quarantine reason holds back."""

    reason: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBatch(Value):
    """A received batch; `sequence` orders batches, `partitions` are its files in the lake.

    accepted + quarantined = sent, always.
    """

    pool_id: str
    provider_id: str
    digest: str
    sequence: int
    sent: int
    accepted: int
    quarantined: int
    reasons: tuple[ReasonCount, ...]
    partitions: tuple[str, ...]
    quarantine_path: str | None
    received_at: datetime


def usage_batch_id(pool_id: str, batch_id: str) -> str:
    """A pool names its batches as it likes; another pool may use the same names."""
    return f"{pool_id}/{batch_id}"
