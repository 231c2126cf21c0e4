"""The table of adoption targets."""

from __future__ import annotations

from cloudmgr.domain.adoption import AdoptionTarget
from cloudmgr.store.mapper import row_of

AdoptionTargetRow = row_of(AdoptionTarget)
