"""The table of posting sets."""

from __future__ import annotations

from cloudmgr.domain.journal import PostingSet
from cloudmgr.store.mapper import row_of

PostingSetRow = row_of(PostingSet, index=("month", "source_id"))
