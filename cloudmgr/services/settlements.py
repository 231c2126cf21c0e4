"""Settlements as commands: drafted after the final score, confirmed by both sides, reviewed.

Owns who decides what and what a confirmation binds: the contract's total and the journal. Which
lines a settlement stands on is `settlements_drafting`, invoice and payment `settlements_payment`,
the amounts `domain.settlement`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import Month
from cloudmgr.domain import contracts, journal
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.assessment import cycle_months
from cloudmgr.domain.billing import Statement, StatementState
from cloudmgr.domain.coefficients import decided
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import not_confirmed, not_found, same_person
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.ratios import Ratio
from cloudmgr.domain.settlement import Settlement, SettlementState, amounts
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.policies import policy_now
from cloudmgr.services.settlements_drafting import drafts
from cloudmgr.services.world import World

PAYER_SIDE = (Role.FINANCE, Role.OPERATING_COMPANY)
_UNBOUND = (SettlementState.DRAFTED, SettlementState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSettlements(Command):
    """Draft what is due of a cycle, named by its first month; again later, the true-ups."""

    cycle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCoefficient(Command):
    """Payment is held: the first person proposes a coefficient with a reason, the second, another
    one, decides it by giving the same."""

    settlement_id: str
    coefficient: Ratio
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSettlement(Command):
    """The provider, or finance or the operating company, agrees with the settlement."""

    settlement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettlement(Command):
    """Finance reviewed the confirmed settlement."""

    settlement_id: str


@handles(Role.FINANCE)
def draft_settlements(
    world: World, command: DraftSettlements, actor: Actor, now: datetime
) -> tuple[Settlement, ...]:
    """Those made now; empty when nothing has changed since."""
    made = tuple(drafts(world, command.cycle, now))
    for month in cycle_months(command.cycle, policy_now(world, now).settlement_cycle_months):
        _settle_free(world, str(month))
    return tuple(world.put(each) for each in made)


@handles(Role.FINANCE, Role.AUTHORITY)
def decide_coefficient(
    world: World, command: DecideCoefficient, actor: Actor, now: datetime
) -> Settlement:
    """Raises `same_person` when who proposed would decide; another figure is a new proposal."""
    settlement = world.get(Settlement, command.settlement_id)
    settlement.LIFECYCLE.require(settlement.id, settlement.state, SettlementState.DRAFTED)
    chosen = decided(command.coefficient, command.reason)
    if settlement.proposed_coefficient != command.coefficient or settlement.proposed_by is None:
        return world.put(
            replace(
                settlement,
                proposed_coefficient=command.coefficient,
                proposed_by=actor.user_id,
                reason=command.reason,
            )
        )
    if settlement.proposed_by == actor.user_id:
        raise same_person("a decided coefficient")
    made = amounts(settlement.gross, command.coefficient)
    return world.put(
        advance(
            settlement,
            SettlementState.DRAFTED,
            coefficient=command.coefficient,
            working=chosen.working,
            deduction=made.deduction,
            payable=made.payable - settlement.settled_before,
            decided_by=actor.user_id,
            reason=command.reason,
        )
    )


@handles(Role.PROVIDER, *PAYER_SIDE)
def confirm_settlement(
    world: World, command: ConfirmSettlement, actor: Actor, now: datetime
) -> Settlement:
    """With both sides' word it binds: counts against the contract's total, and is posted.

    Raises `same_person`, `not_confirmed` when this side has spoken and the other has not,
    `not_covered` for months without the contract, `contract_total_exceeded`; `not_found` for
    another provider's settlement.
    """
    settlement = world.get(Settlement, command.settlement_id)
    settlement.LIFECYCLE.require(settlement.id, settlement.state, SettlementState.CONFIRMED)
    signed = _signed(settlement, actor)
    if signed.provider_confirmed_by is None or signed.payer_confirmed_by is None:
        return world.put(signed)
    if signed.provider_confirmed_by == signed.payer_confirmed_by:
        raise same_person("a settlement")
    _bind(world, signed, now)
    confirmed = world.put(advance(signed, SettlementState.CONFIRMED, confirmed_at=now))
    _settle_statements(world, confirmed)
    return confirmed


@handles(Role.FINANCE)
def review_settlement(
    world: World, command: ReviewSettlement, actor: Actor, now: datetime
) -> Settlement:
    """Raises `same_person` when who confirmed for the payer would also review."""
    settlement = world.get(Settlement, command.settlement_id)
    reviewed = advance(
        settlement, SettlementState.FINANCE_REVIEWED, reviewed_by=actor.user_id, reviewed_at=now
    )
    if actor.user_id in (settlement.payer_confirmed_by, settlement.provider_confirmed_by):
        raise same_person("confirming and reviewing a settlement")
    return world.put(reviewed)


def _signed(settlement: Settlement, actor: Actor) -> Settlement:
    """The settlement with the actor's side confirmed."""
    if actor.has_in(settlement.provider_id, Role.PROVIDER):
        if settlement.provider_confirmed_by is not None:
            raise not_confirmed(settlement.id, ("the payer's side",))
        return replace(settlement, provider_confirmed_by=actor.user_id)
    if not actor.has_for_city(*PAYER_SIDE):
        raise not_found("Settlement", settlement.id)
    if settlement.payer_confirmed_by is not None:
        raise not_confirmed(settlement.id, (settlement.provider_id,))
    return replace(settlement, payer_confirmed_by=actor.user_id)


def _bind(world: World, settlement: Settlement, now: datetime) -> None:
    """Count it against the contract's total; post what is kept back, which stays with the payer."""
    assert settlement.payable is not None, f"{settlement.id} is drafted without an amount"
    world.lock((Contract, settlement.contract_id))
    contract = world.get(Contract, settlement.contract_id)
    contracts.require_served(contract, (Month.parse(each).period for each in settlement.months))
    world.put(contracts.settle(contract, settlement.payable))
    if settlement.withheld:
        source = journal.Source(id=settlement.id, month=settlement.cycle, at=now)
        world.put(
            journal.deduction(
                source,
                payer_id=settlement.payer_id,
                payee_id=settlement.payee_id,
                amount=settlement.withheld,
            )
        )


def _settle_free(world: World, month: str) -> None:
    """Confirmed statements that charge nothing have nothing left to be settled."""
    for statement in world.find(Statement, month=month, state=StatementState.CONFIRMED):
        if not statement.contract_ids:
            world.put(advance(statement, StatementState.SETTLED))


def _settle_statements(world: World, settlement: Settlement) -> None:
    """Confirmed statements whose contracts all have a binding settlement are settled."""
    bound = {
        each.contract_id
        for each in world.find(Settlement, payer_id=settlement.payer_id, cycle=settlement.cycle)
        if each.state not in _UNBOUND
    }
    for statement in world.find(
        Statement,
        payer_id=settlement.payer_id,
        month=settlement.months,
        state=StatementState.CONFIRMED,
    ):
        if bound.issuperset(statement.contract_ids):
            world.put(advance(statement, StatementState.SETTLED))
