"""The table of long jobs."""

from __future__ import annotations

from cloudmgr.domain.jobs import Job
from cloudmgr.store.mapper import row_of

JobRow = row_of(Job, index=("state", ("kind", "state"), "subject"))
