"""The authorisation matrix, for whoever wants to know who may do what."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api import looks as looks
from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.domain.access_matrix import Row
from cloudmgr.services import codec
from cloudmgr.services.access_matrix import matrix

router = APIRouter(tags=["sessions"])


@router.get(
    "/authorisation-matrix",
    operation_id="get_authorisation_matrix",
    summary="Who may do what",
    response_model=list[Row],
    responses=responses(401),
)
def get_matrix(edge: EdgeOf, secret: SecretOf) -> Any:
    """Every operation with the reach of every role, held in the city or in a county: `forbidden`
    is refused, with `nothing` there is nothing to see, `own` reaches what is the organisation's,
    the county's or one's own and tells nothing of the rest, `all` reaches everything. Worked out
    of the rules that decide."""
    with edge.reading(secret):
        pass
    return codec.dump(matrix(), tuple[Row, ...])
