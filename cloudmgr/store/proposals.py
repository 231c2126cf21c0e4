"""Tables of proposals to change the catalog, of what they change, and of what was said of them."""

from __future__ import annotations

from cloudmgr.domain.proposals import Proposal, ProposalComment, ProposalContent
from cloudmgr.store.mapper import row_of

ProposalRow = row_of(Proposal, index=("state",))
ProposalContentRow = row_of(ProposalContent)
ProposalCommentRow = row_of(ProposalComment, index=("proposal_id", "organisation_id"))
