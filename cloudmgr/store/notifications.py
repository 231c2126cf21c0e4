"""The table of what people are told."""

from __future__ import annotations

from cloudmgr.domain.notifications import Notification
from cloudmgr.store.mapper import row_of

NotificationRow = row_of(Notification, index=(("user_id", "read"), "message_id"))
