"""Routes of proposals: the way from one catalog version to the next."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.proposals import Proposal, ProposalComment, ProposalContent
from cloudmgr.services.proposals import (
    CommentOnProposal,
    CoSignProposal,
    DraftProposal,
    DropProposal,
    EditProposal,
    OpenProposal,
    PublishProposal,
    RebaseProposal,
    ReturnProposal,
)

router = APIRouter(tags=["proposals"])

REPRICED = {
    "action": "reprice",
    "sku_id": "vm-kunpeng-4c8g",
    "ceiling": {
        "sku_id": "vm-kunpeng-4c8g",
        "tiers": [{"from_quantity": 0, "unit_price": "280.000000"}],
        "kind": "ceiling",
        "source": "Price survey of the bureau",
        "year": "2026",
    },
    "reason": "The market has become cheaper",
}
DRAFT = {
    "title": "2026年第二批目录调整",
    "reason": "Yearly price review",
    "changes": [REPRICED],
}

list_route(router, "/proposals", Proposal, "state", "base_version_id")
get_route(router, "/proposals/{id}", Proposal)
get_route(router, "/proposals/{id}/content", ProposalContent)
list_route(router, "/proposal-comments", ProposalComment, "proposal_id", "organisation_id")
command_route(router, "/proposals", DraftProposal, DRAFT, status=201)
command_route(router, "/proposals/{proposal_id}/revision", EditProposal, DRAFT)
command_route(router, "/proposals/{proposal_id}/rebase", RebaseProposal, {})
command_route(router, "/proposals/{proposal_id}/opening", OpenProposal, {})
command_route(
    router,
    "/proposals/{proposal_id}/comments",
    CommentOnProposal,
    {"organisation_id": "prov1", "text": "The cut is steep for reserved machines"},
    status=201,
)
command_route(router, "/proposals/{proposal_id}/return", ReturnProposal, {"reason": "recount"})
command_route(router, "/proposals/{proposal_id}/co-signature", CoSignProposal, {"opinion": "同意"})
command_route(
    router,
    "/proposals/{proposal_id}/publication",
    PublishProposal,
    {
        "document_number": "示数据〔2026〕15号",
        "effective_from": "2026-08-01T00:00:00+08:00",
        "kind": "sample",
    },
)
command_route(
    router, "/proposals/{proposal_id}/drop", DropProposal, {"reason": "replaced by another one"}
)
