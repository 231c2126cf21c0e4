"""Rating a completed request's service as a command; the mean is the assessment's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value, not_completed, rated_already
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.domain.service_ratings import ServiceRating, service_rating_id
from cloudmgr.domain.workorders import WorkOrder, WorkOrderState
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class RateService(Command):
    """Give a completed request 1 to 5 stars; name the provider where several delivered it."""

    request_id: str
    stars: int
    comment: str = ""
    provider_id: str | None = None


@handles(Role.DEPARTMENT_USER)
def rate_service(world: World, command: RateService, actor: Actor, now: datetime) -> ServiceRating:
    request = world.get(ResourceRequest, command.request_id)
    require_in(actor, request.department_id, "ResourceRequest", request.id, Role.DEPARTMENT_USER)
    if request.state is not RequestState.COMPLETED:
        raise not_completed(request.id, request.state)
    provider_id = _rated(world, request.id, command.provider_id)
    id = service_rating_id(request.id, provider_id)
    if world.seek(ServiceRating, id) is not None:
        raise rated_already(request.id, provider_id)
    return world.put(
        ServiceRating(
            id=id,
            request_id=request.id,
            department_id=request.department_id,
            provider_id=provider_id,
            stars=command.stars,
            comment=command.comment,
            user_id=actor.user_id,
            at=now,
        )
    )


def _rated(world: World, request_id: str, named: str | None) -> str:
    """The provider that delivered the request, or the one named among several."""
    orders = world.find(WorkOrder, request_id=request_id, state=WorkOrderState.DONE)
    delivered = sorted({order.provider_id for order in orders})
    if named is None and len(delivered) == 1:
        return delivered[0]
    if named in delivered:
        assert named is not None
        return named
    raise bad_value(
        "provider_id", f"name one of those who delivered it: {', '.join(delivered) or 'nobody'}"
    )
