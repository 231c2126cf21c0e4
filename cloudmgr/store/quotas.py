"""The table of quotas."""

from __future__ import annotations

from cloudmgr.domain.quota import Quota
from cloudmgr.store.mapper import row_of

QuotaRow = row_of(Quota, index=("scope_id", "parent_id"))
