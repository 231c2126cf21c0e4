"""The table of the daily heads; the chain itself stands in `tables`."""

from __future__ import annotations

from cloudmgr.domain.audit import AuditHead
from cloudmgr.store.mapper import row_of

AuditHeadRow = row_of(AuditHead)
