"""What stands on the papers of a release (资源退出单) and a relocation (跨池迁移单).

Reads only; how they look is the portal's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.allocations_papers import ReleaseRecord, release_record_id
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.overview_values import Named, named
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFormLine:
    """What one line ends or moves. `left` is what is released or relocated away, `successor` what
    a relocation made of it; a release has its papers once they were handed in."""

    line: RequestLine
    left: Allocation
    left_pool: Named
    successor: Allocation | None
    successor_pool: Named | None
    record: ReleaseRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceForm:
    """Everything that stands on the paper."""

    request: ResourceRequest
    at: datetime
    rehearsal: bool
    department: Organisation
    application: Application
    lines: tuple[ResourceFormLine, ...]


def resource_form(world: World, request: ResourceRequest, now: datetime) -> ResourceForm:
    """The paper at `now`; raises `bad_value` for a request that neither releases nor relocates."""
    if request.kind not in (RequestKind.RELEASE, RequestKind.RELOCATE):
        raise bad_value("id", f"{request.id} is a {request.kind}; print its application form")
    settings = world.seek(NodeSettings, NODE_ID)
    return ResourceForm(
        request=request,
        at=now,
        rehearsal=bool(settings and settings.rehearsal),
        department=world.get(Organisation, request.department_id),
        application=world.get(Application, request.application_id),
        lines=tuple(_line(world, request, line) for line in request.lines),
    )


def _line(world: World, request: ResourceRequest, line: RequestLine) -> ResourceFormLine:
    assert line.allocation_id is not None, f"{request.id} names what it works on"
    left = world.get(Allocation, line.allocation_id)
    successor = None
    bound = request.kind is RequestKind.RELOCATE and left.request_id == request.id
    if bound and left.relocated_from is not None:
        successor, left = left, world.get(Allocation, left.relocated_from)
    return ResourceFormLine(
        line=line,
        left=left,
        left_pool=named(world.get(ResourcePool, left.pool_id)),
        successor=successor,
        successor_pool=named(world.get(ResourcePool, successor.pool_id)) if successor else None,
        record=world.seek(ReleaseRecord, release_record_id(request.id, line.line)),
    )
