"""The table of messages that wait to leave the node."""

from __future__ import annotations

from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.store.mapper import row_of

OutboxMessageRow = row_of(
    OutboxMessage, index=("state", ("state", "due_at"), ("state", "leased_until"), "subject")
)
