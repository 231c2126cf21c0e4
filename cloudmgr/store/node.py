"""The table of the one row that says what this database was made for."""

from __future__ import annotations

from cloudmgr.domain.node import NodeSettings
from cloudmgr.store.mapper import row_of

NodeSettingsRow = row_of(NodeSettings)
