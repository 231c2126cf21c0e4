"""One transfer carried out: the systems of a department become another's, and what is theirs goes
along. Papers, lines and statements stay with whom they were made for.

Owns which records follow a system (`FOLLOWS`) and which stay (`STAYS`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cloudmgr.domain.allocations import (
    Allocation,
    AllocationState,
    Reservation,
    ReservationState,
    hand_over,
)
from cloudmgr.domain.allocations_papers import ReleaseRecord
from cloudmgr.domain.allocations_trials import TrialExtension
from cloudmgr.domain.applications import Application
from cloudmgr.domain.attachments import Attachment
from cloudmgr.domain.billing import CreditNote, Statement
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.certificates import Certificate
from cloudmgr.domain.continuity import Replica
from cloudmgr.domain.drills import Drill
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.off_catalog import OffCatalogItem
from cloudmgr.domain.openings import OpeningLine
from cloudmgr.domain.parties import Organisation, RoleGrant
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.reorganisations import Moved, Reorganisation, Transfer
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.domain.values import Value
from cloudmgr.services.approvals import send_back
from cloudmgr.services.reorganisations_limits import (
    MoneyMove,
    lock_quotas,
    move_budgets,
    move_quotas,
)
from cloudmgr.services.world import World

FOLLOWS: Mapping[type[Value], str] = {
    Certificate: "subject_id",
    Replica: "application_id",
    Drill: "application_id",
    OffCatalogItem: "application_id",
}
"""Records that are the new department's to see, by the field that names the system."""

WITH_THE_REST: tuple[type[Value], ...] = (MachineRoom, PrivateNetwork)
"""Records of a department itself, which follow when everything does."""

HERE: frozenset[type[Value]] = frozenset(
    {
        Allocation,
        Application,
        Attachment,
        BudgetCommitment,
        Reservation,
        ResourceRequest,
        TrialExtension,
    }
)
"""Records that are moved below, each in its own way."""

STAYS: frozenset[type[Value]] = frozenset(
    {Statement, CreditNote, RatedLine, Budget, ReleaseRecord, ServiceRating, OpeningLine}
)
"""Papers and counters of the department they were made for."""

_SIGNED = (
    RequestState.UNIT_SIGNING,
    RequestState.FIRST_REVIEW,
    RequestState.SUBMITTED,
    RequestState.IN_REVIEW,
)
_OPEN = tuple(each for each in RequestState if not ResourceRequest.LIFECYCLE.final(each))


def move(world: World, reorganisation: Reorganisation, transfer: Transfer, at: datetime) -> Moved:
    """Carry out one transfer; what was a department's at that instant, whoever asked for it."""
    giver, taker = transfer.from_department_id, transfer.to_department_id
    ids = tuple(each.id for each in _applications(world, transfer))
    lock_quotas(world, transfer, ids)
    _lock_requests(world, ids)
    applications = _applications(world, transfer)
    allocations = tuple(
        each
        for each in world.find(Allocation, application_id=ids, department_id=giver)
        if each.state is not AllocationState.RELEASED
    )
    held = world.find(Reservation, application_id=ids, state=ReservationState.HELD)
    quotas = move_quotas(world, transfer, ids, allocations, held)
    requests, returned = _move_requests(world, ids, taker, reorganisation, at)
    budgets = move_budgets(
        world,
        MoneyMove(
            transfer=transfer,
            allocations=allocations,
            request_ids=requests,
            document_number=reorganisation.document_number,
            reorganisation_id=reorganisation.id,
            at=at,
        ),
    )
    for allocation in allocations:
        world.put(hand_over(allocation, taker, at))
    _give(world, (*held, *applications), taker)
    running = tuple(each.id for each in allocations)
    _give(world, world.find(TrialExtension, allocation_id=running) if running else (), taker)
    for kind, field in FOLLOWS.items():
        where: dict[str, Any] = {"department_id": giver, field: ids}
        _give(world, world.find(kind, **where), taker)
    rest = {
        kind: _give(world, world.find(kind, department_id=giver) if transfer.whole else (), taker)
        for kind in WITH_THE_REST
    }
    return Moved(
        from_department_id=giver,
        to_department_id=taker,
        application_ids=ids,
        allocation_ids=tuple(each.id for each in allocations),
        request_ids=requests,
        returned_request_ids=returned,
        pool_ids=_open_pools(world, transfer, allocations),
        quotas=quotas,
        budgets=budgets,
        machine_room_ids=rest[MachineRoom],
        network_ids=rest[PrivateNetwork],
    )


def end_department(
    world: World, department_id: str, successor_id: str, at: datetime
) -> tuple[str, ...]:
    """The department is no more: its people's roles in it end, its papers are the successor's to
    answer for. Returns the grants that ended."""
    department = world.get(Organisation, department_id)
    world.put(replace(department, ended_at=at, successor_id=successor_id))
    ended = []
    for grant in world.find(RoleGrant, organisation_id=department_id):
        if not grant.ended(at):
            world.put(replace(grant, valid_until=at))
            ended.append(grant.id)
    return tuple(ended)


def _applications(world: World, transfer: Transfer) -> tuple[Application, ...]:
    """The systems that go, of those that are still the giver's."""
    own = world.find(Application, department_id=transfer.from_department_id)
    return tuple(each for each in own if transfer.whole or each.id in transfer.application_ids)


def _lock_requests(world: World, application_ids: Collection[str]) -> None:
    found = world.find(ResourceRequest, application_id=tuple(application_ids), state=_OPEN)
    world.lock(*((ResourceRequest, each.id) for each in found))


def _move_requests(
    world: World,
    application_ids: tuple[str, ...],
    taker: str,
    reorganisation: Reorganisation,
    at: datetime,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Drafts and what was approved go along. What was being signed is sent back first: the unit
    that signed it asks no more, so the new one's lead signs anew. Returns (all, sent back)."""
    region_id = world.get(Organisation, taker).region_id
    moved, returned = [], []
    for request in world.find(ResourceRequest, application_id=application_ids, state=_OPEN):
        if request.state in _SIGNED:
            why = f"机构改革 {reorganisation.document_number}: 由 {taker} 重新审签后提交"
            request = send_back(world, request, why, at)
            returned.append(request.id)
        world.put(replace(request, department_id=taker, region_id=region_id))
        _give(world, world.find(Attachment, request_id=request.id), taker)
        moved.append(request.id)
    return tuple(moved), tuple(returned)


def _open_pools(
    world: World, transfer: Transfer, allocations: Collection[Allocation]
) -> tuple[str, ...]:
    """Pools that serve named departments only (行业云) serve whoever takes over what runs there."""
    opened = []
    for id in sorted({each.pool_id for each in allocations}):
        pool = world.get(ResourcePool, id)
        if pool.department_ids and transfer.to_department_id not in pool.department_ids:
            departments = (*pool.department_ids, transfer.to_department_id)
            world.put(replace(pool, department_ids=departments))
            opened.append(id)
    return tuple(opened)


def _give(world: World, records: Collection[Any], taker: str) -> tuple[str, ...]:
    for each in records:
        world.put(replace(each, department_id=taker))
    return tuple(each.id for each in records)
