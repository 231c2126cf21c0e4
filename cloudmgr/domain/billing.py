"""Billing periods, statements (月账单) and credit notes (费用调整单).

Owns their lives and how lines add up; the lines are `rating`'s, the postings `journal`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from catalog.money import ZERO, Yuan, unit_price
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.lines import LineKind, LineState, RatedLine, line_amount
from cloudmgr.domain.values import Value


class PeriodState(StrEnum):
    OPEN = "open"
    GRACE = "grace"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPeriod(Value):
    """账期: one billing month, `id` is the month. In grace late usage still counts.

    While it is being closed `closing_at` is set, `cursor` is the last allocation rated and
    `rated` says that all are; so a close goes on where it stopped.
    """

    grace_until: datetime | None = None
    closing_at: datetime | None = None
    cursor: str = ""
    rated: bool = False
    closed_at: datetime | None = None
    line_count: int = 0
    total: Yuan = ZERO
    digest: str = ""
    state: PeriodState = PeriodState.OPEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "BillingPeriod",
        {
            PeriodState.OPEN: ("未到期", (PeriodState.GRACE,)),
            PeriodState.GRACE: ("待关账", (PeriodState.CLOSED,)),
            PeriodState.CLOSED: ("已关账", ()),
        },
    )


class StatementState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    OBJECTED = "objected"
    CONFIRMED = "confirmed"
    SETTLED = "settled"


class StatementTitle(StrEnum):
    """What the paper is called: 月账单, or 用云费用确认单 where a central payer pays."""

    STATEMENT = "statement"
    CONFIRMATION = "confirmation"

    @property
    def label_zh(self) -> str:
        return "月账单" if self is StatementTitle.STATEMENT else "用云费用确认单"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Value):
    """月账单 of a department for a month; `total` is the sum of its lines.

    Unanswered by `due_at` it counts as confirmed (`deemed`). An objection holds its own lines
    only. `budgeted` says whether a budget took the amount due; `contract_ids` are those its lines
    are settled under. The names are the official ones of the day it was issued.
    """

    department_id: str
    payer_id: str
    month: str
    title: StatementTitle
    total: Yuan
    line_count: int
    issued_at: datetime
    due_at: datetime
    budgeted: bool
    department_name: str = ""
    payer_name: str = ""
    contract_ids: tuple[str, ...] = ()
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    deemed: bool = False
    objected_line_ids: tuple[str, ...] = ()
    objection: str = ""
    objected_at: datetime | None = None
    answer: str = ""
    credit_note_id: str | None = None
    state: StatementState = StatementState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Statement",
        {
            StatementState.DRAFT: ("草稿", (StatementState.ISSUED,)),
            StatementState.ISSUED: (
                "待确认",
                (StatementState.CONFIRMED, StatementState.OBJECTED),
            ),
            StatementState.OBJECTED: ("有异议", (StatementState.CONFIRMED,)),
            StatementState.CONFIRMED: ("已确认", (StatementState.SETTLED,)),
            StatementState.SETTLED: ("已结算", ()),
        },
    )

    def holds(self, line_id: str) -> bool:
        """Whether a line may not be settled yet: nobody confirmed it, or it is objected to."""
        if self.state in (StatementState.DRAFT, StatementState.ISSUED):
            return True
        return self.state is StatementState.OBJECTED and line_id in self.objected_line_ids


@dataclass(frozen=True, slots=True)
class Credit:
    """`amount` yuan given back on a line; negative charges more (a debit)."""

    line_id: str
    amount: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote(Value):
    """费用调整单: how an objection ended; its lines stand in the statement of `month`."""

    statement_id: str
    department_id: str
    month: str
    credits: tuple[Credit, ...]
    reason: str
    total: Yuan
    issued_at: datetime
    issued_by: str


def statement_id(month: str, department_id: str) -> str:
    return f"ST-{month}/{department_id}"


@dataclass(slots=True)
class StatementSum:
    """What a department's lines of a month add up to; by payee without what the payer waived."""

    payer_id: str
    line_count: int = 0
    total: Decimal = ZERO
    by_payee: dict[str, Decimal] = field(default_factory=dict)
    waived: dict[str, Decimal] = field(default_factory=dict)
    contract_ids: set[str] = field(default_factory=set)

    def add(self, line: RatedLine) -> None:
        sums = self.waived if line.kind is LineKind.WAIVER else self.by_payee
        sums[line.payee_id] = sums.get(line.payee_id, ZERO) + line.amount
        if line.amount:
            self.contract_ids.add(line.contract_id)
        self.line_count += 1
        self.total += line.amount


def sums_by_department(lines: Iterable[RatedLine]) -> dict[str, StatementSum]:
    """Add up lines, each rounded already, by department; one pass, nothing kept of a line."""
    sums: dict[str, StatementSum] = {}
    for line in lines:
        if line.department_id not in sums:
            sums[line.department_id] = StatementSum(line.payer_id)
        sums[line.department_id].add(line)
    return sums


def issued_statement(
    month: str,
    department_id: str,
    summed: StatementSum,
    *,
    issued_at: datetime,
    due_at: datetime,
    budgeted: bool,
    names: tuple[str, str] = ("", ""),
) -> Statement:
    """The statement of a department's summed lines, issued; `names` are the department's and the
    payer's of that day."""
    own = summed.payer_id == department_id
    return Statement(
        id=statement_id(month, department_id),
        department_id=department_id,
        payer_id=summed.payer_id,
        month=month,
        title=StatementTitle.STATEMENT if own else StatementTitle.CONFIRMATION,
        total=summed.total,
        line_count=summed.line_count,
        issued_at=issued_at,
        due_at=due_at,
        budgeted=budgeted,
        department_name=names[0],
        payer_name=names[1],
        contract_ids=tuple(sorted(summed.contract_ids)),
        state=StatementState.ISSUED,
    )


def line_text(line: RatedLine) -> str:
    """A line's content for the digest of a close: everything but its version and its state."""
    return "|".join(
        (
            line.id, line.month, line.served_month, line.kind, line.department_id,
            line.application_id, line.region_id, line.payer_id, line.provider_id, line.payee_id,
            line.contract_id, line.pool_id, line.allocation_id, line.sku_id, line.quote_id,
            line.catalog_version_id, line.start.isoformat(), line.end.isoformat(),
            str(line.quantity), str(line.per_unit), line.fraction, str(line.tier_from),
            f"{line.unit_price:f}", f"{line.amount:f}", line.corrects or "",
            line.credit_note_id or "",
        )
    )  # fmt: skip


def check_objection(lines: Iterable[RatedLine], line_ids: tuple[str, ...], reason: str) -> None:
    """Raise `bad_value` unless an objection names lines of the statement and a reason."""
    if not reason.strip():
        raise bad_value("reason", "an objection gives a reason")
    if not line_ids or len(set(line_ids)) != len(line_ids):
        raise bad_value("line_ids", "an objection names each line it holds once")
    if foreign := set(line_ids) - {line.id for line in lines}:
        raise bad_value("line_ids", f"{sorted(foreign)} are not lines of this statement")


def check_credits(
    statement: Statement, lines: Iterable[RatedLine], credits: tuple[Credit, ...]
) -> None:
    """Raise `bad_value` unless every credit is for a line objected to, once, not zero, and gives
    back no more than the line charged."""
    charged = {line.id: line.amount for line in lines if line.id in statement.objected_line_ids}
    if not credits or len({credit.line_id for credit in credits}) != len(credits):
        raise bad_value("credits", "a credit note names each line it corrects once")
    for credit in credits:
        if credit.line_id not in charged:
            raise bad_value("credits", f"{credit.line_id} is not a line objected to")
        if not credit.amount:
            raise bad_value("credits", f"{credit.line_id}: a credit of nothing is a refusal")
        if credit.amount > max(charged[credit.line_id], ZERO):
            raise bad_value(
                "credits",
                f"{credit.line_id}: {credit.amount} yuan are more than the "
                f"{charged[credit.line_id]} yuan it charged",
            )


def credit_lines(
    note: CreditNote, lines: Iterable[RatedLine], payers: Mapping[str, str]
) -> tuple[RatedLine, ...]:
    """The adjustment lines of a credit note: the credit as quantity 1 at minus its amount, in
    the note's month, for the service of the corrected line's month."""
    credited = {credit.line_id: credit.amount for credit in note.credits}
    found: list[RatedLine] = []
    for line in sorted(lines, key=lambda line: line.id):
        if line.id not in credited:
            continue
        price = abs(credited[line.id])
        fraction = "-1/1" if credited[line.id] > 0 else "1/1"
        found.append(
            replace(
                line,
                version=0,
                id=f"RL-{note.month}/{line.allocation_id}/{note.id}-{len(found) + 1:03d}",
                month=note.month,
                statement_id=None,
                state=LineState.DRAFT,
                kind=LineKind.ADJUSTMENT,
                payer_id=payers[line.department_id],
                quantity=1,
                per_unit=1,
                tier_from=0,
                fraction=fraction,
                unit_price=unit_price(price),
                amount=line_amount(1, 1, fraction, price),
                corrects=line.id,
                credit_note_id=note.id,
            )
        )
    return tuple(found)
