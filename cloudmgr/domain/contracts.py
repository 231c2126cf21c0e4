"""Service contracts: what is covered, for how long, up to how much, and how that is amended.

Prices live in quotes; how far a contract is used up is `contracts_progress`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.money import ZERO, Yuan, round_half_away, total
from catalog.period import Period
from cloudmgr.domain.catalogs import OFF_CATALOG, is_off_catalog
from cloudmgr.domain.errors import (
    bad_value,
    contract_total_exceeded,
    not_covered,
    supplement_over_limit,
)
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class PriceLink(StrEnum):
    FIXED = "fixed"
    FOLLOW_CEILING = "follow_ceiling"


class BillingStart(StrEnum):
    DELIVERY = "delivery"
    TRIAL_ACCEPTED = "trial_accepted"


class InstalmentBasis(StrEnum):
    """How the payee is paid: what each settlement cycle comes to, or by agreed dates."""

    PER_CYCLE = "per_cycle"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class Instalment:
    """One agreed part of a scheduled contract's total, due on a day."""

    label: str
    due_on: date
    amount: Yuan


@dataclass(frozen=True, slots=True)
class InstalmentRule:
    """付款方式: by settlement cycle, or instalments that add up to the contract's total.

    It says what may be paid by when; what is owed is settled on measured use all the same.
    """

    basis: InstalmentBasis = InstalmentBasis.PER_CYCLE
    instalments: tuple[Instalment, ...] = ()

    def due_by(self, day: date) -> Decimal | None:
        """What of the agreed instalments is due by a day; None where cycles decide."""
        if self.basis is InstalmentBasis.PER_CYCLE:
            return None
        return total(each.amount for each in self.instalments if each.due_on <= day)


BY_CYCLE = InstalmentRule()


@dataclass(frozen=True, slots=True)
class DatedTerms:
    """From `starts_at` on, who is paid and how prices follow the ceiling."""

    starts_at: datetime
    payee_id: str
    price_link: PriceLink


class ContractState(StrEnum):
    SIGNED = "signed"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Value):
    """服务合同. `sku_ids` empty covers the whole catalog; `settled` counts toward `total`.

    `payee_id` and `price_link` are those in force now; once one was amended, `dated` tells them
    for every instant, also to come. `opening_paid` was settled and paid before the node kept the
    books and is part of `settled`; `raised` is what amendments added to the signed total.
    """

    number: str
    name: str
    provider_id: str
    payee_id: str
    procurement_method: str
    signatories: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    total: Yuan
    price_link: PriceLink
    billing_start: BillingStart
    pool_ids: tuple[str, ...]
    sku_ids: tuple[str, ...] = ()
    settled: Yuan = ZERO
    opening_paid: Yuan = ZERO
    raised: Yuan = ZERO
    instalment_rule: InstalmentRule = BY_CYCLE
    dated: tuple[DatedTerms, ...] = ()
    termination_document: str = ""
    state: ContractState = ContractState.IN_FORCE
    COUNTER: ClassVar[bool] = True
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Contract",
        {
            ContractState.SIGNED: (
                "已签订",
                (ContractState.IN_FORCE, ContractState.TERMINATED),
            ),
            ContractState.IN_FORCE: (
                "履行中",
                (ContractState.EXPIRED, ContractState.TERMINATED),
            ),
            ContractState.EXPIRED: ("已到期", ()),
            ContractState.TERMINATED: ("已终止", ()),
        },
        ContractState.SIGNED,
        ContractState.IN_FORCE,
    )

    @property
    def term(self) -> Period:
        return Period(self.starts_at, self.ends_at)

    @property
    def left(self) -> Decimal:
        return self.total - self.settled

    def covers(self, pool_id: str, sku_id: str, moment: datetime) -> bool:
        return self.term.contains(moment) and self.lists(pool_id, sku_id)

    def lists(self, pool_id: str, sku_id: str) -> bool:
        """Whether the Sku in that pool is among what the contract is about, whatever the day."""
        listed = OFF_CATALOG if is_off_catalog(sku_id) else sku_id
        return pool_id in self.pool_ids and (not self.sku_ids or listed in self.sku_ids)

    def terms_at(self, moment: datetime) -> DatedTerms:
        """Payee and price link as agreed for an instant, past or to come."""
        begun = [terms for terms in self.dated if terms.starts_at <= moment]
        if begun:
            return begun[-1]
        if self.dated:
            return self.dated[0]
        return DatedTerms(self.starts_at, self.payee_id, self.price_link)


def state_at_first(starts_at: datetime, now: datetime) -> ContractState:
    """What a contract is when it is registered: signed, or in force already."""
    return ContractState.SIGNED if now < starts_at else ContractState.IN_FORCE


def require_cover(contract: Contract, pool_id: str, sku_id: str, moment: datetime) -> None:
    """Raise `not_covered` unless the contract is in force and covers the Sku in that pool."""
    if not contract.covers(pool_id, sku_id, moment):
        raise not_covered(f"{sku_id} in {pool_id} at {moment.isoformat()}", contract.id)


def require_served(contract: Contract, periods: Iterable[Period]) -> None:
    """Raise `not_covered` unless the contract was in force in some of the periods settled."""
    spans = tuple(periods)
    if not any(contract.term.overlap(span) for span in spans):
        when = f"{spans[0].start.isoformat()} to {spans[-1].end.isoformat()}"
        raise not_covered(f"what was served from {when}", contract.id)


def settle(contract: Contract, amount: Decimal) -> Contract:
    """Count a settlement against the total, which is a hard limit; negative true-ups give back."""
    if amount > contract.left:
        raise contract_total_exceeded(contract.id, str(contract.left), str(amount))
    return replace(contract, settled=contract.settled + amount)


def carry_in(contract: Contract, paid: Decimal) -> Contract:
    """Count what was settled and paid before the node kept the books; raises as `settle`."""
    return replace(settle(contract, paid), opening_paid=contract.opening_paid + paid)


def check_instalments(rule: InstalmentRule, contract_total: Decimal) -> None:
    """Raise `bad_value` unless scheduled instalments stand in order and add up to the total."""
    if rule.basis is InstalmentBasis.PER_CYCLE:
        if rule.instalments:
            raise bad_value("instalment_rule", "payment by cycle has no agreed instalments")
        return
    days = [each.due_on for each in rule.instalments]
    if days != sorted(days) or any(each.amount <= 0 for each in rule.instalments):
        raise bad_value("instalment_rule", "instalments are positive and in the order of their day")
    if total(each.amount for each in rule.instalments) != contract_total:
        raise bad_value("instalment_rule", f"instalments add up to the total {contract_total}")


def raise_total(contract: Contract, new_total: Decimal, limit_percent: int) -> Contract:
    """More money under the same contract. All raises together stay within `limit_percent` of what
    was signed (政府采购法 art. 49 allows a tenth); beyond it a new procurement is needed.

    Raises `bad_value` for less, `supplement_over_limit` for too much.
    """
    if new_total <= contract.total:
        raise bad_value("total", f"an amended total is above the present {contract.total}")
    raised = contract.raised + new_total - contract.total
    signed = new_total - raised
    most = round_half_away(Fraction(signed) * limit_percent / 100)
    if raised > most:
        raise supplement_over_limit(contract.id, str(raised), str(most), limit_percent)
    return replace(contract, total=new_total, raised=raised)


def change_terms(
    contract: Contract,
    starts_at: datetime,
    *,
    payee_id: str | None = None,
    price_link: PriceLink | None = None,
) -> Contract:
    """Another payee or price link from an instant to come; what holds until then stays readable.

    Changes follow one another: raises `bad_value` for one before another that is agreed already.
    """
    known = contract.dated or (
        DatedTerms(contract.starts_at, contract.payee_id, contract.price_link),
    )
    last = known[-1]
    if starts_at < last.starts_at:
        raise bad_value(
            "effective_at", f"a change is agreed for {last.starts_at.isoformat()} already"
        )
    terms = DatedTerms(starts_at, payee_id or last.payee_id, price_link or last.price_link)
    kept = known[:-1] if starts_at == last.starts_at else known
    return replace(contract, dated=(*kept, terms))


@dataclass(frozen=True, slots=True)
class AmendedField:
    """One term of a contract as it was and as it is agreed now, as text for people."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAmendment(Value):
    """合同变更(补充协议或终止协议): the `sequence`-th change of a contract, with its document.

    What it says of term, total and coverage holds from when it was recorded; payee and price link
    from `effective_at`.
    """

    contract_id: str
    provider_id: str
    sequence: int
    document_number: str
    reason: str
    changes: tuple[AmendedField, ...]
    effective_at: datetime
    recorded_at: datetime
    recorded_by: str
