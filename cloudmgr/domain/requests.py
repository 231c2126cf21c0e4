"""Resource requests (申请单): kinds, states, lines and the admission rules of DOMAIN.md 5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.money import ZERO, Yuan
from cloudmgr.domain.allocations_elastic import ElasticTerms, check_terms
from cloudmgr.domain.applications import Application, Zone
from cloudmgr.domain.catalogs import is_off_catalog
from cloudmgr.domain.continuity import ReplicaRole
from cloudmgr.domain.errors import CloudmgrError, bad_value, not_admitted
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.off_catalog import OffCatalogTerms
from cloudmgr.domain.pools import PoolKind
from cloudmgr.domain.values import Value


class RequestKind(StrEnum):
    NEW = "new"
    CHANGE = "change"
    MIGRATE_IN = "migrate_in"
    RELOCATE = "relocate"
    RENEW = "renew"
    RELEASE = "release"
    TEMPORARY = "temporary"
    EMERGENCY = "emergency"

    @property
    def creates(self) -> bool:
        """Whether its lines ask for new allocations."""
        return self in (
            RequestKind.NEW,
            RequestKind.MIGRATE_IN,
            RequestKind.TEMPORARY,
            RequestKind.EMERGENCY,
        )

    @property
    def has_trial(self) -> bool:
        return self in (RequestKind.NEW, RequestKind.MIGRATE_IN)


class ParallelPayer(StrEnum):
    """Who bears the days on which a relocated resource still runs at its old place: the department
    as usual, the payer by a waiver (减免), or the provider by a discount (优惠)."""

    DEPARTMENT = "department"
    PAYER = "payer"
    PROVIDER = "provider"


class RequestState(StrEnum):
    DRAFT = "draft"
    UNIT_SIGNING = "unit_signing"
    FIRST_REVIEW = "first_review"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    PROVISIONING = "provisioning"
    FAILED = "failed"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    RATIFYING = "ratifying"
    RECLAIMING = "reclaiming"
    COMPLETED = "completed"
    REJECTED = "rejected"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_S = RequestState
_TABLE: dict[StrEnum, tuple[str, tuple[StrEnum, ...]]] = {
    _S.DRAFT: ("草稿", (_S.UNIT_SIGNING, _S.WITHDRAWN)),
    _S.UNIT_SIGNING: ("单位审签", (_S.FIRST_REVIEW, _S.SUBMITTED, _S.DRAFT)),
    _S.FIRST_REVIEW: ("县区初审", (_S.SUBMITTED, _S.RETURNED, _S.NOT_ACCEPTED)),
    _S.SUBMITTED: (
        "待受理",
        (_S.IN_REVIEW, _S.RETURNED, _S.NOT_ACCEPTED, _S.WITHDRAWN, _S.PROVISIONING),
    ),
    _S.IN_REVIEW: ("审核中", (_S.APPROVED, _S.RETURNED, _S.REJECTED, _S.WITHDRAWN)),
    _S.RETURNED: ("退回补正", (_S.SUBMITTED, _S.WITHDRAWN)),
    _S.APPROVED: ("已批准", (_S.PROVISIONING, _S.EXPIRED, _S.WITHDRAWN)),
    _S.PROVISIONING: ("实施中", (_S.AWAITING_CONFIRMATION, _S.FAILED)),
    _S.FAILED: ("实施失败", (_S.PROVISIONING, _S.CANCELLED)),
    _S.AWAITING_CONFIRMATION: ("待确认", (_S.COMPLETED, _S.PROVISIONING, _S.RATIFYING)),
    _S.RATIFYING: ("补办审批", (_S.COMPLETED, _S.RECLAIMING)),
    _S.RECLAIMING: ("收回", (_S.CANCELLED,)),
    _S.COMPLETED: ("已办结", ()),
    _S.REJECTED: ("审核不通过", ()),
    _S.NOT_ACCEPTED: ("不予受理", ()),
    _S.WITHDRAWN: ("已撤回", ()),
    _S.EXPIRED: ("已过期", ()),
    _S.CANCELLED: ("已取消", ()),
}

HOLDING = (
    RequestState.APPROVED,
    RequestState.PROVISIONING,
    RequestState.FAILED,
    RequestState.AWAITING_CONFIRMATION,
    RequestState.RATIFYING,
)
"""States in which a request holds quota, capacity and budget (or has posted them)."""

WORKING = (*HOLDING, RequestState.RECLAIMING)
"""States in which nothing else may work on the allocations a request names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """One line: new units of a Sku, or what happens to a running allocation.

    `quantity` is the count of Sku units wanted (after a change); `estimate_units` the expected
    monthly use of a metered Sku in its own units. `pool_id` is set when the pool is chosen; with
    `pool_kind` only pools of that kind are. A line that asks for a copy names what it is a copy of
    (`primary_id`, an allocation) and what the copy can do. `off_catalog` asks for what the catalog
    does not have (一事一议); the Sku is then made of it. `elastic` are the bounds and the week
    approved with it; a relocation runs at both places for `parallel_days`, borne by
    `parallel_payer`.
    """

    line: int
    sku_id: str
    quantity: int
    allocation_id: str | None = None
    pool_id: str | None = None
    term_months: int = 12
    estimate_units: int = 0
    contract_id: str | None = None
    pool_kind: PoolKind | None = None
    primary_id: str | None = None
    replica_role: ReplicaRole | None = None
    off_catalog: OffCatalogTerms | None = None
    elastic: ElasticTerms | None = None
    parallel_days: int = 0
    parallel_payer: ParallelPayer | None = None

    @property
    def most(self) -> int:
        """The units it may come to without a new request: what is priced and committed."""
        return self.elastic.most if self.elastic else self.quantity


@dataclass(frozen=True, slots=True)
class Shortage:
    """What would refuse the last approval today, by the code it would have. A warning only."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest(Value):
    """申请单: never bare Request, which is HTTP.

    `monthly_price` is what its own lines add per month at the dearest candidate pool;
    `threshold_price` adds the application's increases of the last 30 days, so that splitting a
    request does not get around a step of the chain. `quota_percent` is how full the fullest quota
    would be (None: nothing counted has a limit); zone, Xinchuang and importance are the
    application's when it was last looked at. `warnings` were told when it was submitted. One that
    `reclaims` is a release that the city's office opened; the department does not sign it.
    """

    kind: RequestKind
    department_id: str
    region_id: str
    application_id: str
    submitter_id: str
    reason: str
    lines: tuple[RequestLine, ...]
    created_at: datetime
    round: int = 1
    resubmitted: bool = False
    monthly_price: Yuan = ZERO
    threshold_price: Yuan = ZERO
    over_budget: bool = False
    quota_percent: int | None = None
    zone: Zone | None = None
    xinchuang: bool = False
    important: bool = False
    warnings: tuple[Shortage, ...] = ()
    reclaims: bool = False
    submitted_at: datetime | None = None
    awaiting_step: str = ""
    awaiting_role: str = ""
    due_at: datetime | None = None
    overdue: bool = False
    clock_stopped_at: datetime | None = None
    clock_stopped_for: str = ""
    clock_left_workdays: int = 0
    approved_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None
    deemed: bool = False
    reworks: int = 0
    outcome: str = ""
    placement: tuple[str, ...] = ()
    state: RequestState = RequestState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle("ResourceRequest", _TABLE)

    @property
    def off_catalog(self) -> bool:
        """Whether something outside the catalog is asked for, kept or grown (一事一议)."""
        if self.kind is RequestKind.RELEASE:
            return False
        return any(line.off_catalog or is_off_catalog(line.sku_id) for line in self.lines)


MAX_LINES = 500
"""What one approval can bind in one go: all lines or none."""


def check_lines(kind: RequestKind, lines: tuple[RequestLine, ...]) -> None:
    """Raise `bad_value` unless the lines fit the kind: numbered from 1, positive, with a target
    where the kind works on something that runs."""
    if not lines:
        raise bad_value("lines", "a request needs at least one line")
    if len(lines) > MAX_LINES:
        raise bad_value("lines", f"a request has at most {MAX_LINES} lines; write another one")
    for expected, line in enumerate(lines, start=1):
        if line.line != expected:
            raise bad_value("lines", f"lines are numbered 1, 2, 3…; {line.line} is out of order")
        if line.quantity < 1:
            raise bad_value(f"lines[{expected}].quantity", "ask for at least one unit")
        if not 1 <= line.term_months <= 60:
            raise bad_value(f"lines[{expected}].term_months", "a term is 1 to 60 months")
        if line.estimate_units < 0:
            raise bad_value(f"lines[{expected}].estimate_units", "expected use is 0 or more")
        if kind.creates and line.allocation_id is not None:
            raise bad_value(f"lines[{expected}].allocation_id", f"a {kind} request names none")
        if not kind.creates and line.allocation_id is None:
            raise bad_value(
                f"lines[{expected}].allocation_id", f"a {kind} request names what it works on"
            )
        if (line.primary_id is None) != (line.replica_role is None):
            raise bad_value(
                f"lines[{expected}].replica_role", "a copy names its primary and its role"
            )
        if line.primary_id is not None and not kind.creates:
            raise bad_value(f"lines[{expected}].primary_id", f"a {kind} asks for no new copy")
        _check_after_delivery(kind, line)
    targets = [line.allocation_id for line in lines if line.allocation_id]
    if len(targets) != len(set(targets)):
        raise bad_value("lines", "an allocation may stand in one line of a request only")


def _check_after_delivery(kind: RequestKind, line: RequestLine) -> None:
    """Bounds go with what is new or changed, parallel days with a relocation."""
    if line.elastic is not None and (kind.creates or kind is RequestKind.CHANGE):
        check_terms(line.elastic, line.quantity, f"lines[{line.line}].elastic")
    if line.parallel_days < 0 or (line.parallel_days and kind is not RequestKind.RELOCATE):
        raise bad_value(
            f"lines[{line.line}].parallel_days", "only a relocation runs at two places at once"
        )
    if bool(line.parallel_days) is (line.parallel_payer is None):
        raise bad_value(
            f"lines[{line.line}].parallel_payer", "parallel days name who bears them, and only they"
        )


def refusals(application: Application, kind: RequestKind) -> Iterator[CloudmgrError]:
    """The admission rules that look at the application alone, each with its stable code.

    Whatever an application has become, it may leave: a release is always admitted.
    """
    if kind is RequestKind.RELEASE:
        return
    if application.classified or application.mlps_level >= 4:
        yield not_admitted(
            "too_secret_for_cloud",
            f"{application.name_en} is classified or MLPS level 4 and more and never enters the "
            "cloud; keep it on its own network",
        )
    least = 3 if application.important else 2
    if application.mlps_level < least:
        yield not_admitted(
            "mlps_too_low",
            f"{application.name_en} is MLPS level {application.mlps_level} and needs at least "
            f"{least}; have it graded first",
        )
    migrating_level_3 = kind is RequestKind.MIGRATE_IN and application.mlps_level >= 3
    if migrating_level_3 and not application.filing_proof:
        yield not_admitted(
            "filing_proof_missing",
            f"{application.name_en} needs its level-3 filing proof to migrate; attach it",
        )
    if kind in (RequestKind.NEW, RequestKind.MIGRATE_IN):
        if not application.security_check_passed:
            yield not_admitted(
                "security_check_missing",
                f"{application.name_en} has not passed the cloud security check (上云安全体检); "
                "have it checked first",
            )
        if not application.approval_document:
            yield not_admitted(
                "project_approval_missing",
                f"{application.name_en} names no project approval number (项目批复文号); record it",
            )


def check_admission(application: Application, kind: RequestKind) -> None:
    """Raise the first admission rule that refuses."""
    for refusal in refusals(application, kind):
        raise refusal
