"""The papers of a release: taken with the delivery list, completed when the department accepts.

Owns the records; whether they are asked for is policy, what a release does `deliveries`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.allocations_papers import (
    ReleasePapers,
    ReleaseRecord,
    billing_end,
    check_papers,
    release_record_id,
)
from cloudmgr.domain.errors import bad_value, not_found
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction
from cloudmgr.services.files import content_of
from cloudmgr.services.policies import allocation_rules, policy_now
from cloudmgr.services.reading import read
from cloudmgr.services.world import World


def releases(order: WorkOrder, request: ResourceRequest) -> bool:
    """Whether closing the order says that something is gone."""
    return order.action is WorkOrderAction.RELEASE or request.kind is RequestKind.RELEASE


def take_papers(
    world: World,
    order: WorkOrder,
    request: ResourceRequest,
    deliveries: Iterable[Delivery],
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what the delivery list of a release brings. Raises `release_papers_missing` where the
    policy asks for papers, `bad_value`, or `not_found` for a file that is not the provider's.

    What was handed in before a rework stands, unless it comes anew.
    """
    required = allocation_rules(world, now).release_papers_required
    lines = {line.line: line for line in request.lines}
    for delivery in deliveries:
        if not releases(order, request):
            if delivery.papers is not None:
                raise bad_value(
                    f"deliveries[{delivery.line}].papers", "only a release has release papers"
                )
            continue
        known = world.seek(ReleaseRecord, release_record_id(request.id, delivery.line))
        if delivery.papers is None and (known is not None or not required):
            continue
        asked_at = request.approved_at or request.created_at
        papers = check_papers(delivery.papers, delivery.line, asked_at=asked_at, now=now)
        allocation_id = lines[delivery.line].allocation_id
        assert allocation_id is not None, f"{request.id} was never bound"
        allocation = world.get(Allocation, allocation_id)
        fresh = _record(world, order, delivery.line, allocation, papers, actor, now)
        world.put(replace(fresh, version=known.version if known else 0))


def papers_wanted(world: World, order: WorkOrder, now: datetime) -> bool:
    """Whether a person of the provider closes the order because its papers are still to come."""
    request = world.get(ResourceRequest, order.request_id)
    if not releases(order, request) or not allocation_rules(world, now).release_papers_required:
        return False
    ids = (release_record_id(request.id, line) for line in order.lines)
    return any(world.seek(ReleaseRecord, id) is None for id in ids)


def billing_ends(
    world: World, request: ResourceRequest, line: int, completed_at: datetime
) -> datetime:
    """When billing of a released line stops; its record is completed with it."""
    record = world.seek(ReleaseRecord, release_record_id(request.id, line))
    assert request.approved_at is not None
    clock = policy_now(world, completed_at).clocks.provisioning_workdays
    ends = billing_end(
        completed_at,
        add_workdays(request.approved_at, clock),
        record.billing_ends_on if record else None,
    )
    _complete(world, record, ends, completed_at)
    return ends


def complete_record(
    world: World, request: ResourceRequest, line: int, ends: datetime, now: datetime
) -> None:
    """An emergency's release: billed until it is gone."""
    _complete(world, world.seek(ReleaseRecord, release_record_id(request.id, line)), ends, now)


def erasure_certificate(world: World, actor: Actor, record_id: str) -> tuple[StoredFile, bytes]:
    """The certificate, for whoever sees the release it belongs to; raises `not_found`."""
    record = read(world, actor, ReleaseRecord, record_id)
    file = world.get(StoredFile, record.erasure_file_id)
    return file, content_of(world, file)


def _complete(world: World, record: ReleaseRecord | None, ends: datetime, now: datetime) -> None:
    if record is not None:
        world.put(replace(record, billing_end=ends, completed_at=now))


def _record(
    world: World,
    order: WorkOrder,
    line: int,
    allocation: Allocation,
    papers: ReleasePapers,
    actor: Actor,
    now: datetime,
) -> ReleaseRecord:
    file = world.seek(StoredFile, papers.erasure_file_id)
    if file is None or file.organisation_id != order.provider_id:
        raise not_found("StoredFile", papers.erasure_file_id)
    return ReleaseRecord(
        id=release_record_id(order.request_id, line),
        request_id=order.request_id,
        line=line,
        allocation_id=allocation.id,
        department_id=allocation.department_id,
        application_id=allocation.application_id,
        pool_id=allocation.pool_id,
        provider_id=order.provider_id,
        data_handed_to=papers.data_handed_to,
        data_handed_on=papers.data_handed_on,
        erasure_file_id=file.id,
        erasure_file_name=file.name,
        erasure_sha256=file.sha256,
        billing_ends_on=papers.billing_ends_on,
        handed_in_by=actor.user_id,
        handed_in_at=now,
    )
