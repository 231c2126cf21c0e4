"""Somebody who gives commands at random, well-meant ones and others, to see what is conserved.

Which command a step gives is told by small numbers, so that a failing example shrinks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.pools import SetInventory
from cloudmgr.services.provisioning import AcceptTrial, ConfirmDelivery
from cloudmgr.services.quotas import SetQuota
from cloudmgr.services.requests import WithdrawRequest
from tests.support.requests import (
    a_line,
    dispatched,
    done,
    look,
    orders,
    refused,
    resubmitted,
    running,
    signed,
    submitted,
)
from tests.support.supply import MEMORY, VCPU
from tests.support.worlds import Town, a_town

S = RequestState
FINAL = {state for state in S if ResourceRequest.LIFECYCLE.final(state)}
Step = tuple[int, int, int, RequestKind]
KINDS = st.sampled_from(RequestKind)
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 7), st.integers(1, 9), KINDS),
    min_size=25,
    max_size=60,
)


@cache
def _lived_in() -> Town:
    town = a_town()
    live_in(town)
    return town


def live_in(town: Town) -> None:
    """Let something run in each department, so that there is something to work on."""
    for department in ("health", "county-health"):
        running(town, a_line(quantity=2), a_line(line=2, sku_id="vm-kp"), department=department)


class Player:
    """Gives commands that may be refused; what they do is told by small numbers."""

    def __init__(self, town: Town | None = None) -> None:
        self.town = town or _lived_in().twin()

    def step(self, what: int, which: int, size: int, kind: RequestKind) -> None:
        moves = (
            self.ask, self.ask, self.ask, self.go_on, self.go_on, self.go_on, self.refuse,
            self.refuse, self.wait, self.set,
        )  # fmt: skip
        try:
            moves[what](which, size, kind)
        except CloudmgrError as error:
            if error.code not in EXPECTED:
                raise

    def ask(self, which: int, size: int, kind: RequestKind) -> None:
        department = ("health", "county-health")[which % 2]
        if kind.creates:
            lines = [a_line(sku_id=("vm", "vm-kp")[which // 2 % 2], quantity=size)]
            if which > 4:
                lines.append(a_line(line=2, sku_id="vm-large", quantity=size))
        else:
            theirs = self.town.all(Allocation, department_id=department)
            target = theirs[size % len(theirs)]
            quantity = size if kind is RequestKind.CHANGE else target.quantity
            lines = [a_line(sku_id=target.sku_id, quantity=quantity, allocation_id=target.id)]
        submitted(self.town, *lines, kind=kind, department=department)

    def go_on(self, which: int, size: int, kind: RequestKind) -> None:
        """One of the open requests takes its next steps."""
        request = self._open(which)
        for _ in range(size // 2 + 1):
            if request is None or request.state in FINAL:
                return
            self._next(request, size)
            request = look(self.town, request)

    def _next(self, request: ResourceRequest, size: int) -> None:
        if request.awaiting_step:
            signed(self.town, request)
        elif request.state in (S.APPROVED, S.FAILED):
            dispatched(self.town, request)
        elif request.state in (S.PROVISIONING, S.RECLAIMING):
            done(self.town, orders(self.town, request)[0])
        elif request.state is S.AWAITING_CONFIRMATION:
            self.town.give(_answer(request, ok=size > 2), f"{request.department_id}.user")
        elif request.state is S.RETURNED:
            resubmitted(self.town, request)

    def refuse(self, which: int, size: int, kind: RequestKind) -> None:
        """Somebody says no: the provider, a signer, or the department itself."""
        request = self._open(which)
        if request is None:
            return
        if request.state is S.PROVISIONING:
            refused(self.town, orders(self.town, request)[0])
        elif request.awaiting_step and size < 6:
            signed(self.town, request, (Decision.RETURN, Decision.REJECT)[size % 2])
        elif size < 9:
            withdraw = WithdrawRequest(request_id=request.id, reason="r")
            self.town.give(withdraw, f"{request.department_id}.user")
        else:
            mine = self.town.all(Allocation, department_id="health")
            self.town.give(AcceptTrial(allocation_id=mine[which % len(mine)].id), "health.user")

    def wait(self, which: int, size: int, kind: RequestKind) -> None:
        self.town.wait(self.town.now + timedelta(days=size, hours=which))

    def set(self, which: int, size: int, kind: RequestKind) -> None:
        """Limits move under what runs, and appear where there were none."""
        scope_id = ("health-app", "health", "county-health", "county-health-app")[which % 4]
        scope = QuotaScope.APPLICATION if scope_id.endswith("app") else QuotaScope.DEPARTMENT
        of = (VCPU, MEMORY)[which // 4]
        limit = SetQuota(scope=scope, scope_id=scope_id, resource_class=of, limit_units=size * 4096)
        self.town.give(limit if of is MEMORY else replace(limit, limit_units=size * 4), "centre.a")
        self.town.give(
            SetInventory(pool_id="x86", resource_class=VCPU, total=20 + size * 5), "centre.a"
        )

    def finish(self) -> None:
        """Bring every request to its end."""
        for request in self.town.all(ResourceRequest):
            request = look(self.town, request)
            if request.state in (S.UNIT_SIGNING, S.FIRST_REVIEW, S.SUBMITTED, S.IN_REVIEW):
                request = signed(self.town, request, Decision.REJECT)
            if request.state is S.RETURNED:
                withdraw = WithdrawRequest(request_id=request.id, reason="r")
                self.town.give(withdraw, f"{request.department_id}.user")
        for request in self.town.all(ResourceRequest, state=(S.PROVISIONING, S.RECLAIMING)):
            for order in orders(self.town, request):
                done(self.town, order)
        for request in self.town.all(ResourceRequest, state=S.AWAITING_CONFIRMATION):
            self.town.give(_answer(request, ok=True), f"{request.department_id}.user")
        for request in self.town.all(ResourceRequest, state=S.RATIFYING):
            rejected = signed(self.town, request, Decision.REJECT)
            for order in orders(self.town, rejected):
                done(self.town, order)
        self.town.wait("12-30 00:00")  # approvals expire, failures are cancelled

    def _open(self, which: int) -> ResourceRequest | None:
        idle = {*FINAL, S.DRAFT}
        living = [each for each in self.town.all(ResourceRequest) if each.state not in idle]
        return living[which % len(living)] if living else None


def _answer(request: ResourceRequest, *, ok: bool) -> ConfirmDelivery:
    return ConfirmDelivery(request_id=request.id, accepted=ok, reason="" if ok else "wrong")


EXPECTED = {
    "allocation_busy", "bad_value", "budget_exceeded", "illegal_transition", "limit_above_parent",
    "no_pool", "quota_exceeded", "temporary_renewed_already",
}  # fmt: skip
"""What a well-meant command may be refused with; anything else is a defect."""
