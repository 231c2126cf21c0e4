"""The table of service contracts."""

from __future__ import annotations

from cloudmgr.domain.contracts import Contract
from cloudmgr.store.mapper import row_of

ContractRow = row_of(Contract, index=("provider_id",))
