"""The table of protected periods."""

from __future__ import annotations

from cloudmgr.domain.protected_periods import ProtectedPeriod
from cloudmgr.store.mapper import row_of

ProtectedPeriodRow = row_of(ProtectedPeriod, index=("state",))
