"""How requests are lived through in a small city: asked, signed, delivered, confirmed; and what
must hold of the counters whatever happens. Cities are `tests.support.worlds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from catalog.money import total
from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Allocation, Reservation, ReservationState
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.budget import Budget, BudgetCommitment, CommitmentState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.quota import Quota, QuotaScope
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderState
from cloudmgr.services.provisioning import (
    AcceptWorkOrder,
    CompleteWorkOrder,
    ConfirmDelivery,
    RefuseWorkOrder,
)
from cloudmgr.services.quotas import scopes_above
from cloudmgr.services.requests import (
    DispatchRequest,
    DraftRequest,
    ResubmitRequest,
    SignRequest,
    SubmitRequest,
)
from tests.support.worlds import Town

SIGNERS = {
    Role.COUNTY_REVIEWER: "county-health.reviewer",
    Role.OPERATING_COMPANY: "desk.a",
    Role.TECHNICAL_REVIEWER: "centre.a",
    Role.FINANCE: "treasury.a",
    Role.AUTHORITY: "bureau.a",
}


def a_line(*, line: int = 1, sku_id: str = "vm", quantity: int = 1, **changed: Any) -> RequestLine:
    return RequestLine(line=line, sku_id=sku_id, quantity=quantity, **changed)


def drafted(
    town: Town,
    *lines: RequestLine,
    kind: RequestKind = RequestKind.NEW,
    department: str = "health",
    by: str | None = None,
) -> ResourceRequest:
    command = a_draft(*lines, kind=kind, department=department)
    draft: ResourceRequest = town.give(command, by or f"{department}.user")
    return draft


def a_draft(
    *lines: RequestLine, kind: RequestKind = RequestKind.NEW, department: str = "health"
) -> DraftRequest:
    return DraftRequest(
        department_id=department,
        application_id=f"{department}-app",
        kind=kind,
        reason="a test",
        lines=lines or (a_line(),),
    )


def submitted(town: Town, *lines: RequestLine, **how: Any) -> ResourceRequest:
    """Drafted and handed to the department's lead."""
    draft = drafted(town, *lines, **how)
    handed: ResourceRequest = town.give(
        SubmitRequest(request_id=draft.id), f"{draft.department_id}.user"
    )
    return handed


def signer_of(request: ResourceRequest) -> str:
    """Whose turn it is."""
    role = Role(request.awaiting_role)
    return SIGNERS.get(role, f"{request.department_id}.lead")


def signed(
    town: Town, request: ResourceRequest, decision: Decision = Decision.APPROVE
) -> ResourceRequest:
    """The next signature, by the person whose turn it is."""
    command = SignRequest(request_id=request.id, decision=decision, opinion="a reason")
    answer: ResourceRequest = town.give(command, signer_of(request))
    return answer


def signed_until(town: Town, request: ResourceRequest, step: str) -> ResourceRequest:
    """Approved by everybody before `step`, which it waits for now."""
    while request.awaiting_step != step:
        assert request.awaiting_step, f"{request.id} never waits for {step}"
        request = signed(town, request)
    return request


def approved(town: Town, *lines: RequestLine, **how: Any) -> ResourceRequest:
    """Submitted and signed by everybody who is asked; an emergency is being provisioned then."""
    request = submitted(town, *lines, **how)
    while request.awaiting_step:
        request = signed(town, request)
    return request


def dispatched(town: Town, request: ResourceRequest) -> ResourceRequest:
    answer: ResourceRequest = town.give(DispatchRequest(request_id=request.id), "desk.b")
    return answer


def orders(town: Town, request: ResourceRequest) -> tuple[WorkOrder, ...]:
    """The work orders that wait for their provider."""
    states = (WorkOrderState.OPEN, WorkOrderState.ACCEPTED)
    return town.all(WorkOrder, request_id=request.id, state=states)


def accepted(town: Town, order: WorkOrder) -> WorkOrder:
    answer: WorkOrder = town.give(AcceptWorkOrder(work_order_id=order.id), engineer_of(order))
    return answer


def done(town: Town, order: WorkOrder) -> WorkOrder:
    """Accepted, if it was not, and closed with its delivery list."""
    if order.state is WorkOrderState.OPEN:
        accepted(town, order)
    list_ = tuple(Delivery(line, f"{order.pool_id}-{order.id}-{line}") for line in order.lines)
    answer: WorkOrder = town.give(
        CompleteWorkOrder(work_order_id=order.id, deliveries=list_), engineer_of(order)
    )
    return answer


def refused(town: Town, order: WorkOrder, reason: str = "no image") -> WorkOrder:
    answer: WorkOrder = town.give(
        RefuseWorkOrder(work_order_id=order.id, reason=reason), engineer_of(order)
    )
    return answer


def engineer_of(order: WorkOrder) -> str:
    return f"{order.provider_id}.engineer"


def delivered(town: Town, *lines: RequestLine, **how: Any) -> ResourceRequest:
    """Approved, dispatched and delivered by every pool."""
    request = approved(town, *lines, **how)
    if request.kind is not RequestKind.EMERGENCY:
        request = dispatched(town, request)
    for order in orders(town, request):
        done(town, order)
    return look(town, request)


def confirmed(town: Town, request: ResourceRequest) -> ResourceRequest:
    answer: ResourceRequest = town.give(
        ConfirmDelivery(request_id=request.id, accepted=True), f"{request.department_id}.user"
    )
    return answer


def completed(town: Town, *lines: RequestLine, **how: Any) -> ResourceRequest:
    """The whole life of a request; an emergency waits to be ratified then."""
    return confirmed(town, delivered(town, *lines, **how))


def running(town: Town, *lines: RequestLine, **how: Any) -> Allocation:
    """The allocation of the first line of a request that was carried out."""
    request = completed(town, *lines, **how)
    return allocation_of(town, request)


def resubmitted(
    town: Town, request: ResourceRequest, *lines: RequestLine, by: str | None = None
) -> ResourceRequest:
    answer: ResourceRequest = town.give(
        ResubmitRequest(request_id=request.id, lines=lines or None),
        by or f"{request.department_id}.lead",
    )
    return answer


def look(town: Town, request: ResourceRequest) -> ResourceRequest:
    found: ResourceRequest = town.look(ResourceRequest, request.id)
    return found


def allocation_of(town: Town, request: ResourceRequest, line: int = 1) -> Allocation:
    target = look(town, request).lines[line - 1].allocation_id
    assert target is not None
    found: Allocation = town.look(Allocation, target)
    return found


# --- what must hold -------------------------------------------------------------------------

Units = Counter[tuple[str, ResourceClass]]


def units(key: str, amounts: Iterable[ResourceAmount]) -> Units:
    return Counter({(key, each.resource_class): each.units for each in amounts if each.units})


def check_conserved(town: Town) -> None:
    """Every counter says what the records behind it add up to: reserved + allocated + free is the
    whole, on capacity, quota and budget."""
    allocations = town.all(Allocation)
    held = town.all(Reservation, state=ReservationState.HELD)
    _check_capacity(town, allocations, held)
    _check_quotas(town, allocations, held)
    _check_budgets(town)


def _check_capacity(
    town: Town, allocations: tuple[Allocation, ...], held: tuple[Reservation, ...]
) -> None:
    runs, holds = Units(), Units()
    for allocation in allocations:
        runs += units(allocation.pool_id, allocation.resources)
    for reservation in held:
        holds += units(reservation.pool_id, reservation.pool_amounts)
    for each in town.all(Inventory):
        key = (each.pool_id, each.resource_class)
        assert (each.allocated, each.held) == (runs[key], holds[key]), each.id
        assert each.reserved + each.held + each.allocated + each.free == each.offered


def _check_quotas(
    town: Town, allocations: tuple[Allocation, ...], held: tuple[Reservation, ...]
) -> None:
    runs, holds = Units(), Units()
    with town.reading() as world:

        def scopes(owner: Allocation | Reservation) -> tuple[str, ...]:
            above = scopes_above(world, QuotaScope.DEPARTMENT, owner.department_id)
            return (owner.application_id, owner.department_id, *above)

        for allocation in allocations:
            for scope_id in scopes(allocation):
                runs += units(scope_id, allocation.counted)
        for reservation in held:
            for scope_id in scopes(reservation):
                holds += units(scope_id, reservation.quota_amounts)
    for each in town.all(Quota):
        key = (each.scope_id, each.resource_class)
        assert (each.allocated, each.reserved) == (runs[key], holds[key]), each.id
        if each.left is not None:
            assert each.limit_units == each.committed + each.left


def _check_budgets(town: Town) -> None:
    rows = town.all(BudgetCommitment, state=CommitmentState.COMMITTED)
    parents = {each.id: each.parent_id for each in town.all(Budget)}

    def stands_under(row: BudgetCommitment, id: str) -> bool:
        above: str | None = row.budget_id
        while above is not None and above != id:
            above = parents.get(above)
        return above == id

    for each in town.all(Budget):
        below = [row for row in rows if stands_under(row, each.id)]
        assert each.committed == total(row.amount for row in below), each.id
        if each.advance is None:
            assert each.committed + each.due + each.left == each.approved
        else:
            early = total(row.amount for row in below if row.month <= each.advance.until)
            assert each.advance.committed == early, each.id
            assert early + each.due + each.left == each.approved + each.advance.limit
