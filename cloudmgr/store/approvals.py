"""The table of signatures under requests."""

from __future__ import annotations

from cloudmgr.domain.approvals import Approval
from cloudmgr.store.mapper import row_of

ApprovalRow = row_of(Approval, index=("request_id", "user_id"))
