"""What an approver sees before signing, as frozen values; gathering them is `requests_evidence`.

None always means "not set" or "not known", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import Yuan
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import AllocationState
from cloudmgr.domain.approvals import Decision, Standing
from cloudmgr.domain.attachments import Attachment
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.requests import ResourceRequest, Shortage
from cloudmgr.services.estimates import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody by id and name."""

    user_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureView:
    """One signature of any round, with the names of who gave it and for whom."""

    round: int
    step: str
    role: Role
    signer: Person
    on_behalf_of: Person | None
    standing: Standing
    decision: Decision
    opinion: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerView:
    """Somebody who may sign now: in which role, for whom, and why."""

    signer: Person
    role: Role
    organisation_id: str
    standing: Standing
    on_behalf_of: Person | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step of the request's round; `done` once it was approved, `waiting` when it is its turn."""

    step: str
    label: str
    role: Role
    limit_workdays: int
    done: bool
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """A budget of the chain before the request, and what would be left of it after."""

    budget_id: str
    department_id: str | None
    year: int
    approved: Yuan
    committed: Yuan
    due: Yuan
    paid: Yuan
    left: Yuan
    asked: Yuan
    left_after: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class UseView:
    """What the department has of a resource with vCPUs, and its mean CPU in the window; null and
    `readings` 0 where nobody sent any."""

    allocation_id: str
    application_id: str
    pool_id: str
    sku_id: str
    quantity: int
    state: AllocationState
    vcpus: int
    readings: int
    cpu_mean_millicores: Ratio | None
    cpu_mean_share: Ratio | None
    idle: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentUse:
    """The department's present use of what it has, in the policy's window. `idle` is what used
    less of its vCPUs on average than the policy's floor."""

    window_from: datetime
    window_to: datetime
    idle_below_percent: int
    allocations: int
    vcpus: int
    without_readings: tuple[str, ...]
    idle: tuple[str, ...]
    idle_vcpus: int
    each: tuple[UseView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """Something open about the applicant: what it is about, since when, in a sentence."""

    code: str
    subject: str
    since: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is to be known before a request is signed.

    `estimate` (prices, candidates with reasons, quota before and after) is null once the request
    was bound, or where `not_estimated` says why it cannot be made.
    """

    request: ResourceRequest
    submitter: Person
    estimate: Estimate | None
    not_estimated: Shortage | None
    budgets: tuple[BudgetView, ...]
    present_use: PresentUse
    findings: tuple[FindingView, ...]
    attachments: tuple[Attachment, ...]
    signatures: tuple[SignatureView, ...]
    steps: tuple[StepView, ...]
    signers: tuple[SignerView, ...]
