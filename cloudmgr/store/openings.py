"""Tables of openings and their lines."""

from __future__ import annotations

from cloudmgr.domain.openings import Opening, OpeningLine
from cloudmgr.store.mapper import row_of

OpeningRow = row_of(Opening)
OpeningLineRow = row_of(
    OpeningLine, index=(("opening_id", "state"), "provider_id", "department_id")
)
