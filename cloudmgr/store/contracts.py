"""Tables of service contracts and their amendments."""

from __future__ import annotations

from cloudmgr.domain.contracts import Contract, ContractAmendment
from cloudmgr.store.mapper import row_of

ContractRow = row_of(Contract, index=("provider_id", "number"))
ContractAmendmentRow = row_of(ContractAmendment, index=("contract_id", "provider_id"))
