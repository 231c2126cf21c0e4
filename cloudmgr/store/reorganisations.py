"""The table of reorganisations."""

from __future__ import annotations

from cloudmgr.domain.reorganisations import Reorganisation
from cloudmgr.store.mapper import row_of

ReorganisationRow = row_of(Reorganisation, index=("state",))
