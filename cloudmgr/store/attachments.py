"""The table of attachments of requests."""

from __future__ import annotations

from cloudmgr.domain.attachments import Attachment
from cloudmgr.store.mapper import row_of

AttachmentRow = row_of(Attachment, index=("request_id", "department_id"))
