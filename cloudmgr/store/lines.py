"""The table of rated lines, the largest of all."""

from __future__ import annotations

from cloudmgr.domain.lines import RatedLine
from cloudmgr.store.mapper import row_of

# Few indexes on purpose: a month's close inserts a line per resource, price and size.
RatedLineRow = row_of(
    RatedLine,
    index=(
        ("month", "state"),
        ("served_month", "state"),
        ("month", "department_id"),
        ("month", "provider_id"),
        "statement_id",
        "allocation_id",
        "corrects",
    ),
)
