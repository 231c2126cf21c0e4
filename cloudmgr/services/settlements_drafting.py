"""Drafting settlements: gathers a cycle's confirmed lines, credits and scores per payer and payee.

Owns which lines count and what was settled before; the arithmetic is `domain.settlement`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from catalog.money import ZERO
from catalog.period import Month
from catalog.versions import CatalogVersion
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.assessment import Assessment, AssessmentState, assessment_id, cycle_months
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement
from cloudmgr.domain.coefficients import coefficient
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import assessment_not_final, period_not_closed
from cloudmgr.domain.incidents import Incident, availability
from cloudmgr.domain.lines import LineKind, LineState, RatedLine
from cloudmgr.domain.settlement import (
    DepartmentShare,
    Settlement,
    SettlementState,
    amounts,
    service_credit,
)
from cloudmgr.services.organisations import name_on_paper
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import Le, World


class Key(NamedTuple):
    """What one settlement is about, beside its cycle."""

    payer_id: str
    payee_id: str
    contract_id: str


@dataclass(slots=True)
class Claim:
    """What the lines of a key add up to."""

    line_count: int = 0
    charged: bool = False
    lines_total: Decimal = ZERO
    credits: Decimal = ZERO
    by_department: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))

    def add(self, line: RatedLine, credit: Decimal) -> None:
        self.line_count += 1
        self.charged = self.charged or bool(line.amount)
        self.lines_total += line.amount
        self.credits += credit
        self.by_department[line.department_id] += line.amount - credit

    @property
    def gross(self) -> Decimal:
        return self.lines_total - self.credits


def drafts(world: World, cycle: str, now: datetime) -> Iterator[Settlement]:
    """The settlements of a cycle (named by its first month) that are due now, not yet stored.

    A key settled before gets a true-up over the same and the newer lines if it comes to another
    sum, and none while an earlier one is held. Raises `period_not_closed`, `bad_period`, or
    `assessment_not_final` naming the provider.
    """
    months = cycle_months(cycle, policy_now(world, now).settlement_cycle_months)
    for month in months:
        period = world.seek(BillingPeriod, str(month))
        if period is None or period.state is not PeriodState.CLOSED:
            raise period_not_closed(str(month))
    claims = _claims(world, months)
    for key in sorted(claims):
        earlier = sorted(
            world.find(Settlement, cycle=cycle, **key._asdict()), key=lambda each: each.sequence
        )
        held = any(each.state is SettlementState.HELD for each in earlier)
        if claims[key].charged and not held:
            yield from _draft(world, key, months, claims[key], tuple(earlier), now)


def _draft(
    world: World,
    key: Key,
    months: tuple[Month, ...],
    claim: Claim,
    earlier: tuple[Settlement, ...],
    now: datetime,
) -> Iterator[Settlement]:
    """The key's next settlement; none when it would say what the last one says."""
    last = earlier[-1] if earlier else None
    provider_id = world.get(Contract, key.contract_id).provider_id
    assessment = _final(world, provider_id, str(months[0]))
    found = coefficient(assessment.score)
    if last is not None and last.reason and last.score == assessment.score:
        found_value, working = last.coefficient, last.working  # decided by people, still standing
    else:
        found_value, working = found.value, found.working
    before = ZERO if last is None else last.payable_total
    made = amounts(claim.gross, found_value) if found_value is not None else None
    settlement = Settlement(
        id=f"SE-{months[0]}/{key.payer_id}/{key.payee_id}/{key.contract_id}/{len(earlier) + 1}",
        payer_id=key.payer_id,
        payee_id=key.payee_id,
        provider_id=provider_id,
        contract_id=key.contract_id,
        cycle=str(months[0]),
        months=tuple(map(str, months)),
        sequence=len(earlier) + 1,
        line_count=claim.line_count,
        lines_total=claim.lines_total,
        service_credits=claim.credits,
        gross=claim.gross,
        shares=tuple(
            DepartmentShare(id, claim.by_department[id]) for id in sorted(claim.by_department)
        ),
        assessment_id=assessment.id,
        score=assessment.score,
        coefficient=found_value,
        working=working,
        deduction=made.deduction if made else None,
        settled_before=before,
        withheld_before=ZERO if last is None else last.lines_total - last.payable_total,
        payable=made.payable - before if made else None,
        drafted_at=now,
        payer_name=name_on_paper(world, key.payer_id, now),
        payee_name=name_on_paper(world, key.payee_id, now),
        state=SettlementState.DRAFTED if made else SettlementState.HELD,
    )
    if last is None or _differs(settlement, last):
        yield settlement


def _differs(new: Settlement, last: Settlement) -> bool:
    return (new.lines_total, new.gross, new.coefficient) != (
        last.lines_total,
        last.gross,
        last.coefficient,
    )


def _final(world: World, provider_id: str, cycle: str) -> Assessment:
    assessment = world.seek(Assessment, assessment_id(provider_id, cycle))
    if assessment is None or assessment.state is not AssessmentState.FINAL:
        raise assessment_not_final(provider_id, cycle)
    return assessment


def _claims(world: World, months: tuple[Month, ...]) -> dict[Key, Claim]:
    """The lines served in the months that somebody confirmed, added up. A waiver is the payer's
    matter and lowers no gross; lines objected to wait."""
    credits = _Credits.of(world, months)
    statements: dict[str, Statement] = {}
    claims: dict[Key, Claim] = defaultdict(Claim)
    for month in months:
        for line in world.stream(RatedLine, served_month=str(month), state=LineState.ISSUED):
            if line.kind is LineKind.WAIVER or line.statement_id is None:
                continue
            if line.statement_id not in statements:
                statements[line.statement_id] = world.get(Statement, line.statement_id)
            if not statements[line.statement_id].holds(line.id):
                key = Key(line.payer_id, line.payee_id, line.contract_id)
                claims[key].add(line, credits.of_line(line, month))
    return claims


@dataclass(frozen=True, slots=True)
class _Credits:
    """Service-standard credits of the lines whose resources were interrupted."""

    world: World
    incidents: Mapping[str, tuple[Incident, ...]]
    versions: Mapping[str, CatalogVersion]

    @classmethod
    def of(cls, world: World, months: tuple[Month, ...]) -> _Credits:
        by_allocation: dict[str, tuple[Incident, ...]] = {}
        end = months[-1].period.end
        for incident in world.find(Incident, opened_at=Le(end)):
            for id in incident.allocation_ids:
                by_allocation[id] = (*by_allocation.get(id, ()), incident)
        versions = {each.id: each for each in price_book(world).versions}
        return cls(world, by_allocation, versions)

    def of_line(self, line: RatedLine, month: Month) -> Decimal:
        """What the line gives back for the availability of its resource in the month."""
        incidents = self.incidents.get(line.allocation_id)
        if not incidents or line.kind is not LineKind.CHARGE:
            return ZERO
        life = self.world.get(Allocation, line.allocation_id).life
        served = life.overlap(month.period) if life else None
        if served is None:
            return ZERO
        standard = self.versions[line.catalog_version_id].standard_of(line.sku_id)
        reached = availability(incidents, line.allocation_id, served)
        return service_credit(line.amount, reached, standard)
