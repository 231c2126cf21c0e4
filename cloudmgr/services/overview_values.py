"""What the overview of a month says, as frozen values; gathering them is `overview`.

None always means "not known yet" or "not set", never zero. Shares and coefficients are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import Yuan
from cloudmgr.domain.assessment import AssessmentState, Score, ScoredDimension
from cloudmgr.domain.billing import PeriodState, StatementState
from cloudmgr.domain.organisations import named_at
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.domain.pools import PoolKind, PoolState, ResourcePool, Site
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.requests import RequestKind, RequestState
from cloudmgr.domain.settlement import SettlementState


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that people know by name."""

    id: str
    name_zh: str
    name_en: str


def named(
    record: Organisation | Region | ResourcePool | Site, on_paper_of: datetime | None = None
) -> Named:
    """A record's id and names; an organisation's as a paper of that instant shows them."""
    if isinstance(record, Organisation) and on_paper_of is not None:
        then = named_at(record, on_paper_of)
        return Named(record.id, then.name_zh, then.name_en)
    return Named(record.id, record.name_zh, record.name_en)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentOverview:
    """A 用云单位: the systems in its ledger, what runs for it, and its statement of the month.

    `total` and `state` are None where no statement was issued; `deemed` when silence confirmed it.
    """

    department: Named
    region: Named
    applications: int
    allocations: int
    total: Yuan | None
    state: StatementState | None
    deemed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsOverview:
    """Requests entered in the month, counted by the state they have reached and by kind."""

    total: int
    by_state: dict[RequestState, int]
    by_kind: dict[RequestKind, dict[RequestState, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityOverview:
    """One resource class of a pool in base units, as in `domain.capacity.Inventory`."""

    total: int
    offered: int
    reserved: int
    held: int
    allocated: int
    free: int
    allocated_share: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuOverview:
    """CPU use of a pool over the `hours` of the month that have readings.

    Shares are of the physical capacity, 1000 millicores a vCPU; None where that is not known.
    """

    hours: int
    mean_millicores: Ratio
    peak_millicores: int
    physical_millicores: int
    mean_share: Ratio | None
    peak_share: Ratio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOverview:
    """A pool's capacity and use; None where it has no such class, or sent no readings."""

    pool: Named
    provider: Named
    site: Named
    kind: PoolKind
    stack: str
    state: PoolState
    vcpu: CapacityOverview | None
    memory_mib: CapacityOverview | None
    cpu: CpuOverview | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentOverview:
    """A provider's score of the cycle that holds the month, and the coefficient it gives.

    Until it is scored there is neither; a coefficient of None after that holds the payment.
    """

    assessment_id: str
    provider: Named
    cycle: str
    state: AssessmentState
    score: Score | None
    vetoed: str
    dimensions: tuple[ScoredDimension, ...]
    coefficient: Ratio | None
    working: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementOverview:
    """A provider's settlements of the cycle, added up over payers and contracts.

    A coefficient is given where all share one; deduction and payable once none is held.
    """

    provider: Named
    papers: int
    gross: Yuan
    service_credits: Yuan
    coefficient: Ratio | None
    working: str
    deduction: Yuan | None
    payable: Yuan | None
    paid: Yuan
    states: dict[SettlementState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOverview:
    """Batches of readings of the month: accepted + quarantined = sent."""

    batches: int
    sent: int
    accepted: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOverview:
    """The month as it is known `at` an instant.

    `sample` says that sample parameters (示例参数) moved its money or its scores. The shares are
    the whole city's: vCPU allocated of those offered, and CPU in use of the physical capacity of
    the pools that sent readings. `settled` adds what is payable to the providers whose
    settlements are all decided.
    """

    month: str
    at: datetime
    rehearsal: bool
    sample: bool
    state: PeriodState
    departments: tuple[DepartmentOverview, ...]
    applications: int
    allocations: int
    requests: RequestsOverview
    pools: tuple[PoolOverview, ...]
    vcpu_allocated_share: Ratio | None
    cpu_mean_share: Ratio | None
    billed: Yuan | None
    assessments: tuple[AssessmentOverview, ...]
    settlements: tuple[SettlementOverview, ...]
    settled: Yuan | None
    paid: Yuan
    journal_balance: Yuan
    audit_events: int
    usage: UsageOverview
