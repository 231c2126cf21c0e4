"""The life of one request as its people live it: written, signed, delivered, accepted.

Chances and desk times are samples; every step is a command of the person whose turn it is.
"""

from __future__ import annotations

import simpy

from catalog.money import amount
from catalog.period import local_day
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.allocations_papers import ReleasePapers
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.budget import BudgetChangeKind
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderAction, WorkOrderState
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.files import UploadFile
from cloudmgr.services.provisioning import (
    AcceptTrial,
    AcceptWorkOrder,
    CompleteWorkOrder,
    ConfirmDelivery,
    RefuseWorkOrder,
)
from cloudmgr.services.requests import (
    DispatchRequest,
    DraftRequest,
    ResubmitRequest,
    SignRequest,
    SubmitRequest,
    WithdrawRequest,
)
from cloudmgr.services.service_ratings import RateService
from simulator.city.lines import new_lines, target_lines
from simulator.city.stage import Chance, Process, Stage
from simulator.city.wishes import Wish

ENGINEERS = 12
"""How many orders a provider works on at a time [sample]."""

UNFIT = ("no_pool", "capacity_exceeded", "quota_exceeded", "quota_not_set", "budget_not_set")
"""Refusals of the last approval after which the reviewer rejects the request."""


class RequestLife:
    """One wish from draft to its end; `busy` is shared so that no two work on one allocation."""

    def __init__(self, stage: Stage, wish: Wish, busy: set[str]) -> None:
        self.stage = stage
        self.wish = wish
        self.busy = busy
        self.chance: Chance = stage.chance(f"request-{wish.at.isoformat()}-{wish.number}")
        self.user = stage.login(Role.DEPARTMENT_USER, wish.department_id)
        self.lead = stage.login(Role.DEPARTMENT_LEAD, wish.department_id)
        self.application_id = wish.application.id

    def run(self) -> Process:
        """The SimPy process."""
        yield self.stage.until(self.wish.at)
        request = self._write()
        if request is None:
            return
        yield self.stage.working(30)
        submitted, refusal = self.stage.tried(self.user, SubmitRequest(request_id=request.id))
        if refusal is not None:
            return  # an admission rule says no; the draft stays with the department
        request = yield from self._signed(submitted)
        if request.state is RequestState.APPROVED:
            request = yield from self._dispatched(request)
        if request.state is RequestState.PROVISIONING:
            yield from self._carried_out(request)

    def _write(self) -> ResourceRequest | None:
        kind, application = self.wish.kind, self.wish.application
        if kind.creates:
            lines = new_lines(kind, application, self.chance)
        else:
            running = self.stage.find(self.user, Allocation, application_id=application.id)
            lines = target_lines(kind, running, self.busy, self.chance)
            self.busy.update(line.allocation_id for line in lines if line.allocation_id)
        if not lines:
            return None
        written: ResourceRequest = self.stage.perform(
            self.user,
            DraftRequest(
                department_id=self.wish.department_id,
                application_id=application.id,
                kind=kind,
                reason=f"{application.name_en}: {kind}",
                lines=lines,
            ),
        )
        return written

    def _signed(self, request: ResourceRequest) -> Process:
        """Every signature in turn; returns the request when nobody is asked any more."""
        while request.awaiting_step:
            role = Role(request.awaiting_role)
            people = self._signers(role)
            desk = self.stage.desk(f"{role}-{people[0]}", len(people))
            with desk.request() as turn:
                yield turn
                yield self.stage.working(self.chance.between(20, 150))
                signer = self.chance.one_of(people)
                request = self._decide(request, signer)
            if request.state in (RequestState.RETURNED, RequestState.DRAFT):
                yield self.stage.working(self.chance.between(120, 600))
                request = self._again(request)
        return request

    def _decide(self, request: ResourceRequest, signer: str) -> ResourceRequest:
        decision, opinion = Decision.APPROVE, "同意"
        if request.round == 1 and request.awaiting_step != "unit":
            ratifying = request.state is RequestState.RATIFYING
            if self.chance.happens(3) and not ratifying:
                decision, opinion = Decision.RETURN, "材料不全,请补正"
            elif self.chance.happens(2):
                decision, opinion = Decision.REJECT, "必要性不足"
        command = SignRequest(request_id=request.id, decision=decision, opinion=opinion)
        signed, refusal = self.stage.tried(signer, command)
        if refusal is not None and refusal.code == "budget_exceeded":
            self._raise_budget(str(refusal.details.get("budget", "")), request)
            signed, refusal = self.stage.tried(signer, command)
        if refusal is not None and refusal.code in (*UNFIT, "budget_exceeded"):
            signed = self.stage.perform(
                signer,
                SignRequest(request_id=request.id, decision=Decision.REJECT, opinion=refusal.code),
            )
        elif refusal is not None:
            raise refusal
        settled: ResourceRequest = signed
        return settled

    def _raise_budget(self, budget_id: str, request: ResourceRequest) -> None:
        """Finance adds money before an approval that would exceed the budget (追加)."""
        region = self.stage.city.organisation(request.department_id).region_id
        payer = self.stage.city.policy.payer_of(region, request.department_id)
        for department in (None, request.department_id):
            self.stage.perform(
                self.stage.login(Role.FINANCE, payer),
                RecordBudgetChange(
                    payer_id=payer,
                    department_id=department,
                    year=self.stage.now.year,
                    kind=BudgetChangeKind.ADD,
                    amount=amount(request.monthly_price * 24),
                    document_number=f"示例财预追加 {request.id}",
                ),
            )

    def _again(self, request: ResourceRequest) -> ResourceRequest:
        resent: ResourceRequest
        if request.state is RequestState.DRAFT:
            resent = self.stage.perform(self.user, SubmitRequest(request_id=request.id))
        else:
            resent = self.stage.perform(self.lead, ResubmitRequest(request_id=request.id))
        return resent

    def _dispatched(self, request: ResourceRequest) -> Process:
        yield self.stage.working(self.chance.between(30, 300))
        if self.chance.happens(2):
            withdrawn: ResourceRequest = self.stage.perform(
                self.user, WithdrawRequest(request_id=request.id, reason="项目调整")
            )
            return withdrawn
        operator = self.chance.one_of(self.stage.people(Role.OPERATING_COMPANY))
        sent: ResourceRequest = self.stage.perform(operator, DispatchRequest(request_id=request.id))
        return sent

    def _carried_out(self, request: ResourceRequest) -> Process:
        operator = self.stage.login(Role.OPERATING_COMPANY)
        first = True
        while True:
            orders = self.stage.find(operator, WorkOrder, request_id=request.id)
            todo = [order for order in orders if order.state is WorkOrderState.OPEN]
            refuse = first and len(todo) == 1 and self.chance.happens(3)
            yield simpy.AllOf(
                self.stage.env,
                [self.stage.env.process(self._order(order, refuse)) for order in todo],
            )
            if refuse:
                yield self.stage.working(self.chance.between(60, 480))
                self.stage.perform(operator, DispatchRequest(request_id=request.id))
            else:
                answered = yield from self._answered(request, first)
                if answered:
                    break
            first = False
        yield from self._afterwards(request)

    def _order(self, order: WorkOrder, refuse: bool) -> Process:
        """A provider's engineer takes the order on and carries it out."""
        people = self.stage.people(Role.PROVIDER, order.provider_id)
        with self.stage.desk(f"engineers-{order.provider_id}", ENGINEERS).request() as turn:
            yield turn
            yield self.stage.working(self.chance.between(15, 150))
            engineer = self.chance.one_of(people)
            self.stage.perform(engineer, AcceptWorkOrder(work_order_id=order.id))
            slow = self.chance.happens(7)
            yield self.stage.working(self.chance.between(60, 720) + (2600 if slow else 0))
            if refuse:
                self.stage.perform(
                    engineer, RefuseWorkOrder(work_order_id=order.id, reason="镜像不可用")
                )
                return
            papers = self._papers(order, engineer)
            deliveries = tuple(
                Delivery(line, f"{order.pool_id}-{order.id}-{line}", papers=papers)
                for line in order.lines
            )
            self.stage.perform(
                engineer, CompleteWorkOrder(work_order_id=order.id, deliveries=deliveries)
            )

    def _papers(self, order: WorkOrder, engineer: str) -> ReleasePapers | None:
        """What a release is certified with: a synthetic certificate of the provider."""
        if order.action is not WorkOrderAction.RELEASE:
            return None
        certificate = UploadFile(
            name=f"erasure-{order.id}.txt",
            data=f"{order.id}: erased (示例)\n".encode(),
            organisation_id=order.provider_id,
        )
        sent: StoredFile = self.stage.perform(engineer, certificate)
        return ReleasePapers(
            data_handed_to=self.wish.department_id,
            data_handed_on=local_day(self.stage.now),
            erasure_file_id=sent.id,
            billing_ends_on=local_day(order.due_at),
        )

    def _answered(self, request: ResourceRequest, first: bool) -> Process:
        """The department accepts, sends back once, or says nothing and is deemed to accept."""
        if self.chance.happens(10):
            yield from self._silent(request)
            return True
        yield self.stage.working(self.chance.between(60, 1200))
        accepted = not (first and self.chance.happens(6))
        answer: ResourceRequest = self.stage.perform(
            self.user,
            ConfirmDelivery(
                request_id=request.id,
                accepted=accepted,
                reason="" if accepted else "规格与申请不符",
            ),
        )
        if answer.state is RequestState.RATIFYING:
            yield from self._signed(answer)
        return accepted

    def _silent(self, request: ResourceRequest) -> Process:
        """Nobody answers; an emergency is ratified once it is deemed to be delivered."""
        if self.wish.kind is not RequestKind.EMERGENCY:
            return
        while request.state is not RequestState.RATIFYING:
            yield self.stage.working(510)
            told = self.stage.find(self.user, ResourceRequest, application_id=self.application_id)
            request = next(each for each in told if each.id == request.id)
        yield from self._signed(request)

    def _afterwards(self, request: ResourceRequest) -> Process:
        """A rating for most, and some trials accepted before their days are over."""
        if self.chance.happens(60):
            yield self.stage.working(self.chance.between(60, 900))
            self._rate(request.id)
        if self.wish.kind.has_trial and self.chance.happens(30):
            yield self.stage.working(510 * self.chance.between(3, 8))
            for allocation in self.stage.find(self.user, Allocation, request_id=request.id):
                if allocation.state is AllocationState.TRIAL:
                    self.stage.perform(self.user, AcceptTrial(allocation_id=allocation.id))

    def _rate(self, request_id: str) -> None:
        """Stars for every provider that delivered a part; who has not answered does not rate."""
        stars = self.chance.weighted(((5, 40), (4, 35), (3, 15), (2, 7), (1, 3)))
        told = self.stage.find(self.user, ResourceRequest, application_id=self.application_id)
        if not any(r.id == request_id and r.state is RequestState.COMPLETED for r in told):
            return
        operator = self.stage.login(Role.OPERATING_COMPANY)
        orders = self.stage.find(operator, WorkOrder, request_id=request_id)
        for provider in sorted({o.provider_id for o in orders if o.state is WorkOrderState.DONE}):
            self.stage.perform(
                self.user, RateService(request_id=request_id, provider_id=provider, stars=stars)
            )

    def _signers(self, role: Role) -> tuple[str, ...]:
        if role is Role.DEPARTMENT_LEAD:
            return (self.lead,)
        if role is Role.COUNTY_REVIEWER:
            region = self.stage.city.organisation(self.wish.department_id).region_id
            return tuple(
                person.login
                for person in self.stage.city.people
                if role in person.roles
                and self.stage.city.organisation(person.organisation_id).region_id == region
            )
        return self.stage.people(role)
