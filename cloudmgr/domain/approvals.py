"""The approval chain as data: steps with conditions, signatures, and who may not sign.

Owns which step comes next. What an approval binds (quota, capacity, budget) is the services'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from catalog.money import Yuan
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.errors import not_your_step, own_submission, signed_already
from cloudmgr.domain.parties import RegionLevel
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.values import Value


class Decision(StrEnum):
    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"


class Where(StrEnum):
    """In whose organisation a step's signer holds the role."""

    DEPARTMENT = "department"
    REGION = "region"
    CITY = "city"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a step applies; several given parts must all hold, except that `or_over_budget`
    opens the step by itself."""

    kinds: tuple[RequestKind, ...] = ()
    region_levels: tuple[RegionLevel, ...] = ()
    min_monthly_price: Yuan | None = None
    or_over_budget: bool = False

    def holds(self, request: ResourceRequest, level: RegionLevel) -> bool:
        if self.kinds and request.kind not in self.kinds:
            return False
        if self.region_levels and level not in self.region_levels:
            return False
        if self.or_over_budget and request.over_budget:
            return True
        return self.min_monthly_price is None or request.threshold_price >= self.min_monthly_price


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One signature: in which state, by which role, where, within how many working days."""

    id: str
    label: str
    role: Role
    state: RequestState
    where: Where
    limit_workdays: int
    condition: Condition = Condition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Value):
    """审批: one signature under one request and round."""

    request_id: str
    round: int
    step: str
    role: Role
    user_id: str
    decision: Decision
    opinion: str
    at: datetime


_BEFORE_THE_DESK = (RequestState.UNIT_SIGNING, RequestState.FIRST_REVIEW)


def steps_of(
    chain: Sequence[ChainStep], request: ResourceRequest, level: RegionLevel
) -> tuple[ChainStep, ...]:
    """The steps this request must pass in its present round, in order.

    After a return the lead resubmits and thereby signs for the unit; the round starts at the
    desk (DOMAIN.md 5 leads `returned` to `submitted`).
    """
    steps = (step for step in chain if step.condition.holds(request, level))
    if request.resubmitted:
        return tuple(step for step in steps if step.state not in _BEFORE_THE_DESK)
    return tuple(steps)


def pending_step(
    steps: Sequence[ChainStep], signed: Iterable[Approval], round: int
) -> ChainStep | None:
    """The first step of the round nobody approved yet; None when all have."""
    done = {
        approval.step
        for approval in signed
        if approval.round == round and approval.decision is Decision.APPROVE
    }
    return next((step for step in steps if step.id not in done), None)


def signing_state(step: ChainStep, request: ResourceRequest) -> RequestState:
    """The state in which a request waits for the step: an emergency's review is signed
    afterwards, while it is being ratified."""
    if request.kind is RequestKind.EMERGENCY and step.state is RequestState.IN_REVIEW:
        return RequestState.RATIFYING
    return step.state


def check_signer(
    step: ChainStep, request: ResourceRequest, signed: Iterable[Approval], actor: Actor
) -> None:
    """Raise unless `actor` may sign `step` now.

    Refuses with `own_submission` (nobody approves what they submitted), `signed_already` (no
    person signs two steps of one round) and `not_your_step`.
    """
    if actor.user_id == request.submitter_id:
        raise own_submission(actor.user_id)
    for approval in signed:
        if approval.round == request.round and approval.user_id == actor.user_id:
            raise signed_already(actor.user_id, approval.step)
    if not any(_counts(grant, step, request) for grant in actor.grants):
        raise not_your_step(step.id, step.role)


def _counts(grant: Grant, step: ChainStep, request: ResourceRequest) -> bool:
    """Whether a grant is the role of the step, held where the step wants it."""
    if grant.role is not step.role:
        return False
    match step.where:
        case Where.DEPARTMENT:
            return grant.organisation_id == request.department_id
        case Where.REGION:
            return grant.region_id == request.region_id
        case Where.CITY:
            return not grant.county


def dearest(prices: Iterable[Decimal]) -> Decimal:
    """Thresholds look at the dearest candidate (DOMAIN.md 5)."""
    return max(prices, default=Decimal("0.00"))
