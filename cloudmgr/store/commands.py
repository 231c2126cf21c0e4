"""The table of answers already given to an idempotency key."""

from __future__ import annotations

from cloudmgr.services.commands import IdempotencyRecord
from cloudmgr.store.mapper import row_of

IdempotencyRecordRow = row_of(IdempotencyRecord, index=("at",))
