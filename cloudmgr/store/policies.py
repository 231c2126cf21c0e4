"""The table of dated policies."""

from __future__ import annotations

from cloudmgr.domain.policy import Policy
from cloudmgr.store.mapper import row_of

PolicyRow = row_of(Policy)
