"""The approval chain as data: steps with conditions, signatures, and who may not sign.

Owns which step comes next and whom a step takes. Whether a chain can work at all is
`approvals_chain`; what an approval binds (quota, capacity, budget) is the services'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from catalog.money import Yuan
from cloudmgr.domain.access import Grant, Role
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.errors import CloudmgrError, own_submission, signed_already
from cloudmgr.domain.parties import RegionLevel
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.values import Value


class Decision(StrEnum):
    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"


RESUBMITTED = "resubmitted"
"""The opinion under the unit's signature that a resubmission is."""


class Where(StrEnum):
    """In whose organisation a step's signer holds the role."""

    DEPARTMENT = "department"
    REGION = "region"
    CITY = "city"


SIGNING = (
    Role.DEPARTMENT_LEAD,
    Role.COUNTY_REVIEWER,
    Role.OPERATING_COMPANY,
    Role.TECHNICAL_REVIEWER,
    Role.FINANCE,
    Role.AUTHORITY,
)
"""The roles a chain may ask for a signature; they alone are delegated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a step applies; all parts given must hold, except that `or_over_budget` and
    `or_off_catalog` open the step whatever the price and the quota say.

    `min_quota_percent` looks at the fullest quota after the approval; `xinchuang`, `important`,
    `over_budget` and `off_catalog` ask for what they name and are silent otherwise.
    """

    kinds: tuple[RequestKind, ...] = ()
    region_levels: tuple[RegionLevel, ...] = ()
    zones: tuple[Zone, ...] = ()
    xinchuang: bool = False
    important: bool = False
    over_budget: bool = False
    min_monthly_price: Yuan | None = None
    min_quota_percent: int | None = None
    or_over_budget: bool = False
    off_catalog: bool = False
    or_off_catalog: bool = False

    def holds(self, request: ResourceRequest, level: RegionLevel) -> bool:
        if not self._concerns(request, level):
            return False
        if self.or_over_budget and request.over_budget:
            return True
        if self.or_off_catalog and request.off_catalog:
            return True
        quota = self.min_quota_percent
        if quota is not None and (request.quota_percent or 0) < quota:
            return False
        return self.min_monthly_price is None or request.threshold_price >= self.min_monthly_price

    def _concerns(self, request: ResourceRequest, level: RegionLevel) -> bool:
        """Whether the request is of the sort the step is for, whatever its size."""
        return (
            (not self.kinds or request.kind in self.kinds)
            and (not self.region_levels or level in self.region_levels)
            and (not self.zones or request.zone in self.zones)
            and (not self.xinchuang or request.xinchuang)
            and (not self.important or request.important)
            and (not self.over_budget or request.over_budget)
            and (not self.off_catalog or request.off_catalog)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """岗位: a role, and in whose organisation it must be held."""

    role: Role
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One signature: in which state, by which role, where, within how many working days, and who
    steps in beside them once it is overdue."""

    id: str
    label: str
    role: Role
    state: RequestState
    where: Where
    limit_workdays: int
    condition: Condition = Condition()
    steps_in: Post | None = None


class Standing(StrEnum):
    """Why somebody may sign a step."""

    STEP = "step"
    OVERDUE = "overdue"
    PARENT = "parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody who may sign a step: in which role, for whom, and why."""

    user_id: str
    role: Role
    organisation_id: str
    standing: Standing
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Value):
    """审批: one signature under one request and round; a delegate's names the principal."""

    request_id: str
    round: int
    step: str
    role: Role
    user_id: str
    decision: Decision
    opinion: str
    at: datetime
    on_behalf_of: str | None = None
    standing: Standing = Standing.STEP

    @property
    def people(self) -> frozenset[str]:
        """Who has signed by it: a delegate counts as himself and as his principal."""
        return frozenset({self.user_id, self.on_behalf_of or self.user_id})


_BEFORE_THE_DESK = (RequestState.UNIT_SIGNING, RequestState.FIRST_REVIEW)


def steps_of(
    chain: Sequence[ChainStep], request: ResourceRequest, level: RegionLevel
) -> tuple[ChainStep, ...]:
    """The steps this request must pass in its present round, in order.

    After a return the lead resubmits and thereby signs for the unit; the round starts at the
    desk (DOMAIN.md 5 leads `returned` to `submitted`). What the city takes back is decided by its
    offices alone.
    """
    steps = (step for step in chain if step.condition.holds(request, level))
    if request.resubmitted or request.reclaims:
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


def posts_of(step: ChainStep, request: ResourceRequest) -> tuple[tuple[Standing, Post], ...]:
    """Whose signature the step takes now: being overdue adds signers, never a signature."""
    own = (Standing.STEP, Post(role=step.role, where=step.where))
    if request.overdue and step.steps_in is not None:
        return (own, (Standing.OVERDUE, step.steps_in))
    return (own,)


PARENT_POST = Post(role=Role.AUTHORITY, where=Where.CITY)
"""Who signs where nobody is eligible and no parent organisation can: the city's office."""


def refusal_of(
    request: ResourceRequest, signed: Iterable[Approval], people: Collection[str]
) -> CloudmgrError | None:
    """Why none of `people` - a person and those he stands for - may sign in this round.

    `own_submission` (nobody approves what they submitted) or `signed_already` (no person signs two
    steps of one round); None when they may.
    """
    if request.submitter_id in people:
        return own_submission(request.submitter_id)
    for approval in signed:
        if approval.round == request.round and (twice := approval.people.intersection(people)):
            return signed_already(min(twice), approval.step)
    return None


def counts(grant: Grant, post: Post, request: ResourceRequest) -> bool:
    """Whether a grant is the role of the post, held where the post wants it."""
    if grant.role is not post.role:
        return False
    match post.where:
        case Where.DEPARTMENT:
            return grant.organisation_id == request.department_id
        case Where.REGION:
            return grant.region_id == request.region_id
        case Where.CITY:
            return not grant.county


def dearest(prices: Iterable[Decimal]) -> Decimal:
    """Thresholds look at the dearest candidate (DOMAIN.md 5)."""
    return max(prices, default=Decimal("0.00"))
