"""The table of delegations."""

from __future__ import annotations

from cloudmgr.domain.delegations import Delegation
from cloudmgr.store.mapper import row_of

DelegationRow = row_of(Delegation, index=(("state", "ends_at"), "delegate_id", "organisation_id"))
