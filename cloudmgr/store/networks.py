"""The table of private networks."""

from __future__ import annotations

from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.store.mapper import row_of

PrivateNetworkRow = row_of(PrivateNetwork, index=("department_id",))
