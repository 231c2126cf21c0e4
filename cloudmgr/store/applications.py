"""The table of business systems."""

from __future__ import annotations

from cloudmgr.domain.applications import Application
from cloudmgr.store.mapper import row_of

ApplicationRow = row_of(Application, index=("department_id", "state"))
