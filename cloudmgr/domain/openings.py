"""Going live (期初建账): what a workbook says runs, is limited, budgeted and paid at the cut-over,
who has confirmed it, and what becomes of it.

Owns the life of an opening and of its lines, and the one rule by which a running resource enters
the books; which rows are good is `services.openings_checking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from catalog.money import Yuan
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.tiers import Tier
from cloudmgr.domain import capacity
from cloudmgr.domain.allocations import Allocation, AllocationState, Segment, SegmentMode
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import BillingStart, PriceLink
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.placement import FILTERS, Candidate, Need
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.domain.values import Value


class OpeningState(StrEnum):
    CONFIRMING = "confirming"
    SIGNED = "signed"
    BLOCKED = "blocked"
    LIVE = "live"
    DROPPED = "dropped"


class OpeningSheet(StrEnum):
    """The sheets of the workbook."""

    CONTRACTS = "contracts"
    RUNNING = "running"
    QUOTAS = "quotas"
    BUDGETS = "budgets"
    PAYMENTS = "payments"


@dataclass(frozen=True, slots=True)
class OpeningFault:
    """Why a row cannot go live as things stand at the cut-over."""

    sheet: str
    row: int
    column: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening(Value):
    """期初建账: one workbook on its way into the books at `cut_over`, a Shanghai midnight; nothing
    before it is billed. A new upload is a new `round`, and voids the signatures.
    """

    title: str
    cut_over: datetime
    file_id: str
    round: int
    uploaded_by: str
    uploaded_at: datetime
    authority_signed_by: str | None = None
    finance_signed_by: str | None = None
    signed_at: datetime | None = None
    live_at: datetime | None = None
    faults: tuple[OpeningFault, ...] = ()
    state: OpeningState = OpeningState.CONFIRMING
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Opening",
        {
            OpeningState.CONFIRMING: ("核对中", (OpeningState.SIGNED, OpeningState.DROPPED)),
            OpeningState.SIGNED: (
                "已会签",
                (OpeningState.LIVE, OpeningState.BLOCKED, OpeningState.CONFIRMING),
            ),
            OpeningState.BLOCKED: ("待处理", (OpeningState.CONFIRMING, OpeningState.DROPPED)),
            OpeningState.LIVE: ("已启用", ()),
            OpeningState.DROPPED: ("已作废", ()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningContract:
    """A row of 合同; the days are the first and the last in force."""

    number: str
    name: str
    provider_id: str
    payee_id: str
    procurement_method: str
    signatories: tuple[str, ...]
    starts_on: date
    ends_on: date
    total: Yuan
    price_link: PriceLink
    billing_start: BillingStart
    pool_ids: tuple[str, ...]
    sku_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningResource:
    """A row of 在用资源: what runs, where, and its agreed price. `quoted` when a quote in force
    says that price already."""

    number: str
    contract_number: str
    department_id: str
    application_id: str
    pool_id: str
    sku_id: str
    quantity: int
    tiers: tuple[Tier, ...]
    quoted: bool
    estimate_units: int
    term_ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningQuota:
    """A row of 配额; -1 is unlimited."""

    scope: QuotaScope
    scope_id: str
    resource_class: ResourceClass
    limit_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningBudget:
    """A row of 预算; without a department the payer's own budget of the year."""

    payer_id: str
    department_id: str | None
    year: int
    approved: Yuan
    document_number: str
    project_code: str
    fund_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPayment:
    """A row of 已付款: paid under a contract before the cut-over."""

    contract_number: str
    payer_id: str
    department_id: str | None
    paid_on: date
    amount: Yuan
    voucher_number: str


OpeningContent = OpeningContract | OpeningResource | OpeningQuota | OpeningBudget | OpeningPayment


class OpeningSide(StrEnum):
    """Whose word a line needs."""

    PROVIDER = "provider"
    DEPARTMENT = "department"


class OpeningLineState(StrEnum):
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    OBJECTED = "objected"
    LIVE = "live"
    LEFT_OUT = "left_out"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class OpeningAnswer:
    """One side's word on a line; `deemed` where silence counted as consent (逾期视为无异议)."""

    side: OpeningSide
    user_id: str
    at: datetime
    reason: str = ""
    deemed: bool = False


_L = OpeningLineState


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningLine(Value):
    """期初明细: one row of the workbook. One of the five contents is set, by its sheet.

    `provider_id` and `department_id` say whose it is, `sides` whose word it needs; without any it
    is the offices' own and stands confirmed. `record_id` is what it became.
    """

    opening_id: str
    round: int
    sheet: OpeningSheet
    row: int
    provider_id: str | None
    department_id: str | None
    sides: tuple[OpeningSide, ...]
    warnings: tuple[str, ...] = ()
    contract: OpeningContract | None = None
    resource: OpeningResource | None = None
    quota: OpeningQuota | None = None
    budget: OpeningBudget | None = None
    payment: OpeningPayment | None = None
    answers: tuple[OpeningAnswer, ...] = ()
    left_out_because: str = ""
    record_id: str | None = None
    state: OpeningLineState = _L.WAITING
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "OpeningLine",
        {
            _L.WAITING: ("待核对", (_L.CONFIRMED, _L.OBJECTED, _L.REPLACED, _L.LEFT_OUT)),
            _L.CONFIRMED: (
                "双方确认",
                (_L.WAITING, _L.OBJECTED, _L.LIVE, _L.REPLACED, _L.LEFT_OUT),
            ),
            _L.OBJECTED: ("有异议", (_L.WAITING, _L.CONFIRMED, _L.REPLACED, _L.LEFT_OUT)),
            _L.LIVE: ("已启用", ()),
            _L.LEFT_OUT: ("未纳入", ()),
            _L.REPLACED: ("已更正", ()),
        },
        _L.WAITING,
        _L.CONFIRMED,
        _L.OBJECTED,
    )

    @property
    def content(self) -> OpeningContent:
        found = self.contract or self.resource or self.quota or self.budget or self.payment
        assert found is not None, f"{self.id} is a line about nothing"
        return found

    @property
    def awaited(self) -> tuple[OpeningSide, ...]:
        """The sides that have not spoken."""
        spoken = {answer.side for answer in self.answers}
        return tuple(side for side in self.sides if side not in spoken)


def agree(line: OpeningLine, answer: OpeningAnswer) -> OpeningLine:
    """A side agrees, taking back an objection it made; with all sides the line is confirmed."""
    others = tuple(each for each in line.answers if each.side is not answer.side)
    answers = (*others, answer)
    if any(each.reason for each in others):
        return replace(line, answers=answers)  # the other side still objects
    done = {each.side for each in answers} >= set(line.sides)
    to = _L.CONFIRMED if done else _L.WAITING
    if line.state is to:
        return replace(line, answers=answers)
    return advance(line, to, answers=answers)


def object_to(line: OpeningLine, answer: OpeningAnswer) -> OpeningLine:
    """A side says what is wrong; the line stays out until that is corrected or taken back."""
    others = tuple(each for each in line.answers if each.side is not answer.side)
    answers = (*others, answer)
    if line.state is _L.OBJECTED:
        return replace(line, answers=answers)
    return advance(line, _L.OBJECTED, answers=answers)


def keep_answers(line: OpeningLine, earlier: OpeningLine) -> OpeningLine:
    """A row that a new upload left as it was keeps what was said of it."""
    for answer in earlier.answers:
        line = object_to(line, answer) if answer.reason else agree(line, answer)
    return line


# --- how a running resource enters the books ------------------------------------------------


def refusals(need: Need, candidate: Candidate) -> tuple[str, ...]:
    """The filters of placement that would not let the resource stand where it does, in order."""
    return tuple(each.__name__ for each in FILTERS if not each(need, candidate))


def count_in(
    inventories: Mapping[str, Inventory], pool_id: str, amounts: Iterable[ResourceAmount]
) -> dict[str, Inventory]:
    """Inventories with what runs in a pool counted as a delivery would: held, then posted."""
    counted = dict(inventories)
    for amount in amounts:
        id = capacity.inventory_id(pool_id, amount.resource_class)
        counted[id] = enter(counted[id], amount.units)
    return counted


def enter(inventory: Inventory, units: int) -> Inventory:
    """`units` run already: held and posted in one; raises `capacity_exceeded`."""
    return capacity.post(capacity.hold(inventory, units), units)


def running_units(
    allocations: Iterable[Allocation], parents: Mapping[str, str | None]
) -> dict[tuple[str, ResourceClass], int]:
    """Allocated units per scope and class, counted on every ancestor by `parents`."""
    sums: dict[tuple[str, ResourceClass], int] = {}
    for allocation in allocations:
        scope: str | None = allocation.application_id
        while scope is not None:
            for amount in allocation.resources:
                key = (scope, amount.resource_class)
                sums[key] = sums.get(key, 0) + amount.units
            scope = parents[scope]
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A resource that runs at a cut-over."""

    department_id: str
    application_id: str
    pool_id: str
    provider_id: str
    contract_id: str
    sku_id: str
    quantity: int
    resources: tuple[ResourceAmount, ...]
    estimate_units: int
    provider_resource_id: str
    term_end: datetime | None


def opening_allocation(stock: Stock, id: str, cut_over: datetime) -> Allocation:
    """Charged from the cut-over; nothing before it counts, neither money nor readings."""
    return Allocation(
        id=id,
        request_id=None,
        department_id=stock.department_id,
        application_id=stock.application_id,
        pool_id=stock.pool_id,
        provider_id=stock.provider_id,
        contract_id=stock.contract_id,
        sku_id=stock.sku_id,
        quantity=stock.quantity,
        resources=stock.resources,
        estimate_units=stock.estimate_units,
        provider_resource_id=stock.provider_resource_id,
        delivered_at=cut_over,
        term_end=stock.term_end,
        segments=(Segment(cut_over, stock.sku_id, stock.quantity, SegmentMode.CHARGED),),
        state=AllocationState.ACTIVE,
    )
