"""Routes of dated policies and of the way to the next version."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.policy_drafts import PolicyChange, PolicyDraft, policy_changes
from cloudmgr.services import codec
from cloudmgr.services.policies_drafts import (
    CoSignPolicy,
    DraftPolicy,
    DropPolicy,
    EditPolicy,
    PublishPolicy,
    ReturnPolicy,
)
from cloudmgr.services.reading import read

router = APIRouter(tags=["policies"])

DRAFT = {
    "title": "审核时限调整",
    "reason": "Reviews take longer since the reform",
    "changes": {"clocks": {"review_workdays": 3}},
}

list_route(router, "/policies", Policy)
get_route(router, "/policies/{id}", Policy)
list_route(router, "/policy-drafts", PolicyDraft, "state")
get_route(router, "/policy-drafts/{id}", PolicyDraft)
command_route(router, "/policy-drafts", DraftPolicy, DRAFT, status=201)
command_route(router, "/policy-drafts/{draft_id}/revision", EditPolicy, DRAFT)
command_route(router, "/policy-drafts/{draft_id}/co-signature", CoSignPolicy, {"opinion": "同意"})
command_route(router, "/policy-drafts/{draft_id}/return", ReturnPolicy, {"reason": "recount"})
command_route(
    router,
    "/policy-drafts/{draft_id}/publication",
    PublishPolicy,
    {
        "document_number": "示数据〔2026〕16号",
        "effective_from": "2026-08-01T00:00:00+08:00",
        "kind": "sample",
    },
)
command_route(router, "/policy-drafts/{draft_id}/drop", DropPolicy, {"reason": "not needed"})


@router.get(
    "/policy-drafts/{id}/changes",
    operation_id="list_policy_changes",
    summary="What a draft changes of the policy it stands on",
    response_model=list[PolicyChange],
    responses=responses(401, 404, 422),
)
def changes(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Every figure and rule that differs, by its place, before and after."""
    with edge.reading(secret) as (world, actor, _):
        draft = read(world, actor, PolicyDraft, id)
        found = policy_changes(world.get(Policy, draft.base_policy_id), draft.terms)
    return codec.dump(found, tuple[PolicyChange, ...])
