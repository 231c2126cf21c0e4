"""The manifest of received usage batches; the readings themselves are in the lake."""

from __future__ import annotations

from cloudmgr.domain.usage import UsageBatch
from cloudmgr.store.mapper import row_of

UsageBatchRow = row_of(UsageBatch, index=("pool_id", "provider_id", "sequence"))
