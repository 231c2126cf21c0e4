"""Routes of the journal (内部往来,非法定账簿): posting sets and the trial balance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import list_route
from cloudmgr.domain.access import CITY_WIDE
from cloudmgr.domain.journal import PostingSet
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import city_offices, look
from cloudmgr.services.journal import TrialBalance, trial_balance

router = APIRouter(tags=["journal"])

BALANCE = look("get_trial_balance", allowed=city_offices, roles=CITY_WIDE)

list_route(router, "/posting-sets", PostingSet, "month", "kind", "source_id")


@router.get(
    "/trial-balance",
    operation_id=BALANCE.operation,
    summary="Trial balance",
    response_model=TrialBalance,
    responses=responses(401, 403),
)
def get_trial_balance(edge: EdgeOf, secret: SecretOf) -> Any:
    """Every account with its balance; they sum to zero. For roles held in a city office."""
    with edge.reading(secret) as (world, actor, _):
        BALANCE.authorise(actor)
        return codec.dump(trial_balance(world))
