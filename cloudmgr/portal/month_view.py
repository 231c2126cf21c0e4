"""What the month's page shows beside the overview itself: groups, labels, lengths of bars, sums.

Nothing here is a rule; a figure that is one comes from the services.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from catalog.money import round_half_away, total
from catalog.period import Month
from cloudmgr.domain.assessment import Assessment, AssessmentState
from cloudmgr.domain.billing import BillingPeriod, PeriodState, Statement, StatementState
from cloudmgr.domain.indicators import Dimension
from cloudmgr.domain.ratios import ratio_text
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.settlement import Settlement, SettlementState
from cloudmgr.portal.language import Lang, Words, spelled
from cloudmgr.portal.render import PER_MILLE, UNKNOWN, per_mille
from cloudmgr.services.overview_values import (
    AssessmentOverview,
    CapacityOverview,
    MonthOverview,
    RequestsOverview,
    SettlementOverview,
)

COEFFICIENT_PLACES = 6


class Outcome(StrEnum):
    """What became of a request, in the four groups that the page counts."""

    COMPLETED = "completed"
    UNDER_WAY = "under_way"
    REFUSED = "refused"
    ENDED = "ended"


_OUTCOMES = {
    RequestState.COMPLETED: Outcome.COMPLETED,
    RequestState.REJECTED: Outcome.REFUSED,
    RequestState.NOT_ACCEPTED: Outcome.REFUSED,
    RequestState.WITHDRAWN: Outcome.ENDED,
    RequestState.EXPIRED: Outcome.ENDED,
    RequestState.CANCELLED: Outcome.ENDED,
}

_GOOD = (
    StatementState.CONFIRMED, StatementState.SETTLED, AssessmentState.FINAL, SettlementState.PAID,
    PeriodState.CLOSED,
)  # fmt: skip
_BAD = (StatementState.OBJECTED, AssessmentState.APPEALED, SettlementState.HELD)


def outcome_of(state: RequestState) -> Outcome:
    return _OUTCOMES.get(state, Outcome.UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Segment:
    """A coloured stretch of a bar that is 1000 long."""

    tone: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Chip:
    """A small label; `tone` is good, bad or plain."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """Counts in the order of `Outcome`, and their sum."""

    label: str
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The last row of the settlements; None where one provider's sum is not known."""

    papers: int
    gross: Decimal
    service_credits: Decimal
    deduction: Decimal | None
    payable: Decimal | None
    paid: Decimal


@dataclass(frozen=True, slots=True)
class MonthView:
    """What templates ask for; every text in the language of its words."""

    words: Words
    overview: MonthOverview
    month: Month
    earlier: Month | None
    later: Month | None
    period: Chip
    with_statement: int
    confirmed: int
    deducted: Decimal | None
    outcomes: tuple[OutcomeRow, ...]
    outcome_sum: OutcomeRow
    settled: Settled

    @property
    def is_open(self) -> bool:
        return self.overview.state is not PeriodState.CLOSED

    @property
    def lasts(self) -> bool:
        """Whether the month is not over yet."""
        return self.overview.at < self.month.period.end

    def outcome_labels(self) -> tuple[tuple[str, str], ...]:
        return tuple((each, self.words(f"outcome_{each}")) for each in Outcome)

    def outcome_bar(self) -> tuple[Segment, ...]:
        return _stacked(zip(Outcome, self.outcome_sum.counts, strict=True), self.outcome_sum.total)

    def kind_bar(self, row: OutcomeRow) -> tuple[Segment, ...]:
        """A kind's outcomes, as long as its requests are of the kind with most."""
        most = max(each.total for each in self.outcomes)
        return _stacked(zip(Outcome, row.counts, strict=True), most)

    def states_told(self) -> str:
        """Every state with its count, in the order of the table of states."""
        words, counted = self.words, self.overview.requests.by_state
        return words.listed(
            [
                f"{words.state(ResourceRequest.LIFECYCLE, state)} {number}"
                for state, number in counted.items()
            ]
        )

    def capacity_bar(self, capacity: CapacityOverview) -> tuple[Segment, ...]:
        """Allocated, held and reserved of what is offered."""
        parts = (
            ("allocated", capacity.allocated),
            ("held", capacity.held),
            ("reserved", capacity.reserved),
        )
        return _stacked(parts, capacity.offered)

    def statement(self, state: StatementState | None) -> Chip:
        return self._chip(Statement, state)

    def assessment(self, each: AssessmentOverview) -> Chip:
        return self._chip(Assessment, each.state)

    def papers(self, each: SettlementOverview) -> tuple[Chip, ...]:
        """The states of a provider's settlements, with their count where they differ."""
        chips = []
        for state, number in each.states.items():
            chip = self._chip(Settlement, state)
            text = f"{chip.text} {number}" if len(each.states) > 1 else chip.text
            chips.append(Chip(text, chip.tone))
        return tuple(chips)

    def dimensions(self) -> tuple[tuple[Dimension, str], ...]:
        """The dimensions that any provider was scored in."""
        scored = {d.dimension for each in self.overview.assessments for d in each.dimensions}
        return tuple(
            (each, each.label_zh if self.words.lang is Lang.ZH else spelled(each))
            for each in Dimension
            if each in scored
        )

    def dimension_score(self, each: AssessmentOverview, dimension: Dimension) -> Fraction | None:
        found = (d.score for d in each.dimensions if d.dimension is dimension)
        return next(found, None)

    def points(self, score: Fraction | None) -> str:
        return UNKNOWN if score is None else f"{round_half_away(score, 1):f}"

    def coefficient(self, value: Fraction | None) -> str:
        return UNKNOWN if value is None else ratio_text(value, COEFFICIENT_PLACES)

    def exactly(self, value: Fraction | None) -> str:
        """The fraction behind a coefficient that its decimals do not say whole; else nothing."""
        if value is None or Fraction(ratio_text(value, COEFFICIENT_PLACES)) == value:
            return ""
        return self.words("exactly", fraction=value)

    def part(self, amount: Decimal | None) -> Fraction | None:
        """An amount's share of the month's bill."""
        if amount is None or not self.overview.billed:
            return None
        return Fraction(amount) / Fraction(self.overview.billed)

    def part_bar(self, amount: Decimal | None) -> int:
        """The share as a length, the dearest department's being the whole bar."""
        dearest = self.part(self.overview.departments[0].total)
        share = self.part(amount)
        return per_mille(share / dearest) if share and dearest else 0

    def _chip(self, noun: type[Statement | Assessment | Settlement], state: StrEnum | None) -> Chip:
        if state is None:
            return Chip(self.words("none_yet"), "plain")
        return Chip(self.words.state(noun.LIFECYCLE, state), tone(state))


def tone(state: StrEnum) -> str:
    """Whether a state is where things should end, is trouble, or is on the way."""
    if any(state is each for each in _GOOD):
        return "good"
    return "bad" if any(state is each for each in _BAD) else "plain"


def month_view(found: MonthOverview, words: Words, *, months: Sequence[Month]) -> MonthView:
    """The view of an overview; `months` are all that have a page, in order."""
    month = Month.parse(found.month)
    states = [each.state for each in found.departments if each.state is not None]
    deductions = [each.deduction for each in found.settlements if each.deduction is not None]
    rows = tuple(_outcome_rows(found.requests, words))
    return MonthView(
        words=words,
        overview=found,
        month=month,
        earlier=max((each for each in months if each < month), default=None),
        later=min((each for each in months if each > month), default=None),
        period=Chip(words.state(BillingPeriod.LIFECYCLE, found.state), tone(found.state)),
        with_statement=len(states),
        confirmed=sum(
            each in (StatementState.CONFIRMED, StatementState.SETTLED) for each in states
        ),
        deducted=total(deductions) if deductions else None,
        outcomes=rows,
        outcome_sum=_added(rows, words),
        settled=_settled(found.settlements),
    )


def _outcome_rows(requests: RequestsOverview, words: Words) -> Iterable[OutcomeRow]:
    for kind in RequestKind:
        states = requests.by_kind.get(kind, {})
        if states:
            counts = tuple(
                sum(number for state, number in states.items() if outcome_of(state) is outcome)
                for outcome in Outcome
            )
            yield OutcomeRow(words(f"kind_{kind}"), counts, sum(counts))


def _added(rows: Iterable[OutcomeRow], words: Words) -> OutcomeRow:
    columns = tuple(zip(*(row.counts for row in rows), strict=True)) or ((),) * len(Outcome)
    counts = tuple(sum(column) for column in columns)
    return OutcomeRow(words("all"), counts, sum(counts))


def _settled(each: Sequence[SettlementOverview]) -> Settled:
    deductions = [one.deduction for one in each]
    payables = [one.payable for one in each]
    return Settled(
        papers=sum(one.papers for one in each),
        gross=total(one.gross for one in each),
        service_credits=total(one.service_credits for one in each),
        deduction=_all_or_none(deductions),
        payable=_all_or_none(payables),
        paid=total(one.paid for one in each),
    )


def _all_or_none(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return total(known) if len(known) == len(amounts) else None


def _stacked(parts: Iterable[tuple[str, int]], whole: int) -> tuple[Segment, ...]:
    """Parts of a whole one behind the other; ends are rounded, so that no gap opens."""
    segments: list[Segment] = []
    before = 0
    for name, units in parts:
        if units and whole:
            start = per_mille(Fraction(before, whole))
            end = per_mille(Fraction(before + units, whole))
            segments.append(Segment(str(name), start, min(end, PER_MILLE) - start))
        before += units
    return tuple(segments)
